package dev.preforklab.cpython.obmalloc;

import dev.preforklab.cpython.RuntimeState;
import java.util.function.LongConsumer;

/**
 * The main thread's cache ({@code tcache_perthread_struct}): up to seven blocks of each size up to
 * 1,040 bytes, last in, first out. It stands in the heap's first chunk: 64 counts of 16 bits, then
 * 64 pointers. A cached block stays allocated for its neighbours; its first word links the blocks,
 * its second marks it as cached.
 */
final class ThreadCache {
  private static final int BINS = 64;

  /** Bytes of the structure. */
  static final long BYTES = BINS * 2 + BINS * 8;

  private static final long MAX_CHUNK = 1040;
  private static final int MAX_COUNT = 7;
  private static final int ENTRIES = BINS * 2;
  private static final long KEY = 0x7463616368654b31L;

  private final Chunks chunks;
  private final long variable;

  ThreadCache(Chunks chunks, long runtime) {
    this.chunks = chunks;
    variable = runtime + RuntimeState.MALLOC_THREAD_CACHE;
  }

  boolean exists() {
    return chunks.get(variable) != 0;
  }

  /** Places the cache in a new block, empty. */
  void create(long block) {
    for (long offset = 0; offset < BYTES; offset += 8) {
      chunks.set(block + offset, 0);
    }
    chunks.set(variable, block);
  }

  static boolean serves(long size) {
    return size <= MAX_CHUNK;
  }

  boolean isEmpty(long size) {
    return !serves(size) || count(index(size)) == 0;
  }

  boolean hasRoom(long size) {
    return serves(size) && exists() && count(index(size)) < MAX_COUNT;
  }

  /** Takes a block out of a list that is not empty. */
  long take(long size) {
    int index = index(size);
    long entry = chunks.get(variable) + ENTRIES + 8L * index;
    long block = chunks.get(entry);
    chunks.set(entry, chunks.get(block));
    setCount(index, count(index) - 1);
    chunks.set(block + 8, 0);
    return block;
  }

  /** Puts a chunk's block into a list that has room. */
  void put(long chunk, long size) {
    int index = index(size);
    long block = chunk + Chunks.HEAD;
    long entry = chunks.get(variable) + ENTRIES + 8L * index;
    chunks.set(block + 8, KEY);
    chunks.set(block, chunks.get(entry));
    chunks.set(entry, block);
    setCount(index, count(index) + 1);
  }

  /** Visits the blocks that wait here. */
  void forEach(LongConsumer visit) {
    long cache = chunks.get(variable);
    for (int i = 0; cache != 0 && i < BINS; i++) {
      for (long block = chunks.get(cache + ENTRIES + 8L * i); block != 0; ) {
        visit.accept(block);
        block = chunks.get(block);
      }
    }
  }

  private static int index(long size) {
    return (int) ((size - Chunks.MIN_BYTES) >>> 4);
  }

  private int count(int index) {
    return (int) (chunks.get(chunks.get(variable) + 2L * index & -8) >>> (16 * (index & 3)))
        & 0xffff;
  }

  private void setCount(int index, int count) {
    long address = chunks.get(variable) + 2L * index & -8;
    int shift = 16 * (index & 3);
    chunks.set(address, (chunks.get(address) & ~(0xffffL << shift)) | ((long) count << shift));
  }
}
