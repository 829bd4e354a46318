package dev.preforklab.prefork.profile;

import java.util.Arrays;
import java.util.BitSet;

/**
 * What happens to an application's collectable objects while it loads, one event after the other:
 * an object is made, or one ends; and to which of the interpreter's free lists it goes. Whether the
 * event counts for the collector depends on that list, and on the counter's floor at 0.
 *
 * <p>Up to 3.11 a collection that is due comes at once. From 3.12 on it waits until the interpreter
 * looks at its eval breaker (the bytecode of loops, calls and function entries does so): where that
 * was, the checks tell.
 */
final class LoadEvents {
  /** For a load of which no single events are known. */
  static final LoadEvents NONE = new LoadEvents("", 0, 1, new int[0], new int[0], new int[0]);

  private static final int LISTS = RequestTrace.FREE_LISTS_MAX + 1;

  /** Number of the free list; negative (its complement) if the object ends. */
  private final byte[] events;

  /** Those of step n are at {@code [start[n]..start[n+1])}. */
  private final int[] start;

  /** After which events the eval breaker is looked at; none if collections do not wait for it. */
  private final BitSet checked = new BitSet();

  /** Lengths of the free lists before the load. */
  private final int[] lengths = new int[LISTS];

  /**
   * @param text a letter an event: {@code a} plus the free list's number for an object made, {@code
   *     A} plus it for one that ends
   * @param allocations objects made
   * @param step objects made in a step
   * @param freeLists number and length of the free lists in turn
   * @param checkAfter by look at the eval breaker: objects made between the look before and this
   *     one; empty if collections do not wait for it
   * @param checkEnds how many objects have ended since the last was made
   * @throws IllegalArgumentException if these contradict each other
   */
  LoadEvents(
      String text, long allocations, int step, int[] freeLists, int[] checkAfter, int[] checkEnds) {
    events = new byte[text.length()];
    start = new int[Math.toIntExact(allocations / step + 2)];
    long made = 0;
    for (int i = 0; i < events.length; i++) {
      int list = text.charAt(i) - 'a';
      boolean ends = list < 0;
      if (ends) {
        list = text.charAt(i) - 'A';
      }
      if (list < 0 || list >= LISTS) {
        throw new IllegalArgumentException("letter " + (i + 1) + " of load.events is none of its");
      }
      events[i] = (byte) (ends ? ~list : list);
      if (!ends && ++made <= allocations && made % step == 0) {
        start[(int) (made / step)] = i + 1;
      }
    }
    if (events.length > 0 && made != allocations) {
      throw new IllegalArgumentException(
          "load.events makes " + made + " objects, load.allocations are " + allocations);
    }
    start[start.length - 1] = events.length;
    for (int i = 0; i + 1 < freeLists.length; i += 2) {
      if (freeLists[i] < LISTS) {
        lengths[freeLists[i]] = freeLists[i + 1];
      }
    }
    setChecked(checkAfter, checkEnds, allocations);
  }

  private void setChecked(int[] after, int[] ends, long allocations) {
    if (after.length != ends.length) {
      throw new IllegalArgumentException("load.columns.check_after: its columns must be as long");
    }
    long made = 0;
    int event = 0;
    long objects = 0;
    for (int check = 0; check < after.length; check++) {
      objects += after[check];
      if (objects > allocations) {
        throw new IllegalArgumentException(
            "load.columns.check_after are of more than the " + allocations + " objects");
      }
      for (; made < objects && event < events.length; event++) {
        made += makes(event) ? 1 : 0;
      }
      int at = event;
      for (int left = ends[check]; left > 0 && at < events.length && !makes(at); left--) {
        at++;
      }
      if (at > 0) {
        checked.set(at - 1);
      }
    }
  }

  boolean known() {
    return events.length > 0;
  }

  int begin(int step) {
    return start[step];
  }

  int end(int step) {
    return start[step + 1];
  }

  /** How many objects end in a step. */
  int ends(int step) {
    int ends = 0;
    for (int event = begin(step); event < end(step); event++) {
      ends += makes(event) ? 0 : 1;
    }
    return ends;
  }

  /** Whether a collection that is due waits for a look at the eval breaker. */
  boolean waitForCheck() {
    return !checked.isEmpty();
  }

  /** Whether the eval breaker is looked at between this event and the next one. */
  boolean isCheckedAfter(int event) {
    return checked.get(event);
  }

  /** Whether an object is made, not ended. */
  boolean makes(int event) {
    return events[event] >= 0;
  }

  /** The free lists of one load, and what an event does to the collector's counter. */
  final class FreeLists {
    private final int[] limits;
    private final int[] length = lengths.clone();

    FreeLists(int[] limits) {
      this.limits = limits;
    }

    /** What an event adds to the counter: 1, 0 or -1. */
    int counts(int event) {
      int list = events[event];
      if (list >= 0) {
        if (length[list] == 0) {
          return 1;
        }
        length[list]--;
        return 0;
      }
      return ends(~list);
    }

    /** What the end of an object adds to the counter: 0 or -1. */
    int ends(int list) {
      if (length[list] >= limits[list]) {
        return -1;
      }
      length[list]++;
      return 0;
    }

    /** A collection frees objects. The counter is at its floor then. */
    void freed(int list, int objects) {
      length[list] = Math.max(length[list], Math.min(limits[list], length[list] + objects));
    }

    /** By number. */
    int[] lengths() {
      return length.clone();
    }

    /** A full collection ends with that. */
    void clear() {
      Arrays.fill(length, 0);
    }
  }
}
