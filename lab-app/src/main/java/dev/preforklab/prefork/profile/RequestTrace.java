package dev.preforklab.prefork.profile;

/**
 * What one measured request did to the allocator, compiled for replay.
 *
 * <p>The k-th allocation has ordinal k. An event at or above zero allocates: its two low bits are
 * the domain ({@link #BUFFER} to {@link #RAW}), the rest the size in bytes. An event below zero
 * frees the block of ordinal {@code ~event}.
 */
final class RequestTrace {
  /** A buffer from the object allocator: list items, dict keys, an instance's values. */
  static final int BUFFER = 0;

  /** An object without a GC head. */
  static final int OBJECT = 1;

  /** An object with a GC head; the size includes it. */
  static final int GC = 2;

  /** A buffer from the C library's heap ({@code PyMem_RawMalloc}). */
  static final int RAW = 3;

  /** Largest number in {@link Blocks#freeList}: tuples of 20 items. */
  static final int FREE_LISTS_MAX = 22;

  /** What the recorded process had served before. */
  enum State {
    /** Nothing yet: not a request, but what a worker does before its first one. */
    START,
    /** Nothing. */
    COLD,
    /** Other endpoints, this one not yet. */
    FIRST,
    WARM
  }

  final int endpoint;
  final State state;
  final Preceding preceding;

  /** CPU time the real request took, in nanoseconds. */
  final long cpuNs;

  final int[] events;
  final Blocks blocks;
  final Garbage garbage;
  final Survivors survivors;
  final Moments moments;

  /** By ordinal: an object that is full only when {@link Moments#filled} says. */
  final boolean[] filledLater;

  /**
   * What each allocation makes, by its ordinal.
   *
   * @param domain {@link #BUFFER} to {@link #RAW}
   * @param freeList the free list that an object of its exact type goes to: 1 lists, 2 dicts, 2 + n
   *     tuples of n items, 0 none or not recorded
   * @param resized a realloc moved an object there; the event after it frees the block it came
   *     from. Neither counts.
   * @param direct made by a call of its type ({@code list(...)}, {@code dict(...)}), which does not
   *     look at the free list
   * @param unlisted an object that is on none of the collector's lists when it has been made
   * @param atomic a tuple that a collection takes off its lists, as it can be part of no cycle
   */
  @SuppressWarnings("ArrayRecordComponent") // compiled once, never changed
  record Blocks(
      byte[] domain,
      byte[] freeList,
      boolean[] resized,
      boolean[] direct,
      boolean[] unlisted,
      boolean[] atomic) {
    int count() {
      return domain.length;
    }
  }

  /**
   * Cyclic garbage, group by group.
   *
   * @param gc ordinals of the groups' collectable objects
   * @param gcStart where each group begins there, and the end
   * @param owned ordinals of the other blocks the groups own
   * @param ownedStart likewise
   * @param lost events before each group becomes unreachable, in ascending order
   */
  @SuppressWarnings("ArrayRecordComponent") // compiled once, never changed
  record Garbage(int[] gc, int[] gcStart, int[] owned, int[] ownedStart, int[] lost) {
    int groups() {
      return gcStart.length - 1;
    }
  }

  /**
   * What is there when the request ends.
   *
   * @param carried ordinals that die in a later request of the worker
   * @param carriedRequests after how many
   * @param gathered ordinals, ascending, that the application gathers and drops together with later
   *     ones
   * @param held ordinals that stay alive
   * @param shelved ordinals among the carried ones that the request put on a free list: dead,
   *     although their blocks are not free
   */
  @SuppressWarnings("ArrayRecordComponent") // compiled once, never changed
  record Survivors(
      int[] carried, int[] carriedRequests, int[] gathered, int[] held, int[] shelved) {}

  /**
   * What happens between events.
   *
   * @param freeLists in the order of the events; {@link FreeListChanges#NONE} if not recorded
   * @param tracked when unlisted objects come on a list after all: rows of events before it,
   *     ordinal
   * @param filled when atomic objects are full, if not when they are made: rows of events before
   *     it, ordinal, and the ordinal of a tuple in it that was made later, or -1. A collection does
   *     not take it off before it is full, nor before that tuple.
   * @param older objects from before the first request that end: rows of events before it and the
   *     free list it goes to, 0 if to none
   */
  @SuppressWarnings("ArrayRecordComponent") // compiled once, never changed
  record Moments(FreeListChanges freeLists, int[] tracked, int[] filled, int[] older) {}

  /**
   * Of the first request of an endpoint in a process that has served others: which ones.
   *
   * @param endpoints their numbers
   * @param shared rows of an endpoint and how many objects whichever is served first makes for both
   */
  @SuppressWarnings("ArrayRecordComponent") // compiled once, never changed
  record Preceding(int[] endpoints, int[] shared) {
    boolean includes(int endpoint) {
      for (int each : endpoints) {
        if (each == endpoint) {
          return true;
        }
      }
      return false;
    }
  }

  RequestTrace(
      int endpoint,
      State state,
      Preceding preceding,
      long cpuNs,
      int[] events,
      Blocks blocks,
      Garbage garbage,
      Survivors survivors,
      Moments moments) {
    this.endpoint = endpoint;
    this.state = state;
    this.preceding = preceding;
    this.cpuNs = cpuNs;
    this.events = events;
    this.blocks = blocks;
    this.garbage = garbage;
    this.survivors = survivors;
    this.moments = moments;
    filledLater = new boolean[blocks.count()];
    for (int i = 0; i < moments.filled.length; i += 3) {
      filledLater[moments.filled[i + 1]] = true;
    }
  }

  /** The event that allocates, by ordinal. */
  int[] allocationEvents() {
    int[] allocating = new int[blocks.count()];
    int ordinal = 0;
    for (int event : events) {
      if (event >= 0) {
        allocating[ordinal++] = event;
      }
    }
    return allocating;
  }
}
