package dev.preforklab.prefork.profile;

import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.gc.GcState;
import java.util.Arrays;

/**
 * How long the interpreter's free lists of lists, dicts and tuples are in a worker: an object that
 * comes from one, or goes there, does not count for the collector.
 *
 * <p>Requests are recorded with the collector off. What they took from the free lists, or put
 * there, has no event; the record has the changes of the lengths instead, and they are done here
 * again on the worker's own lengths. Those differ from the recorded ones, because collections free
 * garbage into the lists and full collections empty them. So an object that was recorded as
 * allocated may come from a list, one from an empty list is allocated, and likewise for freed ones;
 * the counter follows. The memory is the same either way: the block waits on a free list instead of
 * in its pool. That an object is allocated in place of one from a list is counted only.
 *
 * <p>Without recorded changes the lengths are those beyond what is there without collections; a
 * recorded free then says that the list was full.
 */
final class KeptObjects {
  private final GcState state;
  private final boolean lengthsKnown;
  private final int[] limit = new int[RequestTrace.FREE_LISTS_MAX + 1];
  private final int[] length = new int[RequestTrace.FREE_LISTS_MAX + 1];

  /** Garbage that the next collection will find. */
  private final int[] garbage = new int[RequestTrace.FREE_LISTS_MAX + 1];

  private long collections;
  private long fullCollections;

  /**
   * @param lengthsKnown whether requests come with the changes of the lengths
   */
  KeptObjects(Interpreter interpreter, boolean lengthsKnown) {
    state = interpreter.gcState;
    this.lengthsKnown = lengthsKnown;
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
  void allocated(int list) {
    if (list == 0) {
      return;
    }
    noteCollections();
    if (length[list] > 0) {
      int count = state.count(0);
      if (count > 0) {
        length[list]--;
        state.setCount(0, count - 1);
      }
    }
  }

  /**
   * Before the recorded free of an object, which counts down: if its list is not full here, it does
   * not.
   */
  void freed(int list) {
    if (limit[list] == 0) {
      return;
    }
    noteCollections();
    if (!lengthsKnown) {
      countDown(length[list]);
      length[list] = 0;
    } else if (length[list] < limit[list]) {
      length[list]++;
      leaveCount();
    }
  }

  /** Before a free that really was none: it will not count. */
  void leaveCount() {
    state.setCount(0, state.count(0) + 1);
  }

  /** Objects that were taken from a list, or put there, while the request was recorded. */
  void changed(int list, int by) {
    if (limit[list] == 0) {
      return;
    }
    noteCollections();
    int wanted = length[list] + by;
    length[list] = Math.max(0, Math.min(limit[list], wanted));
    if (wanted < 0) {
      state.setCount(0, state.count(0) - wanted);
    } else {
      countDown(wanted - length[list]);
    }
  }

  private void countDown(int objects) {
    if (objects > 0) {
      state.setCount(0, Math.max(0, state.count(0) - objects));
    }
  }

  /** An object has become garbage that a collection will free. */
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
    for (int list = 1; list < length.length; list++) {
      length[list] = Math.min(limit[list], length[list] + garbage[list]);
    }
    Arrays.fill(garbage, 0);
    if (state.collections(2) != fullCollections) {
      fullCollections = state.collections(2);
      Arrays.fill(length, 0);
    }
  }

  private long collections() {
    return state.collections(0) + state.collections(1) + state.collections(2);
  }
}
