package dev.preforklab.cpython.recipe;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.Interpreter;
import java.util.Arrays;

/**
 * What a normal exit asks of the allocators while the heap is frozen: names, weak references and
 * lists that the finalisation holds for a moment, and the interpreter's own objects that it frees.
 * The calls are those of a bare interpreter; where the blocks come from depends on the holes of the
 * recipe's heap, and there the copies are.
 *
 * @param calls a size allocates, -k frees the k-th latest of these allocations, 0 frees the next of
 *     the captured blocks
 * @param freed addresses of the captured blocks that are freed, in order
 */
@SuppressWarnings("ArrayRecordComponent") // read once, never changed
record ExitCalls(int[] calls, long[] freed) {
  /** Makes the calls in a process that started on the baseline. */
  void replay(Interpreter interpreter, Baseline baseline, BaselineLoader loader) {
    long[] blocks = new long[(int) Arrays.stream(calls).filter(call -> call > 0).count()];
    int made = 0;
    int next = 0;
    for (int call : calls) {
      if (call > 0) {
        long block = interpreter.malloc.allocate(call);
        write(interpreter.host, block, call);
        blocks[made++] = block;
      } else if (call < 0) {
        interpreter.malloc.free(blocks[made + call]);
      } else {
        long address = freed[next++];
        if (baseline.leftovers.isDead(address)) {
          interpreter.freeLists.clear(); // what is on them now
        } else if (baseline.isInHeaps(address)
            && loader.isThere(address)
            && !baseline.leftovers.isGarbage(address)) {
          // else it has a mapping of its own, which vanishes
          interpreter.malloc.free(loader.relocate(address));
        }
      }
    }
  }

  /** Whoever asked for a block fills it. */
  private static void write(Host host, long block, int bytes) {
    long end = block + bytes;
    for (long at = block; at < end; at = (at | (Host.BYTES_IN_PAGE - 1)) + 1) {
      host.store(at & -8, host.load(at & -8), Host.CAUSE_FINALIZE);
    }
  }
}
