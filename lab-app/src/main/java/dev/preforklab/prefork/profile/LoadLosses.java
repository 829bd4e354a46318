package dev.preforklab.prefork.profile;

/**
 * Which of the objects that an application makes while it loads become cyclic garbage, and when.
 * Objects are numbered as they are made, from 0 on; a time is how many there are. In the order of
 * time.
 */
final class LoadLosses {
  /** Added to a free list's number: freed along with garbage, itself not found. */
  private static final int NOT_FOUND = 32;

  /** Added to it: on none of the collector's lists. */
  private static final int NOT_LISTED = 64;

  /** Added to it: freed at once, if what led to it has been collected by then. */
  private static final int AT_ONCE = 128;

  private final int[] at;
  private final int[] birth;
  private final int[] holder;
  private final int[] leader;
  private final int[] list;
  private final int[] objects;

  private LoadLosses(int rows) {
    at = new int[rows];
    birth = new int[rows];
    holder = new int[rows];
    leader = new int[rows];
    list = new int[rows];
    objects = new int[rows];
  }

  /**
   * As a profile's columns say it. A row's list is the number of the free list that the objects go
   * to when they are freed; 32 is added to it if a collection frees them along with garbage without
   * finding them, 64 if they are on none of the collector's lists, 128 if they go at once, without
   * a collection, where what led to them has been collected by then.
   *
   * @param allocations objects made in all
   * @param after by row: objects made between the row before and this one
   * @param age objects made since that which is lost
   * @param holderAge objects made since the oldest that a collection has to look at for them to go
   * @param leaderOlder by how many objects the oldest is older that leads to them
   * @param list see above
   * @param lost how many are lost
   * @throws IllegalArgumentException if these contradict each other
   */
  static LoadLosses exact(
      long allocations,
      int[] after,
      int[] age,
      int[] holderAge,
      int[] leaderOlder,
      int[] list,
      int[] lost) {
    requireRows(after.length, age, holderAge, leaderOlder, list, lost);
    LoadLosses losses = new LoadLosses(after.length);
    long at = 0;
    for (int row = 0; row < after.length; row++) {
      at += after[row];
      if (at > allocations) {
        throw bad("lost_after", at, allocations);
      }
      losses.at[row] = (int) at;
      losses.birth[row] = (int) at - bounded("lost_age", age[row], 1, (int) at);
      losses.holder[row] = (int) at - bounded("holder_age", holderAge[row], 1, (int) at);
      losses.leader[row] =
          losses.holder[row] - bounded("leader_older", leaderOlder[row], 0, losses.holder[row]);
      losses.setFreed(row, list[row], lost[row]);
    }
    return losses;
  }

  /**
   * As older profiles say it, by steps of so many objects: an object counts as made in the middle
   * of its step and as lost at the beginning of one.
   *
   * @param allocations objects made in all
   * @param step objects made in a step
   * @param rows by step: rows that are its
   * @param leaderAge empty if it is not known: the holder's
   * @throws IllegalArgumentException if these contradict each other
   */
  static LoadLosses bySteps(
      long allocations,
      int step,
      int[] rows,
      int[] age,
      int[] holderAge,
      int[] leaderAge,
      int[] list,
      int[] lost) {
    int[] leaders = leaderAge.length == 0 ? holderAge : leaderAge;
    requireRows(age.length, holderAge, leaders, list, lost);
    if (rows.length != allocations / step + 1) {
      throw new IllegalArgumentException(
          "load.columns.losses are " + rows.length + " of " + (allocations / step + 1) + " steps");
    }
    LoadLosses losses = new LoadLosses(age.length);
    int middle = (step - 1) / 2;
    int row = 0;
    for (int now = 0; now < rows.length; now++) {
      if (rows[now] > age.length - row) {
        throw new IllegalArgumentException("load.columns.losses are more than its rows");
      }
      for (int end = row + rows[now]; row < end; row++) {
        losses.at[row] = now * step;
        losses.birth[row] = (now - bounded("lost_age", age[row], 0, now)) * step + middle;
        losses.holder[row] = (now - bounded("holder_age", holderAge[row], 0, now)) * step + middle;
        losses.leader[row] = (now - bounded("leader_age", leaders[row], 0, now)) * step + middle;
        losses.setFreed(row, list[row], lost[row]);
      }
    }
    if (row != age.length) {
      throw new IllegalArgumentException("load.columns.losses are not as many as its rows");
    }
    return losses;
  }

  private static void requireRows(int rows, int[]... columns) {
    for (int[] column : columns) {
      if (column.length != rows) {
        throw new IllegalArgumentException("load.columns.losses: its columns must be as long");
      }
    }
  }

  private static int bounded(String column, int value, int min, int max) {
    if (value < min || value > max) {
      throw bad(column, value, max);
    }
    return value;
  }

  private static IllegalArgumentException bad(String column, long value, long max) {
    return new IllegalArgumentException(
        "a number of load.columns." + column + " is " + value + ", not up to " + max);
  }

  private void setFreed(int row, int number, int lost) {
    list[row] =
        bounded("list", number, 0, RequestTrace.FREE_LISTS_MAX + NOT_FOUND + NOT_LISTED + AT_ONCE);
    objects[row] = lost;
  }

  int count() {
    return at.length;
  }

  /** How many objects have been made when they are lost. */
  int at(int row) {
    return at[row];
  }

  int birth(int row) {
    return birth[row];
  }

  /**
   * The oldest object that leads to the garbage and that a collection has to look at: what is in no
   * cycle itself goes, however old it is, with the last that leads to it.
   */
  int holder(int row) {
    return holder[row];
  }

  /** The oldest object that leads to it at all: looked at, too, the garbage is found. */
  int leader(int row) {
    return leader[row];
  }

  int objects(int row) {
    return objects[row];
  }

  /** Number of the free list that the objects go to. */
  int freeList(int row) {
    return list[row] % NOT_FOUND;
  }

  boolean isListed(int row) {
    return (list[row] & NOT_LISTED) == 0;
  }

  boolean isFreedAtOnce(int row) {
    return (list[row] & AT_ONCE) != 0;
  }

  boolean isFreedAlong(int row) {
    return (list[row] & NOT_FOUND) != 0;
  }
}
