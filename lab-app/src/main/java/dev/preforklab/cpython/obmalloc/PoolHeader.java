package dev.preforklab.cpython.obmalloc;

/**
 * Field offsets of {@code struct pool_header}. Two 32-bit fields share a word where noted; the
 * first is the low half.
 */
public final class PoolHeader {
  private PoolHeader() {}

  /** Blocks in use (32 bits, the word's high half is padding). */
  public static final int REF_COUNT = 0;

  /** First free block of the pool, 0 when it has none. */
  public static final int FREE_BLOCK = 8;

  public static final int NEXT_POOL = 16;
  public static final int PREV_POOL = 24;

  /** Index of the pool's arena, then the size class index. */
  public static final int ARENA_AND_SIZE = 32;

  /** Offset of the next block never used yet, then the largest that a block can have. */
  public static final int OFFSETS = 40;

  /** Bytes of the header: 48 on all releases. */
  public static final int BYTES = 48;

  /** Size class of a pool that was never given to a class. */
  public static final int DUMMY_SIZE_INDEX = 0xffff;

  static long pair(int low, int high) {
    return (low & 0xffffffffL) | ((long) high << 32);
  }

  static int low(long word) {
    return (int) word;
  }

  static int high(long word) {
    return (int) (word >>> 32);
  }
}
