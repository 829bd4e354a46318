package dev.preforklab.machine.memory;

/** Sizes that the hardware fixes, and the shape of a page table entry. */
public final class MachineConstants {
  public static final int LOG_BYTES_IN_PAGE = 12;
  public static final int BYTES_IN_PAGE = 1 << LOG_BYTES_IN_PAGE;
  public static final int PAGE_MASK = BYTES_IN_PAGE - 1;

  public static final int LOG_WORDS_IN_PAGE = LOG_BYTES_IN_PAGE - 3;
  public static final int WORDS_IN_PAGE = 1 << LOG_WORDS_IN_PAGE;

  /** Frames are materialised 4,096 at a time: 16 MiB. */
  public static final int LOG_WORDS_IN_CHUNK = 21;

  public static final int WORDS_IN_CHUNK = 1 << LOG_WORDS_IN_CHUNK;
  public static final int WORD_IN_CHUNK_MASK = WORDS_IN_CHUNK - 1;
  public static final int LOG_FRAMES_IN_CHUNK = LOG_WORDS_IN_CHUNK - LOG_WORDS_IN_PAGE;
  public static final int FRAMES_IN_CHUNK = 1 << LOG_FRAMES_IN_CHUNK;

  /** So many frames' words can be numbered by an int: 16 GiB. */
  public static final int MAX_FRAMES = 1 << (31 - LOG_WORDS_IN_PAGE);

  /** Pages in the largest address space: 2^35 bytes. */
  public static final int MAX_VIRTUAL_PAGES = 1 << (35 - LOG_BYTES_IN_PAGE);

  /**
   * A page table entry is 0 if nothing is present, else the index of its frame's first word; the
   * sign bit says that the page is write-protected.
   */
  public static final int WRITE_PROTECTED = 1 << 31;

  private static final int FRAME_WORD_MASK = ~WRITE_PROTECTED;

  private MachineConstants() {}

  /** The frame that a present entry maps. */
  public static int frameOf(int entry) {
    return (entry & FRAME_WORD_MASK) >>> LOG_WORDS_IN_PAGE;
  }

  /** The entry that maps a frame writably. */
  public static int writableEntry(int frame) {
    return frame << LOG_WORDS_IN_PAGE;
  }

  /** The entry that maps a frame for reading only. */
  public static int protectedEntry(int frame) {
    return frame << LOG_WORDS_IN_PAGE | WRITE_PROTECTED;
  }

  /** Bytes rounded up to whole pages. */
  public static long pagesIn(long bytes) {
    return (bytes + PAGE_MASK) >>> LOG_BYTES_IN_PAGE;
  }
}
