package dev.preforklab.cpython.obmalloc;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.RuntimeState;

/**
 * A simplified C library heap for what pymalloc does not serve: chunks with a 16-byte head on the
 * data segment, and mappings of their own from the mmap threshold on.
 *
 * <p>After glibc's {@code malloc/malloc.c}: boundary tags, a thread cache of seven chunks a size up
 * to 1,040 bytes, exact small bins, large bins searched for the best fit, the top chunk extended in
 * steps of 128 KiB and trimmed, the mmap threshold raised when a mapped chunk is freed. Left out:
 * the unsorted bin, fast bins, arenas for threads.
 *
 * <p>A chunk's address is 16 bytes before the block's: first the size of the chunk before if that
 * is free, then this chunk's size with three flag bits. Free chunks hold two links.
 */
public final class RawMalloc {
  private static final long PREV_IN_USE = 1;
  private static final long MAPPED = 2;

  /** A block of a captured heap: its neighbours are not chunks. */
  private static final long FOREIGN = 4;

  private static final long FLAGS = 7;
  private static final long MIN_CHUNK = 32;
  private static final long TOP_PAD = 128 << 10;
  private static final long CONSOLIDATION_THRESHOLD = 64 << 10;
  private static final long MAX_MMAP_THRESHOLD = 32 << 20;
  private static final long THREAD_CACHE_LIMIT = 1040;
  private static final int THREAD_CACHE_COUNT = 7;
  private static final int BINS = 128;
  private static final int SMALL_BINS = 64;

  private static final int SIZE = 8;
  private static final int HEAD = 16;
  private static final int NEXT = 16;
  private static final int PREV = 24;

  private final Host host;
  private final long runtime;
  private int cause = Host.CAUSE_ALLOCATOR;

  /** A heap over variables that {@link #boot} has set up, or that a forked process inherited. */
  public RawMalloc(Host host, long runtime) {
    this.host = host;
    this.runtime = runtime;
  }

  /** Sets the heap's variables as a starting process finds them. */
  public void boot() {
    setVariable(RuntimeState.MALLOC_MMAP_THRESHOLD, 128 << 10);
    setVariable(RuntimeState.MALLOC_TRIM_THRESHOLD, 128 << 10);
  }

  /** Sets the cause of all further stores, one of {@code Host.CAUSE_}. */
  public void setCause(int newCause) {
    cause = newCause;
  }

  /** Allocates a block of at least so many bytes; its address is a multiple of 16. */
  public long allocate(long bytes) {
    long size = chunkSize(bytes);
    if (size <= THREAD_CACHE_LIMIT) {
      long block = takeFromThreadCache(size);
      if (block != 0) {
        return block;
      }
    }
    long chunk = takeFromBins(size);
    if (chunk == 0) {
      chunk = takeFromTop(size);
    }
    if (chunk == 0) {
      if (size >= variable(RuntimeState.MALLOC_MMAP_THRESHOLD)) {
        return allocateMapped(size);
      }
      extendTop(size);
      chunk = takeFromTop(size);
    }
    return chunk + HEAD;
  }

  /** Gives a block back. */
  public void free(long block) {
    long chunk = block - HEAD;
    long head = host.load(chunk + SIZE);
    long size = head & ~FLAGS;
    if ((head & MAPPED) != 0) {
      if (size > variable(RuntimeState.MALLOC_MMAP_THRESHOLD) && size <= MAX_MMAP_THRESHOLD) {
        setVariable(RuntimeState.MALLOC_MMAP_THRESHOLD, size);
        setVariable(RuntimeState.MALLOC_TRIM_THRESHOLD, 2 * size);
      }
      addVariable(RuntimeState.MALLOC_MMAPPED_BYTES, -size);
      host.unmap(chunk, size);
      return;
    }
    if (size <= THREAD_CACHE_LIMIT && putToThreadCache(block, size)) {
      return;
    }
    if ((head & FOREIGN) != 0) {
      insertToBin(chunk, size);
      return;
    }
    release(chunk, size, head);
  }

  /** Joins a chunk with free neighbours and puts it in a bin, or to the top. */
  private void release(long freed, long freedSize, long head) {
    long chunk = freed;
    long size = freedSize;
    if ((head & PREV_IN_USE) == 0) {
      long before = host.load(chunk);
      chunk -= before;
      size += before;
      removeFromBin(chunk, before);
    }
    long next = freed + freedSize;
    if (next == variable(RuntimeState.MALLOC_TOP)) {
      size += variable(RuntimeState.MALLOC_TOP_BYTES);
      setTop(chunk, size);
    } else {
      long nextHead = host.load(next + SIZE);
      long nextSize = nextHead & ~FLAGS;
      if (isFree(next, nextSize)) {
        removeFromBin(next, nextSize);
        size += nextSize;
        next += nextSize;
      }
      set(next, size);
      set(next + SIZE, host.load(next + SIZE) & ~PREV_IN_USE);
      set(chunk + SIZE, size | PREV_IN_USE);
      insertToBin(chunk, size);
    }
    if (size >= CONSOLIDATION_THRESHOLD
        && variable(RuntimeState.MALLOC_TOP_BYTES)
            >= variable(RuntimeState.MALLOC_TRIM_THRESHOLD)) {
      trim();
    }
  }

  /** Whether the chunk that starts here is free: only then does its successor say so. */
  private boolean isFree(long chunk, long size) {
    return (host.load(chunk + size + SIZE) & PREV_IN_USE) == 0;
  }

  /**
   * Changes a block's size as realloc does: in place when it shrinks or can grow into what follows,
   * by mremap when it is a mapping, by a copy otherwise.
   */
  public long reallocate(long block, long bytes) {
    if (block == 0) {
      return allocate(bytes);
    }
    long chunk = block - HEAD;
    long head = host.load(chunk + SIZE);
    long oldSize = head & ~FLAGS;
    long size = chunkSize(bytes);
    if ((head & MAPPED) != 0) {
      long pages = roundToPages(size + SIZE);
      if (pages == oldSize) {
        return block;
      }
      long moved = host.remap(chunk, oldSize, pages);
      set(moved + SIZE, pages | MAPPED);
      addVariable(RuntimeState.MALLOC_MMAPPED_BYTES, pages - oldSize);
      return moved + HEAD;
    }
    if (oldSize < size && (head & FOREIGN) == 0) {
      oldSize = growInPlace(chunk, head, oldSize, size);
    }
    if (oldSize >= size) {
      if ((head & FOREIGN) == 0) {
        splitAllocated(chunk, oldSize, size);
      }
      return block;
    }
    long moved = allocate(bytes);
    for (long offset = 0; offset < oldSize - SIZE; offset += 8) {
      host.store(moved + offset, host.load(block + offset), Host.CAUSE_DATA);
    }
    free(block);
    return moved;
  }

  /** Takes the top or a free successor in; returns the chunk's size afterwards. */
  private long growInPlace(long chunk, long head, long oldSize, long size) {
    long next = chunk + oldSize;
    if (next == variable(RuntimeState.MALLOC_TOP)) {
      long topBytes = variable(RuntimeState.MALLOC_TOP_BYTES);
      if (oldSize + topBytes < size + MIN_CHUNK) {
        return oldSize;
      }
      set(chunk + SIZE, size | (head & FLAGS));
      setTop(chunk + size, oldSize + topBytes - size);
      return size;
    }
    long nextSize = host.load(next + SIZE) & ~FLAGS;
    if (!isFree(next, nextSize) || oldSize + nextSize < size) {
      return oldSize;
    }
    removeFromBin(next, nextSize);
    long joined = oldSize + nextSize;
    set(chunk + SIZE, joined | (head & FLAGS));
    long after = chunk + joined;
    set(after + SIZE, host.load(after + SIZE) | PREV_IN_USE);
    return joined;
  }

  private void splitAllocated(long chunk, long oldSize, long size) {
    long rest = oldSize - size;
    if (rest < MIN_CHUNK) {
      return;
    }
    set(chunk + SIZE, size | (host.load(chunk + SIZE) & FLAGS));
    set(chunk + size + SIZE, rest | PREV_IN_USE);
    release(chunk + size, rest, rest | PREV_IN_USE);
  }

  /** Bytes that the block can hold. */
  public long usableBytes(long block) {
    long head = host.load(block - SIZE);
    return (head & ~FLAGS) - ((head & MAPPED) != 0 ? HEAD : SIZE);
  }

  /**
   * Declares memory of a captured heap to be an allocated block, so that it can be freed later.
   *
   * @param block its address, a multiple of 16 with mapped memory before it
   * @param bytes of the request it served
   */
  public void adopt(long block, long bytes) {
    long size = chunkSize(bytes);
    set(block - SIZE, size | FOREIGN | PREV_IN_USE);
  }

  private long allocateMapped(long size) {
    long pages = roundToPages(size + SIZE);
    long chunk = host.map(pages, Host.BYTES_IN_PAGE);
    set(chunk + SIZE, pages | MAPPED);
    addVariable(RuntimeState.MALLOC_MMAPPED_BYTES, pages);
    return chunk + HEAD;
  }

  private long takeFromTop(long size) {
    long topBytes = variable(RuntimeState.MALLOC_TOP_BYTES);
    if (topBytes < size + MIN_CHUNK) {
      return 0;
    }
    long chunk = variable(RuntimeState.MALLOC_TOP);
    set(chunk + SIZE, size | PREV_IN_USE);
    setTop(chunk + size, topBytes - size);
    return chunk;
  }

  private void extendTop(long size) {
    long topBytes = variable(RuntimeState.MALLOC_TOP_BYTES);
    long top = variable(RuntimeState.MALLOC_TOP);
    long grow = roundToPages(size + TOP_PAD + MIN_CHUNK - topBytes);
    long address = host.sbrk(grow);
    addVariable(RuntimeState.MALLOC_HEAP_BYTES, grow);
    if (address == top + topBytes && topBytes > 0) {
      setTop(top, topBytes + grow);
      return;
    }
    // Somebody else moved the data segment: the old top is never joined with the new one.
    if (topBytes >= MIN_CHUNK) {
      set(top + SIZE, topBytes | FOREIGN | PREV_IN_USE);
      insertToBin(top, topBytes);
    }
    long aligned = (address + 15) & -16;
    setTop(aligned, grow - (aligned - address) & -16);
    if (variable(RuntimeState.MALLOC_TOP_BYTES) < size + MIN_CHUNK) {
      extendTop(size);
    }
  }

  private void trim() {
    long topBytes = variable(RuntimeState.MALLOC_TOP_BYTES);
    long extra = topBytes - MIN_CHUNK - 1 - TOP_PAD & -Host.BYTES_IN_PAGE;
    if (extra <= 0) {
      return;
    }
    host.sbrk(-extra);
    addVariable(RuntimeState.MALLOC_HEAP_BYTES, -extra);
    setTop(variable(RuntimeState.MALLOC_TOP), topBytes - extra);
  }

  private void setTop(long chunk, long size) {
    setVariable(RuntimeState.MALLOC_TOP, chunk);
    setVariable(RuntimeState.MALLOC_TOP_BYTES, size);
    set(chunk + SIZE, size | PREV_IN_USE);
  }

  private long takeFromThreadCache(long size) {
    long cache = threadCache(size);
    long count = host.load(cache);
    if (count == 0) {
      return 0;
    }
    long block = host.load(cache + 8);
    set(cache + 8, host.load(block));
    set(cache, count - 1);
    return block;
  }

  private boolean putToThreadCache(long block, long size) {
    long cache = threadCache(size);
    long count = host.load(cache);
    if (count == THREAD_CACHE_COUNT) {
      return false;
    }
    set(block, host.load(cache + 8));
    set(cache + 8, block);
    set(cache, count + 1);
    return true;
  }

  private long threadCache(long size) {
    return runtime + RuntimeState.MALLOC_THREAD_CACHE + (size - MIN_CHUNK);
  }

  /** The smallest free chunk that is large enough, its rest back in a bin; 0 if there is none. */
  private long takeFromBins(long size) {
    int bin = binOf(size);
    long chunk = firstFit(bin, size);
    while (chunk == 0) {
      bin = nextUsedBin(bin + 1);
      if (bin < 0) {
        return 0;
      }
      chunk = firstFit(bin, size);
    }
    long head = host.load(chunk + SIZE);
    long found = head & ~FLAGS;
    removeFromBin(chunk, found);
    long foreign = head & FOREIGN;
    long rest = found - size;
    if (rest < MIN_CHUNK) {
      if (foreign == 0) {
        long next = chunk + found;
        set(next + SIZE, host.load(next + SIZE) | PREV_IN_USE);
      }
      return chunk;
    }
    set(chunk + SIZE, size | foreign | PREV_IN_USE);
    long restChunk = chunk + size;
    set(restChunk + SIZE, rest | foreign | PREV_IN_USE);
    if (foreign == 0) {
      set(restChunk + rest, rest);
    }
    insertToBin(restChunk, rest);
    return chunk;
  }

  private long firstFit(int bin, long size) {
    long chunk = host.load(binHead(bin));
    while (chunk != 0 && sizeOf(chunk) < size) {
      chunk = host.load(chunk + NEXT);
    }
    return chunk;
  }

  private int nextUsedBin(int from) {
    for (int word = from >>> 6; word < BINS >>> 6; word++) {
      long bits = host.load(runtime + RuntimeState.MALLOC_BIN_MAP + 8L * word);
      if (word == from >>> 6) {
        bits &= -1L << from;
      }
      if (bits != 0) {
        return (word << 6) + Long.numberOfTrailingZeros(bits);
      }
    }
    return -1;
  }

  /** Small bins are queues; large ones are kept in ascending order of size. */
  private void insertToBin(long chunk, long size) {
    int bin = binOf(size);
    long head = binHead(bin);
    long before = host.load(head + 8);
    if (bin >= SMALL_BINS) {
      while (before != 0 && sizeOf(before) > size) {
        before = host.load(before + PREV);
      }
    }
    long after = before == 0 ? host.load(head) : host.load(before + NEXT);
    set(chunk + NEXT, after);
    set(chunk + PREV, before);
    set(before == 0 ? head : before + NEXT, chunk);
    set(after == 0 ? head + 8 : after + PREV, chunk);
    markBin(bin, true);
  }

  private void removeFromBin(long chunk, long size) {
    int bin = binOf(size);
    long head = binHead(bin);
    long after = host.load(chunk + NEXT);
    long before = host.load(chunk + PREV);
    set(before == 0 ? head : before + NEXT, after);
    set(after == 0 ? head + 8 : after + PREV, before);
    if (before == 0 && after == 0) {
      markBin(bin, false);
    }
  }

  private void markBin(int bin, boolean used) {
    long address = runtime + RuntimeState.MALLOC_BIN_MAP + 8L * (bin >>> 6);
    long bits = host.load(address);
    set(address, used ? bits | 1L << bin : bits & ~(1L << bin));
  }

  private long binHead(int bin) {
    return runtime + RuntimeState.MALLOC_BINS + 16L * bin;
  }

  private static int binOf(long size) {
    if (size < 1024) {
      return (int) (size >>> 4);
    }
    if (size >>> 6 <= 48) {
      return 48 + (int) (size >>> 6);
    }
    if (size >>> 9 <= 20) {
      return 91 + (int) (size >>> 9);
    }
    if (size >>> 12 <= 10) {
      return 110 + (int) (size >>> 12);
    }
    if (size >>> 15 <= 4) {
      return 119 + (int) (size >>> 15);
    }
    return size >>> 18 <= 2 ? 124 + (int) (size >>> 18) : 126;
  }

  private static long chunkSize(long bytes) {
    return Math.max(MIN_CHUNK, bytes + SIZE + 15 & -16);
  }

  private static long roundToPages(long bytes) {
    return bytes + Host.BYTES_IN_PAGE - 1 & -Host.BYTES_IN_PAGE;
  }

  private long sizeOf(long chunk) {
    return host.load(chunk + SIZE) & ~FLAGS;
  }

  private long variable(int offset) {
    return host.load(runtime + offset);
  }

  private void setVariable(int offset, long value) {
    set(runtime + offset, value);
  }

  private void addVariable(int offset, long change) {
    setVariable(offset, variable(offset) + change);
  }

  private void set(long address, long value) {
    host.store(address, value, cause);
  }
}
