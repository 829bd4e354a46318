package dev.preforklab.cpython;

/**
 * The interpreter's own variables: offsets in the region that is mapped at boot. A real interpreter
 * has them in its data segment ({@code _PyRuntime}, static arrays); here they stand together so
 * that fork carries them over like any other memory. All are words unless said otherwise.
 */
public final class RuntimeState {
  private RuntimeState() {}

  /** Bytes of the region. */
  public static final int BYTES = 16 * Host.BYTES_IN_PAGE;

  // obmalloc
  /** 2 words a size class: nextpool and prevpool of the list's imaginary pool header. */
  public static final int USED_POOLS = 0;

  public static final int MAX_SIZE_CLASSES = 64;
  public static final int ARENAS = 1024;
  public static final int MAX_ARENAS = 1032;
  public static final int UNUSED_ARENA_OBJECTS = 1040;
  public static final int USABLE_ARENAS = 1048;
  public static final int ARENAS_ALLOCATED = 1056;
  public static final int ARENAS_ALLOCATED_EVER = 1064;
  public static final int ARENAS_HIGH_WATER = 1072;

  /** Address of the map from MiB number to arena, or 0 (before 3.10). */
  public static final int ARENA_MAP = 1080;

  /** For n free pools: the rightmost usable arena that has so many; index 0..64. */
  public static final int NFP2LASTA = 1088;

  // the collector's state
  /** Distance between generation structures: list head, then threshold and count in one word. */
  public static final int GENERATION_STRIDE = 48;

  public static final int GENERATIONS = 2048;

  /** Offset in a generation's structure of the word threshold (low half), count (high half). */
  public static final int THRESHOLD_AND_COUNT = 32;

  public static final int PERMANENT_GENERATION = GENERATIONS + 3 * GENERATION_STRIDE;

  /** collections, collected, uncollectable of each generation. */
  public static final int GENERATION_STATS = PERMANENT_GENERATION + GENERATION_STRIDE;

  public static final int GC_ENABLED = GENERATION_STATS + 72;
  public static final int GC_COLLECTING = GC_ENABLED + 8;
  public static final int LONG_LIVED_TOTAL = GC_COLLECTING + 8;
  public static final int LONG_LIVED_PENDING = LONG_LIVED_TOTAL + 8;

  /** The eval breaker's request for a collection (from 3.12). */
  public static final int GC_SCHEDULED = LONG_LIVED_PENDING + 8;

  /**
   * Heads of the lists that a collection keeps on the stack: unreachable, finalizers, and so on.
   */
  public static final int GC_STACK_LISTS = GC_SCHEDULED + 8;

  public static final int GC_STACK_LIST_COUNT = 4;

  // the incremental collector's state (3.14)
  public static final int GC_VISITED_SPACE = GC_STACK_LISTS + 16 * GC_STACK_LIST_COUNT;
  public static final int GC_PHASE = GC_VISITED_SPACE + 8;
  public static final int GC_WORK_TO_DO = GC_PHASE + 8;
  public static final int GC_HEAP_SIZE = GC_WORK_TO_DO + 8;

  /** GC head of the object that the trashcan took last, or 0. */
  public static final int TRASH_DELETE_LATER = GC_HEAP_SIZE + 8;

  // free lists: a count, then the objects, or the first of a chain
  public static final int LIST_FREE_COUNT = 4096;
  public static final int LIST_FREE = LIST_FREE_COUNT + 8;
  public static final int DICT_FREE_COUNT = LIST_FREE + 80 * 8;
  public static final int DICT_FREE = DICT_FREE_COUNT + 8;
  public static final int KEYS_FREE_COUNT = DICT_FREE + 80 * 8;
  public static final int KEYS_FREE = KEYS_FREE_COUNT + 8;
  public static final int SET_FREE_COUNT = KEYS_FREE + 80 * 8;
  public static final int SET_FREE = SET_FREE_COUNT + 8;
  public static final int FLOAT_FREE_COUNT = SET_FREE + 80 * 8;
  public static final int FLOAT_FREE = FLOAT_FREE_COUNT + 8;

  /** Counts by length 0..20, then heads by length. */
  public static final int TUPLE_FREE_COUNT = FLOAT_FREE + 8;

  public static final int TUPLE_FREE = TUPLE_FREE_COUNT + 21 * 8;

  /** First word for other packages' free lists; the rest of this page is unused. */
  public static final int OTHER_FREE_LISTS = TUPLE_FREE + 21 * 8;

  /** Of bound builtin functions, then of bound methods: a count each, then a first object each. */
  public static final int BOUND_FREE_COUNT = OTHER_FREE_LISTS + 32;

  public static final int BOUND_FREE = BOUND_FREE_COUNT + 16;

  /** First of the dead blocks that were on other lists, chained by their first word. */
  public static final int UNKNOWN_FREE = BOUND_FREE + 16;

  /** Frames that wait for any code, to 3.10: how many, then the first of the chain. */
  public static final int FRAME_FREE_COUNT = UNKNOWN_FREE + 8;

  public static final int FRAME_FREE = FRAME_FREE_COUNT + 8;

  // the C library's heap: mp_, then main_arena, see obmalloc.RawMalloc
  public static final int MALLOC_MMAP_THRESHOLD = 8192;
  public static final int MALLOC_TRIM_THRESHOLD = MALLOC_MMAP_THRESHOLD + 8;
  public static final int MALLOC_MMAPPED_BYTES = MALLOC_MMAP_THRESHOLD + 16;
  public static final int MALLOC_HEAP_BYTES = MALLOC_MMAP_THRESHOLD + 24;

  /** Address of the thread's cache, which lies in the heap itself; 0 before the first call. */
  public static final int MALLOC_THREAD_CACHE = MALLOC_MMAP_THRESHOLD + 32;

  public static final int MALLOC_HAS_FAST_CHUNKS = MALLOC_MMAP_THRESHOLD + 40;

  /** First chunk of each fast bin. */
  public static final int MALLOC_FAST_BINS = MALLOC_MMAP_THRESHOLD + 64;

  public static final int MALLOC_TOP = MALLOC_FAST_BINS + 10 * 8;
  public static final int MALLOC_LAST_REMAINDER = MALLOC_TOP + 8;

  /** Forward and backward link of each bin but the first, which is none. */
  public static final int MALLOC_BINS = MALLOC_TOP + 16;

  /** Bit by bin: the bin may hold something (2 words). */
  public static final int MALLOC_BIN_MAP = MALLOC_BINS + 127 * 16;

  /** Static singletons and type objects of the interpreter start here; grows to the end. */
  public static final int STATIC_OBJECTS = 16384;
}
