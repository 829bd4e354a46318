package dev.preforklab.cpython;

import java.util.Arrays;
import java.util.BitSet;

/**
 * The simplest machine an interpreter can run on: one process over a growing array of frames, no
 * sharing and no costs. Serves trace replay, benchmarks and tests.
 *
 * <p>The data segment grows from 256 MiB upwards; mappings are handed out in ascending order from 4
 * GiB. Nothing is ever mapped below 64 KiB.
 */
public final class PlainHost extends Host {
  private static final long DATA_SEGMENT = 1L << 28;
  private static final long DATA_SEGMENT_LIMIT = 1L << 32;
  private static final long FIRST_MAPPING = 1L << 32;
  private static final long ADDRESS_LIMIT = 1L << 35;

  private final BitSet mappedPages = new BitSet();
  private int[] freeFrames = new int[64];
  private int freeFrameCount;
  private int nextFrame = 1;
  private long dataSegmentEnd = DATA_SEGMENT;
  private long nextMapping = FIRST_MAPPING;
  private long nanoseconds;

  public PlainHost() {}

  private PlainHost(PlainHost parent) {
    mappedPages.or(parent.mappedPages);
    freeFrames = parent.freeFrames.clone();
    freeFrameCount = parent.freeFrameCount;
    nextFrame = parent.nextFrame;
    dataSegmentEnd = parent.dataSegmentEnd;
    nextMapping = parent.nextMapping;
    nanoseconds = parent.nanoseconds;
    table = parent.table.clone();
    chunks = new long[parent.chunks.length][];
    for (int i = 0; i < chunks.length; i++) {
      chunks[i] = parent.chunks[i].clone();
    }
  }

  /** A process with a copy of this one's memory, as after fork. */
  public PlainHost copy() {
    return new PlainHost(this);
  }

  @Override
  protected int fault(long address, boolean write, int cause) {
    int page = (int) (address >>> LOG_BYTES_IN_PAGE);
    if (address < 0 || address >= ADDRESS_LIMIT || !mappedPages.get(page)) {
      throw new SegmentationFault(address);
    }
    if (page >= table.length) {
      table = Arrays.copyOf(table, Math.max(page + 1, table.length + (table.length >>> 1)));
    }
    int frame = freeFrameCount > 0 ? freeFrames[--freeFrameCount] : nextFrame++;
    int word = frame << (LOG_BYTES_IN_PAGE - 3);
    int chunk = word >>> LOG_WORDS_IN_CHUNK;
    if (chunk >= chunks.length) {
      chunks = Arrays.copyOf(chunks, chunk + 1);
      chunks[chunk] = new long[WORDS_IN_CHUNK];
    }
    int first = word & WORD_IN_CHUNK_MASK;
    Arrays.fill(chunks[chunk], first, first + WORDS_IN_PAGE, 0);
    table[page] = word;
    return word;
  }

  @Override
  public long map(long bytes, long alignment) {
    long address = (nextMapping + alignment - 1) & -alignment;
    if (address + bytes > ADDRESS_LIMIT) {
      throw new OutOfMemory("no address space left for a mapping of " + bytes + " bytes");
    }
    nextMapping = address + bytes;
    mappedPages.set(page(address), page(address + bytes));
    return address;
  }

  @Override
  public void unmap(long address, long bytes) {
    for (int page = page(address); page < page(address + bytes); page++) {
      mappedPages.clear(page);
      if (page < table.length && table[page] != 0) {
        if (freeFrameCount == freeFrames.length) {
          freeFrames = Arrays.copyOf(freeFrames, 2 * freeFrameCount);
        }
        freeFrames[freeFrameCount++] = table[page] >>> (LOG_BYTES_IN_PAGE - 3);
        table[page] = 0;
      }
    }
  }

  @Override
  public long remap(long address, long oldBytes, long newBytes) {
    if (newBytes <= oldBytes) {
      unmap(address + newBytes, oldBytes - newBytes);
      return address;
    }
    long moved = map(newBytes, BYTES_IN_PAGE);
    if (page(moved + oldBytes) > table.length) {
      table = Arrays.copyOf(table, page(moved + newBytes));
    }
    for (int i = 0; i < page(oldBytes); i++) {
      int from = page(address) + i;
      mappedPages.clear(from);
      if (from < table.length) {
        table[page(moved) + i] = table[from];
        table[from] = 0;
      }
    }
    return moved;
  }

  @Override
  public long sbrk(long bytes) {
    long before = dataSegmentEnd;
    long after = before + bytes;
    if (after < DATA_SEGMENT || after > DATA_SEGMENT_LIMIT) {
      throw new OutOfMemory("the data segment cannot move by " + bytes + " bytes");
    }
    int oldPage = page(before + BYTES_IN_PAGE - 1);
    int newPage = page(after + BYTES_IN_PAGE - 1);
    if (newPage > oldPage) {
      mappedPages.set(oldPage, newPage);
    } else {
      unmap((long) newPage << LOG_BYTES_IN_PAGE, (long) (oldPage - newPage) << LOG_BYTES_IN_PAGE);
    }
    dataSegmentEnd = after;
    return before;
  }

  /** Bytes of memory that pages in use hold. */
  public long residentBytes() {
    return (long) (nextFrame - 1 - freeFrameCount) << LOG_BYTES_IN_PAGE;
  }

  @Override
  public void charge(long ns) {
    nanoseconds += ns;
  }

  @Override
  public long cpuNanoseconds() {
    return nanoseconds;
  }

  private static int page(long address) {
    return (int) (address >>> LOG_BYTES_IN_PAGE);
  }
}
