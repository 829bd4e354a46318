package dev.preforklab.prefork.profile;

import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.gc.Collector;
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
  private final Collector collector;
  private final boolean lengthsKnown;
  private final int[] limit;
  private final int[] length = new int[RequestTrace.FREE_LISTS_MAX + 1];

  /** Garbage by generation: a collection of that generation, or an older one, will find it. */
  private final int[][] garbage = new int[GcState.GENERATIONS][RequestTrace.FREE_LISTS_MAX + 1];

  /** Collections of each generation so far. */
  private final long[] collections = new long[GcState.GENERATIONS];

  /** Of the process itself, those that {@link #collections} has. */
  private long noted;

  /**
   * @param inherited the captured master's free lists; a full collection since then emptied them
   * @param lengthsKnown whether requests come with the changes of the lengths
   */
  KeptObjects(Interpreter interpreter, Profile.GcFacts inherited, boolean lengthsKnown) {
    state = interpreter.gcState;
    collector = interpreter.collector;
    noted = collector.finished();
    this.lengthsKnown = lengthsKnown;
    limit = limits(interpreter.version);
    if (lengthsKnown && state.collections(2) == inherited.stats()[2][0]) {
      for (int list = 0; list < length.length; list++) {
        length[list] = Math.min(limit[list], inherited.freeLists()[list]);
      }
    }
    for (int generation = 0; generation < collections.length; generation++) {
      collections[generation] = state.collections(generation);
    }
  }

  int length(int list) {
    return length[list];
  }

  /** How long a release lets each free list become, by the list's number. */
  static int[] limits(PythonVersion version) {
    int[] limit = new int[RequestTrace.FREE_LISTS_MAX + 1];
    limit[1] = version.listFreeList;
    limit[2] = version.dictFreeList;
    for (int n = 1;
        n <= Math.min(RequestTrace.FREE_LISTS_MAX - 2, version.tupleFreeListTake);
        n++) {
      limit[2 + n] = version.tupleFreeList;
    }
    return limit;
  }

  /**
   * Before an object is allocated: if a free list has it, it will not count. The allocation counts
   * up, so the counter is put down by one before; at 0 that can't be.
   *
   * @return whether the counter is 0 and has to be put back to it after the allocation
   */
  boolean allocated(int list) {
    if (list == 0) {
      return false;
    }
    noteCollections();
    if (length[list] == 0) {
      return false;
    }
    length[list]--;
    int count = state.count(0);
    if (count == 0) {
      return true;
    }
    state.setCount(0, count - 1);
    return false;
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

  /**
   * An object from before the requests ends, whose block the lab does not know: it counts down, or
   * goes to its free list.
   */
  void endedOlder(int list) {
    freed(list);
    countDown(1);
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

  /**
   * The moment, for {@link #lost}: an object that is made now moves on with the collections that
   * come after it.
   */
  long moment() {
    noteCollections();
    return (collections[1] + collections[2]) << 32 | (collections[0] & 0xffff_ffffL);
  }

  /**
   * An object has become garbage. A young collection finds it only if none has moved it on.
   *
   * @param made the moment it was made at
   */
  void lost(int list, long made) {
    long now = moment();
    garbage[now >> 32 != made >> 32 ? 2 : now != made ? 1 : 0][list]++;
  }

  /** To be called before any garbage is added and before anything is taken. */
  void noteCollections() {
    if (collector.finished() != noted) {
      noted = collector.finished();
      noteEach();
    }
  }

  private void noteEach() {
    for (int generation = 0; generation < collections.length; generation++) {
      long now = state.collections(generation);
      if (now != collections[generation]) {
        collections[generation] = now;
        for (int young = 0; young <= generation; young++) {
          freeGarbage(garbage[young]);
        }
        if (generation == 2) {
          Arrays.fill(length, 0);
        }
      }
    }
  }

  private void freeGarbage(int[] found) {
    for (int list = 1; list < length.length; list++) {
      length[list] = Math.min(limit[list], length[list] + found[list]);
    }
    Arrays.fill(found, 0);
  }
}
