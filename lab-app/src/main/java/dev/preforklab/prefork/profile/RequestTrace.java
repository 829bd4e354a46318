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

  /** Largest number in {@link #freeList}: tuples of 20 items. */
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

  /** CPU time the real request took, in nanoseconds. */
  final long cpuNs;

  final int[] events;

  /** The domain of each ordinal. */
  final byte[] domain;

  /** Ordinals of the cyclic groups' collectable objects, group by group; see garbageGcStart. */
  final int[] garbageGc;

  final int[] garbageGcStart;

  /** Ordinals of the other blocks the groups own. */
  final int[] garbageOwned;

  final int[] garbageOwnedStart;

  /** Events before each group becomes unreachable, in ascending order. */
  final int[] garbageLost;

  /** Ordinals that die in a later request of the worker, and after how many. */
  final int[] carried;

  final int[] carriedRequests;

  /** Ordinals, ascending, that the application gathers and drops together with later ones. */
  final int[] gathered;

  /** Ordinals that stay alive. */
  final int[] held;

  /**
   * By ordinal, the free list that an object of its exact type goes to: 1 lists, 2 dicts, 2 + n
   * tuples of n items, 0 none or not recorded.
   */
  final byte[] freeList;

  /** In the order of the events; {@link FreeListChanges#NONE} if not recorded. */
  final FreeListChanges freeListChanges;

  /**
   * By ordinal: a realloc moved an object there; the event after it frees the block it came from.
   * Neither counts.
   */
  final boolean[] resized;

  /**
   * Ordinals among {@link #carried} that the request put on a free list: dead, although their
   * blocks are not free.
   */
  final int[] shelved;

  /**
   * By ordinal: made by a call of its type ({@code list(...)}, {@code dict(...)}), which does not
   * look at the free list.
   */
  final boolean[] direct;

  /** By ordinal: an object that is on none of the collector's lists when it has been made. */
  final boolean[] unlisted;

  /** When some of these come on one after all: rows of events before it, ordinal. */
  final int[] tracked;

  /** By ordinal: a tuple that a collection takes off its lists, as it can be part of no cycle. */
  final boolean[] atomic;

  /**
   * When some of these are full, if not when they are made: rows of events before it, ordinal, and
   * the ordinal of a tuple in it that was made later, or -1. A collection does not take it off
   * before it is full, nor before that tuple.
   */
  final int[] filled;

  /** By ordinal: one of those. */
  final boolean[] filledLater;

  /**
   * Objects from before the first request that end: rows of events before it and the free list it
   * goes to, 0 if to none.
   */
  final int[] older;

  RequestTrace(
      int endpoint,
      State state,
      long cpuNs,
      int[] events,
      byte[] domain,
      int[] garbageGc,
      int[] garbageGcStart,
      int[] garbageOwned,
      int[] garbageOwnedStart,
      int[] garbageLost,
      int[] carried,
      int[] carriedRequests,
      int[] gathered,
      int[] held,
      byte[] freeList,
      FreeListChanges freeListChanges,
      boolean[] resized,
      int[] shelved,
      boolean[] direct,
      boolean[] unlisted,
      int[] tracked,
      boolean[] atomic,
      int[] filled,
      int[] older) {
    this.endpoint = endpoint;
    this.state = state;
    this.cpuNs = cpuNs;
    this.events = events;
    this.domain = domain;
    this.garbageGc = garbageGc;
    this.garbageGcStart = garbageGcStart;
    this.garbageOwned = garbageOwned;
    this.garbageOwnedStart = garbageOwnedStart;
    this.garbageLost = garbageLost;
    this.carried = carried;
    this.carriedRequests = carriedRequests;
    this.gathered = gathered;
    this.held = held;
    this.freeList = freeList;
    this.freeListChanges = freeListChanges;
    this.resized = resized;
    this.shelved = shelved;
    this.direct = direct;
    this.unlisted = unlisted;
    this.tracked = tracked;
    this.atomic = atomic;
    this.filled = filled;
    this.older = older;
    filledLater = new boolean[domain.length];
    for (int i = 0; i < filled.length; i += 3) {
      filledLater[filled[i + 1]] = true;
    }
  }

  int allocations() {
    return domain.length;
  }

  /** The event that allocates, by ordinal. */
  int[] allocationEvents() {
    int[] allocating = new int[domain.length];
    int ordinal = 0;
    for (int event : events) {
      if (event >= 0) {
        allocating[ordinal++] = event;
      }
    }
    return allocating;
  }

  int garbageGroups() {
    return garbageGcStart.length - 1;
  }
}
