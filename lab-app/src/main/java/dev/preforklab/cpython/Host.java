package dev.preforklab.cpython;

/**
 * The narrow door between an interpreter and the machine it runs on: one process's view of memory.
 *
 * <p>A virtual address is a {@code long} counted in bytes, below 2^35; memory is read and written
 * in aligned 8-byte words. {@link #load} and {@link #store} are the short fast paths: one look-up
 * in a flat page table whose entry is the word index of the page's frame, its sign bit the
 * write-protection. Everything rare (an unmapped page, a protected one) goes through {@link
 * #fault}.
 *
 * <p>Frames live in chunks of {@link #WORDS_IN_CHUNK} words so that the Java heap grows with use. A
 * frame never straddles a chunk. After any call that may fault, an index obtained from {@link
 * #entry} before is stale: translate again.
 */
public abstract class Host {
  public static final int LOG_BYTES_IN_PAGE = 12;
  public static final int BYTES_IN_PAGE = 1 << LOG_BYTES_IN_PAGE;
  public static final int WORDS_IN_PAGE = BYTES_IN_PAGE / 8;
  public static final int WORD_IN_PAGE_MASK = WORDS_IN_PAGE - 1;

  /** A chunk holds 4,096 frames: 16 MiB. */
  public static final int LOG_WORDS_IN_CHUNK = 21;

  public static final int WORDS_IN_CHUNK = 1 << LOG_WORDS_IN_CHUNK;
  public static final int WORD_IN_CHUNK_MASK = WORDS_IN_CHUNK - 1;

  /** Sign bit of a page table entry: present but write-protected. */
  public static final int WRITE_PROTECTED = 1 << 31;

  /** Takes the protection off an entry, leaving the frame's first word index. */
  public static final int FRAME_MASK = ~WRITE_PROTECTED;

  /** Why a word is written; recorded only when the store faults. Equal to the probe's constants. */
  public static final int CAUSE_LOAD = -1;

  public static final int CAUSE_REFCOUNT = 0;
  public static final int CAUSE_GC_HEADER = 1;
  public static final int CAUSE_ALLOCATOR = 2;
  public static final int CAUSE_FINALIZE = 3;
  public static final int CAUSE_DATA = 4;

  /**
   * Entry by page number; 0 = not present (frame 0 is never handed out), positive = writable frame,
   * negative = write-protected frame. The machine may replace the array (growth), never mid-access.
   */
  protected int[] table = new int[0];

  /** Frame contents by chunk. Shared by all processes of one machine; grows in place. */
  protected long[][] chunks = new long[0][];

  /** The current table; re-read after any call that can fault or map. */
  public final int[] table() {
    return table;
  }

  /** The chunks; re-read after any call that can fault or map. */
  public final long[][] chunks() {
    return chunks;
  }

  /** Reads the word at a byte address (a multiple of 8). */
  public final long load(long address) {
    int page = (int) (address >>> LOG_BYTES_IN_PAGE);
    int[] t = table;
    int e = page < t.length ? t[page] : 0;
    if (e == 0) {
      e = fault(address, false, CAUSE_LOAD);
    }
    int word = (e & FRAME_MASK) + ((int) (address >>> 3) & WORD_IN_PAGE_MASK);
    return chunks[word >>> LOG_WORDS_IN_CHUNK][word & WORD_IN_CHUNK_MASK];
  }

  /** Writes the word at a byte address (a multiple of 8); {@code cause} is one of CAUSE_. */
  public final void store(long address, long value, int cause) {
    int page = (int) (address >>> LOG_BYTES_IN_PAGE);
    int[] t = table;
    int e = page < t.length ? t[page] : 0;
    if (e <= 0) {
      e = fault(address, true, cause);
    }
    int word = e + ((int) (address >>> 3) & WORD_IN_PAGE_MASK);
    chunks[word >>> LOG_WORDS_IN_CHUNK][word & WORD_IN_CHUNK_MASK] = value;
  }

  /** Entry for reading the page that holds an address, faulting it in if need be. */
  public final int entry(long address) {
    int page = (int) (address >>> LOG_BYTES_IN_PAGE);
    int[] t = table;
    int e = page < t.length ? t[page] : 0;
    return e != 0 ? e : fault(address, false, CAUSE_LOAD);
  }

  /** Entry for writing the page that holds an address, copied or mapped if need be. */
  public final int writableEntry(long address, int cause) {
    int page = (int) (address >>> LOG_BYTES_IN_PAGE);
    int[] t = table;
    int e = page < t.length ? t[page] : 0;
    return e > 0 ? e : fault(address, true, cause);
  }

  /**
   * The slow path of an access.
   *
   * @return the entry after the fault was served: positive for a write, non-zero for a read
   * @throws SegmentationFault if nothing is mapped there
   */
  protected abstract int fault(long address, boolean write, int cause);

  /**
   * Maps zero-filled private anonymous memory (mmap).
   *
   * @param bytes a multiple of the page size
   * @param alignment a power of two, at least the page size
   * @return the address
   * @throws OutOfMemory if the machine has none left
   */
  public abstract long map(long bytes, long alignment);

  /** Takes a mapping, or part of one, away (munmap). */
  public abstract void unmap(long address, long bytes);

  /**
   * Moves the end of the process's data segment by a number of bytes (sbrk).
   *
   * @return the end before the move
   */
  public abstract long sbrk(long bytes);

  /**
   * Changes the size of a mapping, moving its pages elsewhere if need be (mremap).
   *
   * @return the address of the mapping, now {@code newBytes} long, with its content
   * @throws OutOfMemory if there is no room
   */
  public abstract long remap(long address, long oldBytes, long newBytes);

  /** Adds to the process's CPU time, in simulated nanoseconds. */
  public abstract void charge(long nanoseconds);

  /** The process's CPU time so far, in simulated nanoseconds. */
  public abstract long cpuNanoseconds();

  /** The simulated address space has nothing mapped at this address. */
  public static final class SegmentationFault extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public SegmentationFault(long address) {
      super("segmentation fault at 0x" + Long.toHexString(address));
    }
  }

  /** The simulated machine has no frame left. */
  public static final class OutOfMemory extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public OutOfMemory(String message) {
      super(message);
    }
  }
}
