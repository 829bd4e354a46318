package dev.preforklab.cpython.obmalloc;

import static dev.preforklab.cpython.obmalloc.Chunks.FLAGS;
import static dev.preforklab.cpython.obmalloc.Chunks.FOREIGN;
import static dev.preforklab.cpython.obmalloc.Chunks.HEAD;
import static dev.preforklab.cpython.obmalloc.Chunks.MAPPED;
import static dev.preforklab.cpython.obmalloc.Chunks.MIN_BYTES;
import static dev.preforklab.cpython.obmalloc.Chunks.PREV_IN_USE;
import static dev.preforklab.cpython.obmalloc.Chunks.SIZE;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.RuntimeState;

/**
 * The C library's heap, for what pymalloc does not serve: glibc 2.36's {@code malloc/malloc.c} for
 * a process of one thread.
 *
 * <p>Start with {@link #allocate} and {@link #allocateFromArena} ({@code _int_malloc}): thread
 * cache, fast bins, small bins, the unsorted chunks one by one, large bins for the best fit, the
 * top, the kernel. All state is in simulated memory, the tags and links in the chunks themselves,
 * so that a free dirties the pages that a real one does. Left out: arenas for further threads,
 * tunables, checks.
 */
public final class RawMalloc {
  private static final long TOP_PAD = 128 << 10;
  private static final long CONSOLIDATION_THRESHOLD = 64 << 10;
  private static final long MAX_MMAP_THRESHOLD = 32 << 20;
  private static final long MAX_FAST = 128;
  static final int FAST_BINS = 10;
  private static final int MAX_UNSORTED_STEPS = 10_000;

  private final Host host;
  private final long runtime;
  private final Chunks chunks;
  private final Bins bins;
  private final ThreadCache cache;
  private final FastBins fastBins;

  /** A heap over variables that {@link #boot} has set up, or that a forked process inherited. */
  public RawMalloc(Host host, long runtime) {
    this.host = host;
    this.runtime = runtime;
    chunks = new Chunks(host);
    bins = new Bins(chunks, runtime);
    cache = new ThreadCache(chunks, runtime);
    fastBins = new FastBins(chunks, runtime, FAST_BINS);
  }

  /** Sets the heap's variables as a starting process finds them. */
  public void boot() {
    setVariable(RuntimeState.MALLOC_MMAP_THRESHOLD, 128 << 10);
    setVariable(RuntimeState.MALLOC_TRIM_THRESHOLD, 128 << 10);
    bins.boot();
  }

  /** Sets the cause of all further stores, one of {@code Host.CAUSE_}. */
  public void setCause(int newCause) {
    chunks.setCause(newCause);
  }

  /** Allocates a block of at least so many bytes; its address is a multiple of 16. */
  public long allocate(long bytes) {
    if (!cache.exists()) {
      cache.create(allocateFromArena(Chunks.bytesFor(ThreadCache.BYTES)));
    }
    long size = Chunks.bytesFor(bytes);
    return cache.isEmpty(size) ? allocateFromArena(size) : cache.take(size);
  }

  /** The same for {@code calloc}, which does not look into the thread cache. */
  public long allocateCleared(long bytes) {
    return allocateFromArena(Chunks.bytesFor(bytes));
  }

  /** {@code _int_malloc}. */
  private long allocateFromArena(long size) {
    if (size <= MAX_FAST) {
      long chunk = fastBins.take(size, cache);
      if (chunk != 0) {
        return chunk + HEAD;
      }
    }
    if (Bins.isSmall(size)) {
      long chunk = takeSmall(size);
      if (chunk != 0) {
        return chunk + HEAD;
      }
    } else if (fastBins.mayHoldChunks()) {
      consolidate();
    }
    while (true) {
      long chunk = takeUnsorted(size);
      if (chunk != 0) {
        return chunk + HEAD;
      }
      // The search above has filled the cache only with chunks of just this size.
      if (cachedBySearch) {
        return cache.take(size);
      }
      chunk = takeFromBins(size);
      if (chunk == 0) {
        chunk = takeFromTop(size);
      }
      if (chunk != 0) {
        return chunk + HEAD;
      }
      if (!fastBins.mayHoldChunks()) {
        return allocateFromSystem(size) + HEAD;
      }
      consolidate();
    }
  }

  /** Whether the last {@link #takeUnsorted} put an exact fit into the thread cache. */
  private boolean cachedBySearch;

  /** The oldest chunk from the small bin; the others fill the thread cache. */
  private long takeSmall(long size) {
    long bin = bins.at(Bins.indexOf(size));
    long chunk = chunks.prev(bin);
    if (chunk == bin) {
      return 0;
    }
    chunks.setInUse(chunk, size);
    bins.removeLast(bin);
    for (long other = chunks.prev(bin);
        other != bin && cache.hasRoom(size);
        other = chunks.prev(bin)) {
      chunks.setInUse(other, size);
      bins.removeLast(bin);
      cache.put(other, size);
    }
    return chunk;
  }

  /**
   * Sorts the unsorted chunks into their bins, oldest first, until one fits exactly; exact fits go
   * to the thread cache while it has room.
   */
  private long takeUnsorted(long size) {
    cachedBySearch = false;
    long header = bins.unsorted;
    int steps = 0;
    for (long chunk = chunks.prev(header);
        chunk != header && steps < MAX_UNSORTED_STEPS;
        chunk = chunks.prev(header)) {
      long found = chunks.size(chunk);
      if (Bins.isSmall(size)
          && chunks.prev(chunk) == header
          && chunk == variable(RuntimeState.MALLOC_LAST_REMAINDER)
          && found > size + MIN_BYTES) {
        bins.removeLast(header);
        split(chunk, found, size, true);
        return chunk;
      }
      bins.removeLast(header);
      if (found == size) {
        chunks.setInUse(chunk, size);
        if (!cache.hasRoom(size)) {
          return chunk;
        }
        cache.put(chunk, size);
        cachedBySearch = true;
        continue;
      }
      bins.insert(chunk, found);
      steps++;
    }
    return 0;
  }

  /** The smallest sorted chunk that is large enough, or 0. */
  private long takeFromBins(long size) {
    int bin = Bins.indexOf(size);
    long chunk = Bins.isSmall(size) ? 0 : bins.bestFit(bin, size);
    boolean own = chunk != 0;
    if (!own) {
      chunk = bins.lastOfNextUsed(bin + 1);
    }
    if (chunk == 0) {
      return 0;
    }
    long found = chunks.size(chunk);
    bins.unlink(chunk);
    if (found - size < MIN_BYTES) {
      chunks.setInUse(chunk, found);
    } else {
      split(chunk, found, size, !own && Bins.isSmall(size));
    }
    return chunk;
  }

  /** Allocates the front of a chunk that is in no bin; the rest becomes unsorted. */
  private void split(long chunk, long found, long size, boolean remember) {
    long rest = chunk + size;
    long flags = (chunks.head(chunk) & FOREIGN) | PREV_IN_USE;
    bins.addUnsorted(rest, found - size);
    if (remember) {
      setVariable(RuntimeState.MALLOC_LAST_REMAINDER, rest);
    }
    chunks.setHead(chunk, size | flags);
    chunks.setHead(rest, found - size | flags);
    chunks.setFoot(rest, found - size);
  }

  private long takeFromTop(long size) {
    long chunk = variable(RuntimeState.MALLOC_TOP);
    long topBytes = topBytes();
    if (topBytes < size + MIN_BYTES) {
      return 0;
    }
    chunks.setHead(chunk, size | PREV_IN_USE);
    setTop(chunk + size, topBytes - size);
    return chunk;
  }

  private long topBytes() {
    long top = variable(RuntimeState.MALLOC_TOP);
    return top == 0 ? 0 : chunks.size(top);
  }

  private void setTop(long chunk, long size) {
    setVariable(RuntimeState.MALLOC_TOP, chunk);
    chunks.setHead(chunk, size | PREV_IN_USE);
  }

  /** {@code sysmalloc}: a mapping of its own, or a larger data segment. */
  private long allocateFromSystem(long size) {
    if (size >= variable(RuntimeState.MALLOC_MMAP_THRESHOLD)) {
      long bytes = roundToPages(size + SIZE);
      long chunk = host.map(bytes, Host.BYTES_IN_PAGE);
      chunks.setHead(chunk, bytes | MAPPED);
      addVariable(RuntimeState.MALLOC_MMAPPED_BYTES, bytes);
      return chunk;
    }
    long top = variable(RuntimeState.MALLOC_TOP);
    long oldBytes = topBytes();
    long grow = roundToPages(size + TOP_PAD + MIN_BYTES - oldBytes);
    long address = host.sbrk(grow);
    addVariable(RuntimeState.MALLOC_HEAP_BYTES, grow);
    if (top != 0 && address == top + oldBytes) {
      setTop(top, oldBytes + grow);
    } else {
      startElsewhere(top, oldBytes, address, grow);
    }
    return takeFromTop(size);
  }

  /** The data segment's end is not the heap's: the first call, or somebody else moved it. */
  private void startElsewhere(long oldTop, long oldBytes, long address, long grown) {
    long aligned = address + 15 & -16;
    long end = address + grown + (aligned - address) + oldBytes;
    long more = roundToPages(end) - (address + grown);
    if (more > 0) {
      host.sbrk(more);
      addVariable(RuntimeState.MALLOC_HEAP_BYTES, more);
    }
    setTop(aligned, address + grown + more - aligned);
    if (oldBytes == 0) {
      return;
    }
    // Two fence posts, so that nobody joins the old top with what lies behind it.
    long kept = oldBytes - 2 * HEAD & -16;
    chunks.setHead(oldTop, kept | PREV_IN_USE);
    chunks.setHead(oldTop + kept, HEAD | PREV_IN_USE);
    chunks.setHead(oldTop + kept + HEAD, HEAD | PREV_IN_USE);
    if (kept >= MIN_BYTES) {
      freeChunk(oldTop);
    }
  }

  /** Gives a block back. */
  public void free(long block) {
    long chunk = block - HEAD;
    long head = chunks.head(chunk);
    if ((head & MAPPED) == 0) {
      freeChunk(chunk);
      return;
    }
    long size = head & ~FLAGS;
    if (size > variable(RuntimeState.MALLOC_MMAP_THRESHOLD) && size <= MAX_MMAP_THRESHOLD) {
      setVariable(RuntimeState.MALLOC_MMAP_THRESHOLD, size);
      setVariable(RuntimeState.MALLOC_TRIM_THRESHOLD, 2 * size);
    }
    addVariable(RuntimeState.MALLOC_MMAPPED_BYTES, -size);
    host.unmap(chunk, size);
  }

  /** {@code _int_free}. */
  private void freeChunk(long chunk) {
    long size = chunks.size(chunk);
    if (cache.hasRoom(size)) {
      cache.put(chunk, size);
      return;
    }
    if (size <= MAX_FAST) {
      fastBins.put(chunk, size);
      return;
    }
    if (release(chunk) < CONSOLIDATION_THRESHOLD) {
      return;
    }
    if (fastBins.mayHoldChunks()) {
      consolidate();
    }
    if (topBytes() >= variable(RuntimeState.MALLOC_TRIM_THRESHOLD)) {
      trim();
    }
  }

  /** Joins a chunk with free neighbours or the top; returns the size of what came out. */
  private long release(long freed) {
    long head = chunks.head(freed);
    long size = head & ~FLAGS;
    if ((head & FOREIGN) != 0) {
      bins.addUnsorted(freed, size);
      return size;
    }
    long chunk = freed;
    long next = freed + size;
    if ((head & PREV_IN_USE) == 0) {
      long before = chunks.get(freed);
      chunk -= before;
      size += before;
      bins.unlink(chunk);
    }
    long nextSize = chunks.size(next);
    if (next == variable(RuntimeState.MALLOC_TOP)) {
      setTop(chunk, size + nextSize);
      return size + nextSize;
    }
    if (chunks.isInUse(next, nextSize)) {
      chunks.clearPrevInUse(next);
    } else {
      bins.unlink(next);
      size += nextSize;
    }
    bins.addUnsorted(chunk, size);
    chunks.setHead(chunk, size | PREV_IN_USE);
    chunks.setFoot(chunk, size);
    return size;
  }

  /** {@code malloc_consolidate}: frees what is in the fast bins for good. */
  private void consolidate() {
    fastBins.empty(this::release);
  }

  /** Gives the end of the data segment back ({@code systrim}). */
  private void trim() {
    long topBytes = topBytes();
    long extra = topBytes - MIN_BYTES - 1 - TOP_PAD & -Host.BYTES_IN_PAGE;
    // Somebody else may have moved the data segment's end: what lies there is not the heap's.
    if (extra <= 0 || host.sbrk(0) != variable(RuntimeState.MALLOC_TOP) + topBytes) {
      return;
    }
    host.sbrk(-extra);
    addVariable(RuntimeState.MALLOC_HEAP_BYTES, -extra);
    setTop(variable(RuntimeState.MALLOC_TOP), topBytes - extra);
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
    long head = chunks.head(chunk);
    long oldSize = head & ~FLAGS;
    long size = Chunks.bytesFor(bytes);
    if ((head & MAPPED) != 0) {
      return remap(chunk, oldSize, size);
    }
    long available = oldSize;
    if (oldSize < size) {
      available = (head & FOREIGN) != 0 ? 0 : growInPlace(chunk, oldSize, size);
    }
    if (available < size) {
      // Not through the thread cache: only malloc itself looks there first.
      long moved = allocateFromArena(size);
      if (moved - HEAD != chunk + oldSize || (head & FOREIGN) != 0) {
        for (long offset = 0; offset < oldSize - SIZE; offset += 8) {
          host.store(moved + offset, host.load(block + offset), Host.CAUSE_DATA);
        }
        freeChunk(chunk);
        return moved;
      }
      available = oldSize + chunks.size(moved - HEAD);
    }
    if ((head & FOREIGN) == 0) {
      keep(chunk, available, size);
    }
    return block;
  }

  private long remap(long chunk, long oldSize, long size) {
    long pages = roundToPages(size + SIZE);
    if (pages == oldSize) {
      return chunk + HEAD;
    }
    long moved = host.remap(chunk, oldSize, pages);
    chunks.setHead(moved, pages | MAPPED);
    addVariable(RuntimeState.MALLOC_MMAPPED_BYTES, pages - oldSize);
    return moved + HEAD;
  }

  /** Takes a free successor or the top in; returns the bytes that the chunk may use then. */
  private long growInPlace(long chunk, long oldSize, long size) {
    long next = chunk + oldSize;
    long nextSize = chunks.size(next);
    if (next == variable(RuntimeState.MALLOC_TOP)) {
      if (oldSize + nextSize < size + MIN_BYTES) {
        return 0;
      }
      chunks.setSize(chunk, size);
      setTop(chunk + size, oldSize + nextSize - size);
      return size;
    }
    if (chunks.isInUse(next, nextSize) || oldSize + nextSize < size) {
      return 0;
    }
    bins.unlink(next);
    return oldSize + nextSize;
  }

  /** Makes the chunk as large as needed and frees what is over. */
  private void keep(long chunk, long available, long size) {
    long rest = available - size;
    if (rest < MIN_BYTES) {
      chunks.setSize(chunk, available);
      chunks.setInUse(chunk, available);
      return;
    }
    chunks.setSize(chunk, size);
    chunks.setHead(chunk + size, rest | PREV_IN_USE);
    chunks.setInUse(chunk + size, rest);
    freeChunk(chunk + size);
  }

  /** Bytes that the block can hold. */
  public long usableBytes(long block) {
    long head = chunks.head(block - HEAD);
    return (head & ~FLAGS) - ((head & MAPPED) != 0 ? HEAD : SIZE);
  }

  /**
   * Declares memory of a captured heap to be an allocated block, so that it can be freed later.
   *
   * @param block its address, a multiple of 16 with mapped memory before it
   * @param bytes of the request it served
   */
  public void adopt(long block, long bytes) {
    chunks.setHead(block - HEAD, Chunks.bytesFor(bytes) | FOREIGN | PREV_IN_USE);
  }

  /**
   * Takes over the end of a captured heap and the thresholds that its past has left: each mapping
   * that was freed has raised them.
   *
   * @param top address of the chunk at the end of the data segment
   */
  public void restore(long trimThreshold, long mmapThreshold, long top, long topBytes) {
    setVariable(RuntimeState.MALLOC_TRIM_THRESHOLD, trimThreshold);
    setVariable(RuntimeState.MALLOC_MMAP_THRESHOLD, mmapThreshold);
    setTop(top, topBytes);
  }

  private static long roundToPages(long bytes) {
    return bytes + Host.BYTES_IN_PAGE - 1 & -Host.BYTES_IN_PAGE;
  }

  private long variable(int offset) {
    return host.load(runtime + offset);
  }

  private void setVariable(int offset, long value) {
    chunks.set(runtime + offset, value);
  }

  private void addVariable(int offset, long change) {
    setVariable(offset, variable(offset) + change);
  }
}
