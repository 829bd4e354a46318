package dev.preforklab.cpython.obmalloc;

import dev.preforklab.cpython.RuntimeState;
import java.util.function.LongConsumer;

/**
 * The fast bins: chunks of one size each, last in, first out, linked by their first word. A chunk
 * here stays in use for its neighbours until {@code malloc_consolidate} frees it for good.
 */
final class FastBins {
  private final Chunks chunks;
  private final long bins;
  private final long hasChunks;
  private final int count;

  /**
   * @param count of bins; the first holds chunks of 32 bytes, each further one 16 bytes larger
   */
  FastBins(Chunks chunks, long runtime, int count) {
    this.chunks = chunks;
    this.count = count;
    bins = runtime + RuntimeState.MALLOC_FAST_BINS;
    hasChunks = runtime + RuntimeState.MALLOC_HAS_FAST_CHUNKS;
  }

  private long bin(long size) {
    return bins + 8L * ((size >>> 4) - 2);
  }

  /** A chunk of the size, or 0; the others of its size fill the thread cache. */
  long take(long size, ThreadCache cache) {
    long bin = bin(size);
    long chunk = chunks.get(bin);
    if (chunk == 0) {
      return 0;
    }
    chunks.set(bin, chunks.next(chunk));
    for (long other = chunks.get(bin); other != 0 && cache.hasRoom(size); other = chunks.get(bin)) {
      chunks.set(bin, chunks.next(other));
      cache.put(other, size);
    }
    return chunk;
  }

  void put(long chunk, long size) {
    chunks.set(hasChunks, 1);
    long bin = bin(size);
    chunks.setNext(chunk, chunks.get(bin));
    chunks.set(bin, chunk);
  }

  /** Whether a chunk was put since the bins were emptied ({@code have_fastchunks}). */
  boolean mayHoldChunks() {
    return chunks.get(hasChunks) != 0;
  }

  /** Takes all chunks out, the smallest first, and gives each to {@code release}. */
  void empty(LongConsumer release) {
    chunks.set(hasChunks, 0);
    for (int i = 0; i < count; i++) {
      long bin = bins + 8L * i;
      long chunk = chunks.get(bin);
      if (chunk != 0) {
        chunks.set(bin, 0);
      }
      while (chunk != 0) {
        long next = chunks.next(chunk);
        release.accept(chunk);
        chunk = next;
      }
    }
  }

  /** Visits the chunks that wait here. */
  void forEach(LongConsumer visit) {
    for (int i = 0; i < count; i++) {
      for (long chunk = chunks.get(bins + 8L * i); chunk != 0; chunk = chunks.next(chunk)) {
        visit.accept(chunk);
      }
    }
  }
}
