package dev.preforklab.cpython.recipe;

import com.fasterxml.jackson.databind.JsonNode;
import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.Interpreter;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;

/**
 * What a normal exit asks of the allocators: names, weak references and lists that the finalisation
 * holds for a moment, and the interpreter's own objects that it frees. The calls are those of a
 * bare interpreter; where the blocks come from depends on the holes of the recipe's heap, and there
 * the copies are.
 *
 * @param calls a size allocates, -k frees the k-th latest of these allocations, 0 frees the next of
 *     the captured blocks
 * @param freed addresses of the captured blocks that are freed, in order
 */
@SuppressWarnings("ArrayRecordComponent") // read once, never changed
record ExitCalls(int[] calls, long[] freed) {
  /** Of the table of the builtins' dict; no other block is as large. */
  private static final int TABLE_BYTES_LEAST = 1024;

  static ExitCalls read(JsonNode node) {
    return new ExitCalls(Baseline.ints(node.path(0)), Baseline.sums(Baseline.longs(node.path(1))));
  }

  boolean isEmpty() {
    return calls.length == 0;
  }

  /** The calls, made in a process that started on the baseline. */
  final class Replay {
    private final Interpreter interpreter;
    private final Baseline baseline;
    private final BaselineLoader loader;
    private final Set<Long> trackedHeads = new HashSet<>();
    private final Set<Long> inUse = new HashSet<>();
    private final long[] blocks =
        new long[(int) Arrays.stream(calls).filter(call -> call > 0).count()];
    private final Set<Long> allocated = new HashSet<>();
    private int next;
    private int made;
    private int nextFreed;

    Replay(Interpreter interpreter, Baseline baseline, BaselineLoader loader) {
      this.interpreter = interpreter;
      this.baseline = baseline;
      this.loader = loader;
      for (long[] generation : baseline.lists) {
        Arrays.stream(generation).forEach(trackedHeads::add);
      }
      baseline.pools.forEachBlockInUse((block, bytes) -> inUse.add(block));
    }

    /**
     * Makes the calls up to the end of the first full collection, which takes the garbage and what
     * is on the free lists, but for those: here they are of the recipe's, too, and go last.
     */
    void untilCollectionEnds() {
      int first = 0;
      while (first < freed.length && !baseline.leftovers.goesInCollection(freed[first])) {
        first++;
      }
      while (first < freed.length && (calls[next] <= 0 || nextFreed <= first)) {
        if (calls[next] == 0 && baseline.leftovers.isDead(freed[nextFreed])) {
          next++;
          nextFreed++;
        } else {
          step(true);
        }
      }
    }

    /**
     * Makes the calls before the collection that finds the module: it comes when the builtins have
     * been restored from a copy of their dict ({@code finalize_restore_builtins}), whose table and
     * the new one are the only large blocks.
     */
    void untilBuiltinsAreRestored() {
      int end = calls.length;
      while (end > next && calls[end - 1] < TABLE_BYTES_LEAST) {
        end--;
      }
      if (end == next) {
        return;
      }
      // The copy goes, the first block after that which is not a captured one.
      while (next < end || calls[next] >= 0) {
        step(true);
      }
      step(true);
    }

    /**
     * Makes the calls up to the one that frees a captured block, all of them if none does, and
     * takes the objects that are freed off the collector's lists, where other objects stay next to
     * them.
     */
    void until(long lastFreed) {
      until(lastFreed, true);
    }

    /**
     * The same if the captured block is still to be freed; else makes none.
     *
     * @param untrack whether anybody still looks at the collector's lists
     */
    void untilIfToCome(long lastFreed, boolean untrack) {
      if (Arrays.stream(freed, nextFreed, freed.length).anyMatch(block -> block == lastFreed)) {
        until(lastFreed, untrack);
      }
    }

    private void until(long lastFreed, boolean untrack) {
      while (next < calls.length) {
        boolean frees = calls[next] == 0;
        step(untrack);
        if (frees && freed[nextFreed - 1] == lastFreed) {
          return;
        }
      }
    }

    /** Makes all calls that are left, after which nobody looks at the collector's lists. */
    void finish() {
      while (next < calls.length) {
        step(false);
      }
    }

    /** The blocks that these calls have allocated and not freed yet. */
    Set<Long> allocated() {
      return allocated;
    }

    private void step(boolean untrack) {
      int call = calls[next++];
      if (call > 0) {
        long block = interpreter.malloc.allocate(call);
        write(block, call);
        blocks[made++] = block;
        allocated.add(block);
      } else if (call < 0) {
        allocated.remove(blocks[made + call]);
        interpreter.malloc.free(blocks[made + call]);
      } else {
        free(freed[nextFreed++], untrack);
      }
    }

    private void free(long captured, boolean untrack) {
      if (baseline.leftovers.isDead(captured)) {
        interpreter.freeLists.clear(); // what is on them now
      } else if (isBlock(captured)
          && loader.isThere(captured)
          && !baseline.leftovers.isGarbage(captured)) {
        long block = loader.relocate(captured);
        if (untrack) {
          untrack(captured, block);
        }
        interpreter.malloc.free(block);
      }
    }

    /**
     * Else it has a mapping of its own, which vanishes, or belongs to the code of the process whose
     * calls these are: a freeze or a collection more, and a few blocks are elsewhere.
     */
    private boolean isBlock(long captured) {
      return inUse.contains(captured) || baseline.cHeap.has(captured);
    }

    private void untrack(long captured, long block) {
      int preHeader = interpreter.version.instancePreHeaderBytes;
      int offset =
          trackedHeads.contains(captured)
              ? 0
              : trackedHeads.contains(captured + preHeader) ? preHeader : -1;
      if (offset >= 0) {
        interpreter.untrack(block + offset + interpreter.version.gcHeadBytes);
      }
    }

    /** Whoever asked for a block fills it. */
    private void write(long block, int bytes) {
      Host host = interpreter.host;
      long end = block + bytes;
      for (long at = block; at < end; at = (at | (Host.BYTES_IN_PAGE - 1)) + 1) {
        host.store(at & -8, host.load(at & -8), Host.CAUSE_FINALIZE);
      }
    }
  }
}
