package dev.preforklab.cpython.obmalloc;

import static dev.preforklab.cpython.obmalloc.PoolHeader.high;
import static dev.preforklab.cpython.obmalloc.PoolHeader.low;
import static dev.preforklab.cpython.obmalloc.PoolHeader.pair;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.RuntimeState;
import org.jspecify.annotations.Nullable;

/**
 * The object allocator of {@code Objects/obmalloc.c}: requests up to 512 bytes come from pools of
 * one size class, pools from arenas, the fullest arena first; larger requests go to {@link
 * RawMalloc}.
 *
 * <p>Start with {@link #allocate} and {@link #free}. Every header, free-block link and list lives
 * in simulated memory at its real offset, so which pages an allocation writes is an outcome. Stores
 * have the cause {@link Host#CAUSE_ALLOCATOR}.
 */
public final class PyMalloc {
  private static final int INITIAL_ARENA_OBJECTS = 16;

  /** Bytes of the first array of arena objects. */
  public static final int ARENA_OBJECTS_BYTES = INITIAL_ARENA_OBJECTS * ArenaObject.BYTES;

  private final Host host;
  private final long runtime;
  private int cause = Host.CAUSE_ALLOCATOR;
  private final RawMalloc raw;
  private final int alignment;
  private final int logAlignment;
  private final int poolBytes;
  private final long poolMask;
  private final int arenaBytes;
  private final boolean keepsLastArena;
  private final boolean hasArenaMap;
  private final AddressRanges ranges;
  private final long arenaAlignment;
  private @Nullable ArenaListener listener;

  /** Told of each arena that is mapped or returned. */
  public interface ArenaListener {
    /** An arena was mapped. */
    void arenaAllocated(long address, long bytes);

    /** An arena was returned to the system. */
    void arenaFreed(long address, long bytes);
  }

  /**
   * An allocator over state that {@link #boot} has set up, or that a forked process inherited.
   *
   * @param arenaAlignment bytes, a power of two; real arenas are only page aligned from 3.10 on
   */
  public PyMalloc(
      Host host, long runtime, PythonVersion version, RawMalloc raw, long arenaAlignment) {
    this.host = host;
    this.runtime = runtime;
    this.raw = raw;
    this.arenaAlignment = arenaAlignment;
    alignment = version.alignment;
    logAlignment = Integer.numberOfTrailingZeros(alignment);
    poolBytes = version.poolBytes;
    poolMask = -(long) poolBytes;
    arenaBytes = version.arenaBytes;
    keepsLastArena = version.keepsLastArena;
    hasArenaMap = version.hasArenaMap;
    ranges = new AddressRanges(host, runtime, version);
  }

  /** Sets the allocator's variables as a starting process finds them. */
  public void boot() {
    for (int i = 0; i < RuntimeState.MAX_SIZE_CLASSES; i++) {
      long header = imaginaryHeader(i);
      set(header + PoolHeader.NEXT_POOL, header);
      set(header + PoolHeader.PREV_POOL, header);
    }
    if (hasArenaMap) {
      set(runtime + RuntimeState.ARENA_MAP, host.map(1L << (35 - 20 + 3), Host.BYTES_IN_PAGE));
    }
  }

  /** Sets the cause of all further stores, one of {@code Host.CAUSE_}. */
  public void setCause(int newCause) {
    cause = newCause;
  }

  /** Names who hears of arenas mapped and returned; null for nobody. */
  public void setListener(@Nullable ArenaListener newListener) {
    listener = newListener;
  }

  /** Bytes of a pool. */
  public int poolBytes() {
    return poolBytes;
  }

  /** Number of size classes: 32, or 64 where blocks are aligned to 8 bytes. */
  public int sizeClasses() {
    return SizeClass.SMALL_REQUEST_THRESHOLD >> logAlignment;
  }

  /** The list head of a class, as if it were a pool: only its two links exist. */
  long imaginaryHeader(int sizeIndex) {
    return runtime + RuntimeState.USED_POOLS + 16L * sizeIndex - PoolHeader.NEXT_POOL;
  }

  /**
   * Allocates a block.
   *
   * @param bytes the request, at least 0
   * @return its address
   */
  public long allocate(long bytes) {
    if (bytes - 1 >= SizeClass.SMALL_REQUEST_THRESHOLD || bytes <= 0) {
      return raw.allocate(bytes);
    }
    int sizeIndex = (int) (bytes - 1) >>> logAlignment;
    long header = imaginaryHeader(sizeIndex);
    long pool = host.load(header + PoolHeader.NEXT_POOL);
    if (pool == header) {
      return allocateFromNewPool(sizeIndex);
    }
    long block = host.load(pool + PoolHeader.FREE_BLOCK);
    long next = host.load(block);
    // The pool's first page holds both words: translated once.
    int word = host.writableEntry(pool, cause);
    long[] chunk = host.chunks()[word >>> Host.LOG_WORDS_IN_CHUNK];
    int i = word & Host.WORD_IN_CHUNK_MASK;
    chunk[i]++;
    chunk[i + 1] = next;
    if (next == 0) {
      extendPool(pool, sizeIndex);
    }
    return block;
  }

  /** The pool's free list is empty: carves one more block off, or takes the pool off its list. */
  private void extendPool(long pool, int sizeIndex) {
    long offsets = host.load(pool + PoolHeader.OFFSETS);
    int nextOffset = low(offsets);
    int maxNextOffset = high(offsets);
    if (nextOffset <= maxNextOffset) {
      long block = pool + nextOffset;
      set(pool + PoolHeader.FREE_BLOCK, block);
      set(
          pool + PoolHeader.OFFSETS,
          pair(nextOffset + SizeClass.bytesOf(sizeIndex, alignment), maxNextOffset));
      set(block, 0);
      return;
    }
    long next = host.load(pool + PoolHeader.NEXT_POOL);
    long prev = host.load(pool + PoolHeader.PREV_POOL);
    set(next + PoolHeader.PREV_POOL, prev);
    set(prev + PoolHeader.NEXT_POOL, next);
  }

  private long allocateFromNewPool(int sizeIndex) {
    long arena = host.load(runtime + RuntimeState.USABLE_ARENAS);
    if (arena == 0) {
      arena = newArena();
      set(runtime + RuntimeState.USABLE_ARENAS, arena);
      set(arena + ArenaObject.NEXT_ARENA, 0);
      set(arena + ArenaObject.PREV_ARENA, 0);
      setLastWith(low(host.load(arena + ArenaObject.POOLS)), arena);
    }
    // This arena has the fewest free pools already, so one less changes no order.
    long pools = host.load(arena + ArenaObject.POOLS);
    int freePools = low(pools);
    if (lastWith(freePools) == arena) {
      setLastWith(freePools, 0);
    }
    if (freePools > 1) {
      setLastWith(freePools - 1, arena);
    }
    long pool = host.load(arena + ArenaObject.FREE_POOLS);
    if (pool != 0) {
      set(arena + ArenaObject.FREE_POOLS, host.load(pool + PoolHeader.NEXT_POOL));
    } else {
      pool = host.load(arena + ArenaObject.POOL_ADDRESS);
      long arenaIndex = (arena - host.load(runtime + RuntimeState.ARENAS)) / ArenaObject.BYTES;
      set(pool + PoolHeader.ARENA_AND_SIZE, pair((int) arenaIndex, PoolHeader.DUMMY_SIZE_INDEX));
      set(arena + ArenaObject.POOL_ADDRESS, pool + poolBytes);
    }
    set(arena + ArenaObject.POOLS, pair(freePools - 1, high(pools)));
    if (freePools == 1) {
      long next = host.load(arena + ArenaObject.NEXT_ARENA);
      set(runtime + RuntimeState.USABLE_ARENAS, next);
      if (next != 0) {
        set(next + ArenaObject.PREV_ARENA, 0);
      }
    }
    return initPool(pool, sizeIndex);
  }

  /** Links a free pool to the front of its class's list and takes its first block. */
  private long initPool(long pool, int sizeIndex) {
    long header = imaginaryHeader(sizeIndex);
    long next = host.load(header + PoolHeader.NEXT_POOL);
    set(pool + PoolHeader.NEXT_POOL, next);
    set(pool + PoolHeader.PREV_POOL, next);
    set(next + PoolHeader.NEXT_POOL, pool);
    set(next + PoolHeader.PREV_POOL, pool);
    set(pool + PoolHeader.REF_COUNT, 1);
    long arenaAndSize = host.load(pool + PoolHeader.ARENA_AND_SIZE);
    if (high(arenaAndSize) == sizeIndex) {
      // The pool last served this class: its header and free chain are as they should be.
      long block = host.load(pool + PoolHeader.FREE_BLOCK);
      set(pool + PoolHeader.FREE_BLOCK, host.load(block));
      return block;
    }
    int size = SizeClass.bytesOf(sizeIndex, alignment);
    long block = pool + PoolHeader.BYTES;
    set(pool + PoolHeader.ARENA_AND_SIZE, pair(low(arenaAndSize), sizeIndex));
    set(pool + PoolHeader.OFFSETS, pair(PoolHeader.BYTES + 2 * size, poolBytes - size));
    set(pool + PoolHeader.FREE_BLOCK, block + size);
    set(block + size, 0);
    return block;
  }

  /** Takes an arena that is mapped already; it is not on the list of usable ones yet. */
  long adoptArena(long address) {
    long arena = host.load(runtime + RuntimeState.UNUSED_ARENA_OBJECTS);
    if (arena == 0) {
      growArenaObjects();
      arena = host.load(runtime + RuntimeState.UNUSED_ARENA_OBJECTS);
    }
    set(runtime + RuntimeState.UNUSED_ARENA_OBJECTS, host.load(arena + ArenaObject.NEXT_ARENA));
    initArena(arena, address);
    return (arena - host.load(runtime + RuntimeState.ARENAS)) / ArenaObject.BYTES;
  }

  private long newArena() {
    long arena = host.load(runtime + RuntimeState.UNUSED_ARENA_OBJECTS);
    if (arena == 0) {
      growArenaObjects();
      arena = host.load(runtime + RuntimeState.UNUSED_ARENA_OBJECTS);
    }
    long address = host.map(arenaBytes, arenaAlignment);
    set(runtime + RuntimeState.UNUSED_ARENA_OBJECTS, host.load(arena + ArenaObject.NEXT_ARENA));
    initArena(arena, address);
    ArenaListener hears = listener;
    if (hears != null) {
      hears.arenaAllocated(address, arenaBytes);
    }
    return arena;
  }

  /** Doubles the array of arena objects; all of it is in use, so none of them is on a list. */
  private void growArenaObjects() {
    long oldCount = host.load(runtime + RuntimeState.MAX_ARENAS);
    long count = oldCount == 0 ? INITIAL_ARENA_OBJECTS : 2 * oldCount;
    long old = host.load(runtime + RuntimeState.ARENAS);
    long array = raw.reallocate(old, count * ArenaObject.BYTES);
    ArenaObject.extend(host, runtime, array, oldCount, count, cause);
  }

  /** Takes a block of the C library's heap for the first array of arena objects. */
  public void adoptArenaObjects(long array) {
    ArenaObject.extend(host, runtime, array, 0, INITIAL_ARENA_OBJECTS, cause);
  }

  /** Makes an arena object describe a fresh arena, not yet on the list of usable ones. */
  void initArena(long arena, long address) {
    long excess = address & ~poolMask;
    int pools = arenaBytes / poolBytes - (excess == 0 ? 0 : 1);
    set(arena + ArenaObject.ADDRESS, address);
    set(arena + ArenaObject.POOL_ADDRESS, excess == 0 ? address : address + poolBytes - excess);
    set(arena + ArenaObject.POOLS, pair(pools, pools));
    set(arena + ArenaObject.FREE_POOLS, 0);
    ranges.mark(address, true, cause);
    count(RuntimeState.ARENAS_ALLOCATED_EVER, 1);
    long allocated = count(RuntimeState.ARENAS_ALLOCATED, 1);
    if (allocated > host.load(runtime + RuntimeState.ARENAS_HIGH_WATER)) {
      set(runtime + RuntimeState.ARENAS_HIGH_WATER, allocated);
    }
  }

  /**
   * Gives a block back.
   *
   * @param block an address that {@link #allocate} returned
   */
  public void free(long block) {
    if (!ranges.contain(block)) {
      raw.free(block);
      return;
    }
    freeInPool(block);
  }

  /**
   * Gives back the block that an address lies in, if it is one of a pool.
   *
   * @return whether it was; if not, nothing was done
   */
  public boolean freeContaining(long address) {
    if (!ranges.contain(address)) {
      return false;
    }
    long first = (address & poolMask) + PoolHeader.BYTES;
    int bytes = blockBytes(address);
    freeInPool(first + (address - first) / bytes * bytes);
    return true;
  }

  private void freeInPool(long block) {
    long pool = block & poolMask;
    long lastFree = host.load(pool + PoolHeader.FREE_BLOCK);
    set(block, lastFree);
    int word = host.writableEntry(pool, cause);
    long[] chunk = host.chunks()[word >>> Host.LOG_WORDS_IN_CHUNK];
    int i = word & Host.WORD_IN_CHUNK_MASK;
    long refCount = --chunk[i];
    chunk[i + 1] = block;
    if (lastFree == 0) {
      insertToUsedPools(pool);
    } else if (refCount == 0) {
      insertToFreePools(pool);
    }
  }

  /** The pool was full and is usable again: to the front of its class's list. */
  private void insertToUsedPools(long pool) {
    long header = imaginaryHeader(high(host.load(pool + PoolHeader.ARENA_AND_SIZE)));
    long next = host.load(header + PoolHeader.NEXT_POOL);
    long prev = host.load(next + PoolHeader.PREV_POOL);
    set(pool + PoolHeader.NEXT_POOL, next);
    set(pool + PoolHeader.PREV_POOL, prev);
    set(next + PoolHeader.PREV_POOL, pool);
    set(prev + PoolHeader.NEXT_POOL, pool);
  }

  /** The pool is empty: back to its arena, which keeps its place by number of free pools. */
  private void insertToFreePools(long pool) {
    long nextPool = host.load(pool + PoolHeader.NEXT_POOL);
    long prevPool = host.load(pool + PoolHeader.PREV_POOL);
    set(nextPool + PoolHeader.PREV_POOL, prevPool);
    set(prevPool + PoolHeader.NEXT_POOL, nextPool);
    long arena =
        host.load(runtime + RuntimeState.ARENAS)
            + (long) low(host.load(pool + PoolHeader.ARENA_AND_SIZE)) * ArenaObject.BYTES;
    set(pool + PoolHeader.NEXT_POOL, host.load(arena + ArenaObject.FREE_POOLS));
    set(arena + ArenaObject.FREE_POOLS, pool);
    long pools = host.load(arena + ArenaObject.POOLS);
    int before = low(pools);
    int freePools = before + 1;
    long next = host.load(arena + ArenaObject.NEXT_ARENA);
    long prev = host.load(arena + ArenaObject.PREV_ARENA);
    long last = lastWith(before);
    if (last == arena) {
      boolean another = prev != 0 && low(host.load(prev + ArenaObject.POOLS)) == before;
      setLastWith(before, another ? prev : 0);
    }
    set(arena + ArenaObject.POOLS, pair(freePools, high(pools)));
    if (freePools == high(pools) && (next != 0 || !keepsLastArena)) {
      unlinkArena(next, prev);
      returnArena(arena);
    } else if (freePools == 1) {
      putFirst(arena);
    } else {
      if (lastWith(freePools) == 0) {
        setLastWith(freePools, arena);
      }
      if (arena != last) {
        unlinkArena(next, prev);
        insertAfter(arena, last);
      }
    }
  }

  private void returnArena(long arena) {
    set(arena + ArenaObject.NEXT_ARENA, host.load(runtime + RuntimeState.UNUSED_ARENA_OBJECTS));
    set(runtime + RuntimeState.UNUSED_ARENA_OBJECTS, arena);
    long address = host.load(arena + ArenaObject.ADDRESS);
    ranges.mark(address, false, cause);
    host.unmap(address, arenaBytes);
    set(arena + ArenaObject.ADDRESS, 0);
    count(RuntimeState.ARENAS_ALLOCATED, -1);
    ArenaListener hears = listener;
    if (hears != null) {
      hears.arenaFreed(address, arenaBytes);
    }
  }

  /** The arena was full and has one free pool now: to the front. */
  private void putFirst(long arena) {
    long first = host.load(runtime + RuntimeState.USABLE_ARENAS);
    set(arena + ArenaObject.NEXT_ARENA, first);
    set(arena + ArenaObject.PREV_ARENA, 0);
    if (first != 0) {
      set(first + ArenaObject.PREV_ARENA, arena);
    }
    set(runtime + RuntimeState.USABLE_ARENAS, arena);
    if (lastWith(1) == 0) {
      setLastWith(1, arena);
    }
  }

  private void unlinkArena(long next, long prev) {
    if (prev != 0) {
      set(prev + ArenaObject.NEXT_ARENA, next);
    } else {
      set(runtime + RuntimeState.USABLE_ARENAS, next);
    }
    if (next != 0) {
      set(next + ArenaObject.PREV_ARENA, prev);
    }
  }

  private void insertAfter(long arena, long left) {
    long right = host.load(left + ArenaObject.NEXT_ARENA);
    set(arena + ArenaObject.PREV_ARENA, left);
    set(arena + ArenaObject.NEXT_ARENA, right);
    set(left + ArenaObject.NEXT_ARENA, arena);
    if (right != 0) {
      set(right + ArenaObject.PREV_ARENA, arena);
    }
  }

  /**
   * Changes a block's size as {@code PyObject_Realloc} does: in place if it still fits and at most
   * a quarter would be lost, otherwise by a copy.
   *
   * @param block an address from {@link #allocate}, or 0 for a new block
   * @return the address of the block that now holds the content
   */
  public long reallocate(long block, long bytes) {
    if (block == 0) {
      return allocate(bytes);
    }
    if (!ranges.contain(block)) {
      return raw.reallocate(block, bytes);
    }
    long size = blockBytes(block);
    long copied = size;
    if (bytes <= size) {
      if (4 * bytes > 3 * size) {
        return block;
      }
      copied = bytes;
    }
    long moved = allocate(bytes);
    for (long offset = 0; offset < copied; offset += 8) {
      host.store(moved + offset, host.load(block + offset), Host.CAUSE_DATA);
    }
    free(block);
    return moved;
  }

  /** Bytes of the pool block that holds an address inside an arena. */
  public int blockBytes(long block) {
    long pool = block & poolMask;
    return SizeClass.bytesOf(high(host.load(pool + PoolHeader.ARENA_AND_SIZE)), alignment);
  }

  /** Whether an address lies in one of the arenas. */
  public boolean isInArena(long address) {
    return ranges.contain(address);
  }

  long lastWith(int freePools) {
    return host.load(runtime + RuntimeState.NFP2LASTA + 8L * freePools);
  }

  void setLastWith(int freePools, long arena) {
    set(runtime + RuntimeState.NFP2LASTA + 8L * freePools, arena);
  }

  private long count(int variable, int change) {
    long value = host.load(runtime + variable) + change;
    set(runtime + variable, value);
    return value;
  }

  private void set(long address, long value) {
    host.store(address, value, cause);
  }
}
