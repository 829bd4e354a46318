package dev.preforklab.cpython.obmalloc;

import static dev.preforklab.cpython.obmalloc.Chunks.NEXT_SIZE;
import static dev.preforklab.cpython.obmalloc.Chunks.PREV_SIZE;

import dev.preforklab.cpython.RuntimeState;

/**
 * The bins of {@code main_arena}: rings of free chunks through a header that looks like a chunk.
 *
 * <p>Bin 1 is unsorted: chunks as they were freed, newest first. Small bins hold one size each,
 * oldest last. Large bins are sorted, largest first; the first chunk of each size is also in a ring
 * of sizes. A bit of the map stays set until somebody finds the bin empty.
 */
final class Bins {
  static final int UNSORTED = 1;
  private static final int COUNT = 128;
  private static final long SMALL_LIMIT = 1024;
  private static final int BITS = 64;

  private final Chunks chunks;
  private final long runtime;
  final long unsorted;

  Bins(Chunks chunks, long runtime) {
    this.chunks = chunks;
    this.runtime = runtime;
    unsorted = at(UNSORTED);
  }

  /** Makes all bins empty. */
  void boot() {
    for (int bin = 1; bin < COUNT; bin++) {
      chunks.setNext(at(bin), at(bin));
      chunks.setPrev(at(bin), at(bin));
    }
  }

  static boolean isSmall(long size) {
    return size < SMALL_LIMIT;
  }

  /** A bin's header: a chunk of which only the links exist. */
  long at(int bin) {
    return runtime + RuntimeState.MALLOC_BINS + 16L * (bin - 1) - Chunks.NEXT;
  }

  static int indexOf(long size) {
    if (size < SMALL_LIMIT) {
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

  /** Puts a chunk in front of the unsorted ones. */
  void addUnsorted(long chunk, long size) {
    long next = chunks.next(unsorted);
    chunks.setNext(chunk, next);
    chunks.setPrev(chunk, unsorted);
    if (!isSmall(size)) {
      clearSizeLinks(chunk);
    }
    chunks.setNext(unsorted, chunk);
    chunks.setPrev(next, chunk);
  }

  private void clearSizeLinks(long chunk) {
    chunks.set(chunk + NEXT_SIZE, 0);
    chunks.set(chunk + PREV_SIZE, 0);
  }

  /** Takes the last chunk out of a ring in which sizes do not matter. */
  void removeLast(long header) {
    long before = chunks.prev(chunks.prev(header));
    chunks.setPrev(header, before);
    chunks.setNext(before, header);
  }

  /** Puts a chunk into the bin of its size. */
  void insert(long chunk, long size) {
    int bin = indexOf(size);
    long before = at(bin);
    long after = chunks.next(before);
    if (!isSmall(size)) {
      after = placeInLarge(chunk, size, before, after);
      before = chunks.prev(after);
    }
    long map = runtime + RuntimeState.MALLOC_BIN_MAP + 8L * (bin / BITS);
    chunks.set(map, chunks.get(map) | 1L << bin);
    chunks.setPrev(chunk, before);
    chunks.setNext(chunk, after);
    chunks.setPrev(after, chunk);
    chunks.setNext(before, chunk);
  }

  /** Links a chunk into the ring of sizes if it is the first of its size; returns its successor. */
  private long placeInLarge(long chunk, long size, long header, long first) {
    if (first == header) {
      linkSizes(chunk, chunk, chunk);
      return first;
    }
    if (size < chunks.size(chunks.prev(header))) {
      linkSizes(chunks.get(first + PREV_SIZE), chunk, first);
      return header;
    }
    long after = first;
    while (size < chunks.size(after)) {
      after = chunks.get(after + NEXT_SIZE);
    }
    if (size == chunks.size(after)) {
      return chunks.next(after);
    }
    linkSizes(chunks.get(after + PREV_SIZE), chunk, after);
    return after;
  }

  private void linkSizes(long before, long chunk, long after) {
    chunks.set(chunk + NEXT_SIZE, after);
    chunks.set(chunk + PREV_SIZE, before);
    chunks.set(after + PREV_SIZE, chunk);
    chunks.set(before + NEXT_SIZE, chunk);
  }

  /** Takes a chunk out of whichever ring it is in ({@code unlink_chunk}). */
  void unlink(long chunk) {
    long after = chunks.next(chunk);
    long before = chunks.prev(chunk);
    chunks.setPrev(after, before);
    chunks.setNext(before, after);
    if (isSmall(chunks.size(chunk))) {
      return;
    }
    long nextSize = chunks.get(chunk + NEXT_SIZE);
    if (nextSize == 0) {
      return;
    }
    long prevSize = chunks.get(chunk + PREV_SIZE);
    // Where a header's size link would be stands the next bin's link, which is never 0.
    if (chunks.get(after + NEXT_SIZE) != 0) {
      chunks.set(nextSize + PREV_SIZE, prevSize);
      chunks.set(prevSize + NEXT_SIZE, nextSize);
    } else if (nextSize == chunk) {
      chunks.set(after + NEXT_SIZE, after);
      chunks.set(after + PREV_SIZE, after);
    } else {
      linkSizes(prevSize, after, nextSize);
    }
  }

  /** The smallest chunk of a large bin that is large enough, or 0. */
  long bestFit(int bin, long size) {
    long header = at(bin);
    long chunk = chunks.next(header);
    if (chunk == header || chunks.size(chunk) < size) {
      return 0;
    }
    chunk = chunks.get(chunk + PREV_SIZE);
    long found = chunks.size(chunk);
    while (found < size) {
      chunk = chunks.get(chunk + PREV_SIZE);
      found = chunks.size(chunk);
    }
    // The second of a size is taken, so that the ring of sizes need not change.
    long second = chunks.next(chunk);
    return chunk != chunks.prev(header) && chunks.size(second) == found ? second : chunk;
  }

  /** The last chunk of the first bin from this one on that has any, or 0. */
  long lastOfNextUsed(int from) {
    int bin = from;
    while (bin < COUNT) {
      long map = runtime + RuntimeState.MALLOC_BIN_MAP + 8L * (bin / BITS);
      long bits = chunks.get(map) & -1L << bin;
      if (bits == 0) {
        bin = (bin / BITS + 1) * BITS;
        continue;
      }
      bin = bin / BITS * BITS + Long.numberOfTrailingZeros(bits);
      long chunk = chunks.prev(at(bin));
      if (chunk != at(bin)) {
        return chunk;
      }
      chunks.set(map, chunks.get(map) & ~(1L << bin));
      bin++;
    }
    return 0;
  }
}
