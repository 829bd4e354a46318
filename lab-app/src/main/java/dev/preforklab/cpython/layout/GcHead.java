package dev.preforklab.cpython.layout;

/**
 * {@code PyGC_Head}: the words before each object of a GC type. From 3.8 on next and prev alone,
 * with tag bits; to 3.7 a third word, gc_refs, and padding.
 */
public final class GcHead {
  public static final int NEXT = 0;
  public static final int PREV = 8;

  /** gc_refs, to 3.7 only. */
  public static final int REFS = 16;

  /** In prev: tp_finalize was called. */
  public static final long PREV_FINALIZED = 1;

  /** In prev, during a collection: the object belongs to the collected generations. */
  public static final long PREV_COLLECTING = 2;

  /** In prev: where gc_refs begins while the object is being collected. */
  public static final int PREV_SHIFT = 2;

  public static final long PREV_REF = 1L << PREV_SHIFT;

  /** The pointer in prev. */
  public static final long PREV_MASK = -PREV_REF;

  /** In next, during a collection: the object is on the unreachable list. */
  public static final long NEXT_UNREACHABLE = 1;

  /** In next, 3.14: the old space that the object belongs to, 0 or 1. */
  public static final long NEXT_OLD_SPACE = 1;

  /** What NEXT_UNREACHABLE is to 3.13. */
  public static final long NEXT_UNREACHABLE_INCREMENTAL = 2;

  /** The pointer in next, 3.14. */
  public static final long NEXT_MASK = -4;

  /** gc_refs of an untracked object, to 3.7 (before shifting). */
  public static final long OLD_UNTRACKED = -2;

  public static final long OLD_REACHABLE = -3;
  public static final long OLD_TENTATIVELY_UNREACHABLE = -4;

  private GcHead() {}
}
