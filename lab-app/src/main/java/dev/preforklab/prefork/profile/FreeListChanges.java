package dev.preforklab.prefork.profile;

/**
 * How the lengths of the interpreter's free lists changed while a request was recorded. Objects
 * taken from a list or put there have no event of their own.
 */
final class FreeListChanges {
  private static final int FIELDS = 3;

  /** Of a request whose profile does not tell. */
  static final FreeListChanges NONE = new FreeListChanges(new IntArray(8));

  private final int[] changes;

  /** Of rows: events before the change, number of the list, change of its length. */
  FreeListChanges(IntArray rows) {
    changes = rows.toArray();
  }

  int size() {
    return changes.length / FIELDS;
  }

  /** How many of the request's events come before a change. */
  int eventsBefore(int change) {
    return changes[FIELDS * change];
  }

  int list(int change) {
    return changes[FIELDS * change + 1];
  }

  int by(int change) {
    return changes[FIELDS * change + 2];
  }
}
