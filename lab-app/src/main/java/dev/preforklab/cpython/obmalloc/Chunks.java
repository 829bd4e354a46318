package dev.preforklab.cpython.obmalloc;

import dev.preforklab.cpython.Host;

/**
 * The chunks of the C library's heap and their boundary tags ({@code struct malloc_chunk}).
 *
 * <p>A chunk's address is 16 bytes before the block's: first the size of the chunk before if that
 * is free, then this chunk's size with three flag bits. A free chunk holds two links, a large one
 * two more to the next sizes.
 */
final class Chunks {
  static final long PREV_IN_USE = 1;
  static final long MAPPED = 2;

  /**
   * A block of a captured heap, whose neighbours are not chunks: it is split, but never joined and
   * has no tags behind it. (glibc's bit for other threads' arenas.)
   */
  static final long FOREIGN = 4;

  static final long FLAGS = 7;
  static final long MIN_BYTES = 32;
  static final int HEAD = 16;
  static final int SIZE = 8;
  static final int NEXT = 16;
  static final int PREV = 24;
  static final int NEXT_SIZE = 32;
  static final int PREV_SIZE = 40;

  private final Host host;
  private int cause = Host.CAUSE_ALLOCATOR;

  Chunks(Host host) {
    this.host = host;
  }

  void setCause(int newCause) {
    cause = newCause;
  }

  /** Bytes of the chunk that serves a request. */
  static long bytesFor(long request) {
    return Math.max(MIN_BYTES, request + SIZE + 15 & -16);
  }

  long get(long address) {
    return host.load(address);
  }

  void set(long address, long value) {
    host.store(address, value, cause);
  }

  long head(long chunk) {
    return host.load(chunk + SIZE);
  }

  void setHead(long chunk, long sizeAndFlags) {
    set(chunk + SIZE, sizeAndFlags);
  }

  /** Changes the size, not the flags. */
  void setSize(long chunk, long size) {
    setHead(chunk, size | (head(chunk) & FLAGS));
  }

  long size(long chunk) {
    return head(chunk) & ~FLAGS;
  }

  boolean isForeign(long chunk) {
    return (head(chunk) & FOREIGN) != 0;
  }

  /** Whether the chunk is allocated, as its successor says. */
  boolean isInUse(long chunk, long size) {
    return (head(chunk + size) & PREV_IN_USE) != 0;
  }

  /** Tells the successor of a chunk that was free that it no longer is. */
  void setInUse(long chunk, long size) {
    if (!isForeign(chunk)) {
      setHead(chunk + size, head(chunk + size) | PREV_IN_USE);
    }
  }

  void clearPrevInUse(long chunk) {
    setHead(chunk, head(chunk) & ~PREV_IN_USE);
  }

  /** Writes a free chunk's size behind it, where its successor finds it. */
  void setFoot(long chunk, long size) {
    if (!isForeign(chunk)) {
      set(chunk + size, size);
    }
  }

  long next(long chunk) {
    return host.load(chunk + NEXT);
  }

  long prev(long chunk) {
    return host.load(chunk + PREV);
  }

  void setNext(long chunk, long other) {
    set(chunk + NEXT, other);
  }

  void setPrev(long chunk, long other) {
    set(chunk + PREV, other);
  }
}
