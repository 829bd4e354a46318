package dev.preforklab.prefork.profile;

import java.util.Arrays;

/**
 * Which of an application's collectable objects live how long while it loads, by steps of so many
 * objects made; those of one step are not told apart.
 */
final class LoadLives {
  private final int step;

  /** Objects made in a step that are on the collector's lists after a collection. */
  private final int[] made;

  /** By step: what a counter without free lists is raised and lowered by. */
  private final int[] counted;

  /** Ends of objects: those of step n are at {@code [endStart[n]..endStart[n+1])}. */
  private final int[] endStart;

  /** The step that these were made in; -1 for the interpreter's own. */
  private final int[] endBirth;

  private final int[] endObjects;

  /** By step of birth: lasting dicts that full collections take off the collector's lists. */
  private final int[] dictsToUntrack;

  /** By step of birth: lasting tuples that the second collection takes off the lists. */
  private final int[] nestedTuples;

  /**
   * The columns of a profile.
   *
   * @param unlisted by step: objects made in it that are never on the collector's lists
   * @param dicts by step: lasting dicts made in it that full collections take off the collector's
   *     lists; empty if that is not known
   * @param nested by step: lasting tuples made in it, not among the others, that the second
   *     collection which looks at them takes off the lists; empty if that is not known
   * @param ends by step: how many rows of age and ended are its
   * @param age steps since the objects were made; one more than there are for the interpreter's own
   * @param ended listed objects of that age that end in the step
   */
  @SuppressWarnings("ArrayRecordComponent") // handed over once, never changed
  record Columns(int[] unlisted, int[] dicts, int[] nested, int[] ends, int[] age, int[] ended) {}

  /**
   * @param allocations collectable objects made while the application loaded
   * @param step objects made in a step
   * @throws IllegalArgumentException if the columns contradict each other
   */
  LoadLives(long allocations, int step, Columns columns) {
    this.step = step;
    int steps = Math.toIntExact(allocations / step + 1);
    requireLength("unlisted", columns.unlisted(), steps);
    requireLength("ends", columns.ends(), steps);
    dictsToUntrack = ofSteps("dicts", columns.dicts(), steps);
    nestedTuples = ofSteps("nested", columns.nested(), steps);
    made = new int[steps];
    counted = new int[steps];
    endStart = new int[steps + 1];
    int rows = columns.age().length;
    if (columns.ended().length != rows) {
      throw new IllegalArgumentException("load.columns.ends: its columns must be as long");
    }
    endBirth = new int[rows];
    endObjects = columns.ended();
    for (int now = 0; now < steps; now++) {
      int births = (int) Math.min(step, allocations - (long) now * step);
      made[now] = births - bounded("unlisted", columns.unlisted()[now], births);
      counted[now] = births;
      int row = endStart[now];
      if (columns.ends()[now] > rows - row) {
        throw new IllegalArgumentException("load.columns.ends are more than its rows");
      }
      for (int end = row + columns.ends()[now]; row < end; row++) {
        endBirth[row] = now - bounded("age", columns.age()[row], now + 1);
        counted[now] -= endObjects[row];
      }
      endStart[now + 1] = row;
    }
    if (endStart[steps] != rows) {
      throw new IllegalArgumentException("load.columns.ends are not as many as its rows");
    }
  }

  /** Zeros for a column that the profile does not have. */
  private static int[] ofSteps(String column, int[] values, int steps) {
    if (values.length != 0) {
      requireLength(column, values, steps);
    }
    return Arrays.copyOf(values, steps);
  }

  private static void requireLength(String column, int[] values, int steps) {
    if (values.length != steps) {
      throw new IllegalArgumentException(
          "load.columns." + column + " are " + values.length + " of " + steps + " steps");
    }
  }

  private static int bounded(String column, int value, int max) {
    if (value > max) {
      throw new IllegalArgumentException(
          "a number of load.columns." + column + " is " + value + ", not up to " + max);
    }
    return value;
  }

  int step() {
    return step;
  }

  int steps() {
    return made.length;
  }

  /** What a step does to a counter of generation 0 that has no free lists. */
  int counted(int now) {
    return counted[now];
  }

  /** The application's objects on a collector's lists, as the load goes on. */
  final class Lists {
    /** By step of birth; and those of them not yet garbage. */
    private final int[] listed = new int[made.length];

    private final int[] reachable = new int[made.length];

    private final int[] untrackable = dictsToUntrack.clone();

    /** Of those listed, tuples that the second collection takes off. */
    private final int[] nested = nestedTuples.clone();

    /** Of the ends of the step under way, the part that has come to pass. */
    private double ended;

    /** The objects that a step makes, but for those that end in it. */
    void begin(int now) {
      ended = 0;
      listed[now] += made[now] + nested[now];
      reachable[now] += made[now];
      for (int k = endStart[now]; k < endStart[now + 1]; k++) {
        if (endBirth[k] == now) {
          end(now, endObjects[k]);
        }
      }
    }

    /**
     * Lets older objects end that do so in a step, up to a part of them (1: all): where a load
     * drops thousands at once, a collection in the same step sees all of them, or none.
     *
     * @return how many of the interpreter's own end
     */
    int endUpTo(int now, double part) {
      int own = 0;
      for (int k = endStart[now]; k < endStart[now + 1]; k++) {
        int objects = (int) (Math.round(endObjects[k] * part) - Math.round(endObjects[k] * ended));
        if (endBirth[k] < 0) {
          own += objects;
        } else if (endBirth[k] < now) {
          end(endBirth[k], objects);
        }
      }
      ended = part;
      return own;
    }

    private void end(int birth, int objects) {
      listed[birth] -= objects;
      reachable[birth] -= objects;
    }

    /** They become garbage. */
    void lose(int object, int objects) {
      reachable[object / step] -= objects;
    }

    /** Garbage leaves the lists. */
    void free(int object, int objects) {
      listed[object / step] -= objects;
    }

    /** Tuples that a collection before has seen, and this one looks at. */
    void untrackNested(int from, int to) {
      for (int birth = nearest(from); birth < Math.min(nearest(to), nested.length); birth++) {
        listed[birth] -= nested[birth];
        nested[birth] = 0;
      }
    }

    void untrackDicts(int to) {
      for (int birth = 0; birth < nearest(to); birth++) {
        end(birth, untrackable[birth]);
        untrackable[birth] = 0;
      }
    }

    /** On the lists, of those made from one object to another. */
    long listed(int from, int to) {
      return sum(listed, from, to);
    }

    /** And not garbage. */
    long reachable(int from, int to) {
      return sum(reachable, from, to);
    }
  }

  /** The boundary between two steps that is nearest to an object. */
  private int nearest(int object) {
    return (object + step / 2) / step;
  }

  /** Sums what is given by steps, from one object to another; a part of a step as its share. */
  private long sum(int[] values, int from, int to) {
    long whole = 0;
    for (int i = from / step; i < Math.min(to / step, values.length); i++) {
      whole += values[i];
    }
    return whole + Math.round(share(values, to) - share(values, from));
  }

  private double share(int[] values, int object) {
    int at = object / step;
    return at < values.length ? (double) values[at] * (object % step) / step : 0;
  }
}
