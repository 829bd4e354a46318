package dev.preforklab.cpython.obmalloc;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.RuntimeState;

/**
 * Rebuilds the C library's heap as it was captured from a real process, on a data segment that is
 * mapped already: the chunks, their lists, the variables, in this order. Chunks are named by their
 * numbers, from the start of the heap.
 *
 * <p>What is written lies where the real process had it, so only pages that it had written, too.
 */
public final class CHeapBuilder {
  private static final int[] NONE = {};

  private final long runtime;
  private final Chunks chunks;
  private final Bins bins;
  private final ThreadCache cache;
  private long[] addresses = {};

  /** A builder on a heap that {@link RawMalloc#boot} has set up and that is still empty. */
  public CHeapBuilder(Host host, long runtime) {
    this.runtime = runtime;
    chunks = new Chunks(host);
    chunks.setCause(Host.CAUSE_DATA);
    bins = new Bins(chunks, runtime);
    cache = new ThreadCache(chunks, runtime);
  }

  /**
   * Writes the boundary tags and makes the rest of the data segment the top. The first chunk is the
   * thread cache.
   *
   * @param heads of each chunk its size, plus 1 if the chunk before is in use
   * @param end of the data segment
   */
  public void writeChunks(long start, int[] heads, long end) {
    addresses = new long[heads.length];
    long chunk = start;
    for (int i = 0; i < heads.length; i++) {
      addresses[i] = chunk;
      long size = heads[i] & ~Chunks.FLAGS;
      chunks.setHead(chunk, heads[i]);
      chunk += size;
      if (i + 1 < heads.length && (heads[i + 1] & Chunks.PREV_IN_USE) == 0) {
        chunks.setFoot(addresses[i], size);
      }
    }
    cache.create(start + Chunks.HEAD);
    chunks.setHead(chunk, end - chunk | Chunks.PREV_IN_USE);
    setVariable(RuntimeState.MALLOC_TOP, chunk);
    setVariable(RuntimeState.MALLOC_HEAP_BYTES, end - start);
  }

  /**
   * Fills a list of the thread cache.
   *
   * @param numbers of the chunks, that to be taken next first
   */
  public void fillCache(int index, int[] numbers) {
    for (int i = numbers.length - 1; i >= 0; i--) {
      cache.put(addresses[numbers[i]], Chunks.MIN_BYTES + 16L * index);
    }
  }

  /**
   * Fills a fast bin.
   *
   * @param numbers of the chunks, that to be taken next first
   */
  public void fillFastBin(int index, int[] numbers) {
    long before = runtime + RuntimeState.MALLOC_FAST_BINS + 8L * index;
    for (int number : numbers) {
      chunks.set(before, addresses[number]);
      before = addresses[number] + Chunks.NEXT;
    }
    chunks.set(before, 0);
    setVariable(RuntimeState.MALLOC_HAS_FAST_CHUNKS, 1);
  }

  /**
   * Fills the unsorted, a small or a large bin.
   *
   * @param numbers of the chunks, from the first on
   */
  public void fillBin(int bin, int[] numbers) {
    long header = bins.at(bin);
    long before = header;
    for (int number : numbers) {
      link(before, addresses[number]);
      before = addresses[number];
    }
    link(before, header);
    long firstOfSizes = 0;
    long lastOfSizes = 0;
    for (int number : bin == Bins.UNSORTED ? NONE : numbers) {
      long chunk = addresses[number];
      if (Bins.isSmall(chunks.size(chunk))) {
        continue;
      }
      if (lastOfSizes != 0 && chunks.size(lastOfSizes) == chunks.size(chunk)) {
        linkSizes(0, chunk);
        linkSizes(chunk, 0);
        continue;
      }
      firstOfSizes = firstOfSizes == 0 ? chunk : firstOfSizes;
      linkSizes(lastOfSizes, chunk);
      lastOfSizes = chunk;
    }
    linkSizes(lastOfSizes, firstOfSizes);
  }

  private void link(long chunk, long next) {
    chunks.setNext(chunk, next);
    chunks.setPrev(next, chunk);
  }

  /** Links two neighbours in the ring of sizes; 0 is neither. */
  private void linkSizes(long chunk, long next) {
    if (chunk != 0) {
      chunks.set(chunk + Chunks.NEXT_SIZE, next);
    }
    if (next != 0) {
      chunks.set(next + Chunks.PREV_SIZE, chunk);
    }
  }

  /** Says which bins may hold chunks: 32 bits an element, as the C library keeps them. */
  public void writeBinMap(long[] words) {
    for (int i = 0; i < words.length; i += 2) {
      setVariable(RuntimeState.MALLOC_BIN_MAP + 4 * i, words[i] | words[i + 1] << 32);
    }
  }

  /**
   * Sets what is left.
   *
   * @param lastRemainder number of a chunk, or -1
   */
  public void writeVariables(int lastRemainder, long mmapThreshold, long trimThreshold) {
    setVariable(
        RuntimeState.MALLOC_LAST_REMAINDER, lastRemainder < 0 ? 0 : addresses[lastRemainder]);
    setVariable(RuntimeState.MALLOC_MMAP_THRESHOLD, mmapThreshold);
    setVariable(RuntimeState.MALLOC_TRIM_THRESHOLD, trimThreshold);
  }

  private void setVariable(int offset, long value) {
    chunks.set(runtime + offset, value);
  }
}
