package dev.preforklab.prefork.profile;

import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.gc.GcState;
import java.util.Arrays;

/**
 * What collections put on the interpreter's free lists of lists, dicts and tuples, beyond what is
 * on them without collections.
 *
 * <p>Requests are recorded with the collector off, so the recording knows the free lists as they
 * are then: what it took from them it does not show, and an object it did allocate found its list
 * empty. With the collector on, the garbage that a collection frees goes to these lists first, and
 * as many later allocations come from them without counting for the collector. The memory is the
 * same either way: the block waits on a free list instead of in its pool.
 *
 * <p>A recorded free of such an object means that its list was full: whatever else a collection had
 * put there has then been freed in its stead, counting down.
 *
 * <p>A full collection empties the lists. What collections had put there is gone then; that the
 * next objects of these types count too, although their recording shows no allocation, is left out:
 * about 300 objects, once in hundreds of requests.
 */
final class KeptObjects {
  private final GcState state;
  private final int[] limit = new int[RequestTrace.FREE_LISTS_MAX + 1];
  private final int[] kept = new int[RequestTrace.FREE_LISTS_MAX + 1];

  /** Garbage that the next collection will find. */
  private final int[] garbage = new int[RequestTrace.FREE_LISTS_MAX + 1];

  private long collections;
  private long fullCollections;

  KeptObjects(Interpreter interpreter) {
    state = interpreter.gcState;
    PythonVersion version = interpreter.version;
    limit[1] = version.listFreeList;
    limit[2] = version.dictFreeList;
    for (int n = 1;
        n <= Math.min(RequestTrace.FREE_LISTS_MAX - 2, version.tupleFreeListTake);
        n++) {
      limit[2 + n] = version.tupleFreeList;
    }
    collections = collections();
    fullCollections = state.collections(2);
  }

  /**
   * Before an object is allocated: if a free list has it, it will not count. The allocation counts
   * up, so the counter is put down by one before; at 0 it can't be, and the object stays kept.
   */
  void take(int list) {
    if (list == 0) {
      return;
    }
    noteCollections();
    if (kept[list] > 0) {
      int count = state.count(0);
      if (count > 0) {
        kept[list]--;
        state.setCount(0, count - 1);
      }
    }
  }

  /** Before the recorded free of an object: its list is full. */
  void overflow(int list) {
    if (list != 0 && kept[list] > 0) {
      state.setCount(0, Math.max(0, state.count(0) - kept[list]));
      kept[list] = 0;
    }
  }

  /** An object has become cyclic garbage. */
  void lost(int list) {
    garbage[list]++;
  }

  /** To be called before any garbage is added and before anything is taken. */
  void noteCollections() {
    long now = collections();
    if (now == collections) {
      return;
    }
    collections = now;
    for (int list = 1; list < kept.length; list++) {
      kept[list] = Math.min(limit[list], kept[list] + garbage[list]);
    }
    Arrays.fill(garbage, 0);
    if (state.collections(2) != fullCollections) {
      fullCollections = state.collections(2);
      Arrays.fill(kept, 0);
    }
  }

  private long collections() {
    return state.collections(0) + state.collections(1) + state.collections(2);
  }
}
