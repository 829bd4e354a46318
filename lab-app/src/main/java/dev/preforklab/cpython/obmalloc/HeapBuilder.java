package dev.preforklab.cpython.obmalloc;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.RuntimeState;
import dev.preforklab.cpython.layout.GcHead;
import dev.preforklab.cpython.layout.ObjectHead;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Rebuilds the allocator's and the collector's state as they were captured from a real process, on
 * memory that is mapped already. Use it on a freshly booted interpreter, before its first
 * allocation, in this order: all arenas, all pools, the lists, {@link #finish}.
 *
 * <p>Stores have the cause {@link Host#CAUSE_DATA}: they stand for what happened before.
 */
public final class HeapBuilder {
  private final Interpreter interpreter;
  private final Host host;
  private final int poolBytes;
  private final int arenaBytes;
  private final List<Arena> arenas = new ArrayList<>();
  private final Map<Long, Arena> arenaOfPool = new HashMap<>();

  private static final class Arena {
    final long address;
    final long index;
    final long firstPool;
    final int pools;
    final boolean[] used;
    final boolean[] listed;
    long lastFree;

    Arena(long address, long index, long firstPool, int pools) {
      this.address = address;
      this.index = index;
      this.firstPool = firstPool;
      this.pools = pools;
      used = new boolean[pools];
      listed = new boolean[pools];
    }
  }

  public HeapBuilder(Interpreter interpreter) {
    this.interpreter = interpreter;
    host = interpreter.host;
    poolBytes = interpreter.version.poolBytes;
    arenaBytes = interpreter.version.arenaBytes;
  }

  /**
   * Makes a mapped range an arena.
   *
   * @param address where the arena's mapping begins, page aligned
   */
  public void adoptArena(long address) {
    long index = interpreter.malloc.adoptArena(address);
    long firstPool = (address + poolBytes - 1) & -(long) poolBytes;
    int pools = arenaBytes / poolBytes - (firstPool == address ? 0 : 1);
    Arena arena = new Arena(address, index, firstPool, pools);
    arenas.add(arena);
    for (int i = 0; i < pools; i++) {
      arenaOfPool.put(firstPool + (long) i * poolBytes, arena);
    }
  }

  private Arena arenaOf(long pool) {
    Arena arena = arenaOfPool.get(pool);
    if (arena == null) {
      throw new IllegalArgumentException(
          "no adopted arena has a pool at 0x" + Long.toHexString(pool));
    }
    return arena;
  }

  /**
   * Writes the header and the free chain of a pool in use.
   *
   * @param sizeIndex index of its size class
   * @param usedBlocks ref.count
   * @param nextOffset offset of the first block never used yet
   * @param maxNextOffset largest offset a block can have
   * @param freeOffsets offsets of the free blocks, in chain order
   */
  public void writePool(
      long pool,
      int sizeIndex,
      int usedBlocks,
      int nextOffset,
      int maxNextOffset,
      int[] freeOffsets) {
    Arena arena = arenaOf(pool);
    arena.used[(int) (pool - arena.firstPool) / poolBytes] = true;
    writeHeader(arena, pool, sizeIndex, usedBlocks, nextOffset, maxNextOffset, freeOffsets);
  }

  /**
   * Writes what a pool's last size class has left in one that {@link #linkFreePools} has put on its
   * arena's list: it is used again as it is, should it serve the same class next.
   */
  public void writeFreedPool(
      long pool, int sizeIndex, int nextOffset, int maxNextOffset, int[] freeOffsets) {
    writeHeader(arenaOf(pool), pool, sizeIndex, 0, nextOffset, maxNextOffset, freeOffsets);
  }

  private void writeHeader(
      Arena arena,
      long pool,
      int sizeIndex,
      int usedBlocks,
      int nextOffset,
      int maxNextOffset,
      int[] freeOffsets) {
    set(pool + PoolHeader.REF_COUNT, usedBlocks);
    set(pool + PoolHeader.ARENA_AND_SIZE, PoolHeader.pair((int) arena.index, sizeIndex));
    set(pool + PoolHeader.OFFSETS, PoolHeader.pair(nextOffset, maxNextOffset));
    long link = pool + PoolHeader.FREE_BLOCK;
    for (int offset : freeOffsets) {
      set(link, pool + offset);
      link = pool + offset;
    }
    set(link, 0);
  }

  /** Sets a size class's list of partially used pools, first to last. */
  public void linkUsedPools(int sizeIndex, long[] pools) {
    long header = interpreter.malloc.imaginaryHeader(sizeIndex);
    long previous = header;
    for (long pool : pools) {
      arenaOf(pool);
      set(previous + PoolHeader.NEXT_POOL, pool);
      set(pool + PoolHeader.PREV_POOL, previous);
      previous = pool;
    }
    set(previous + PoolHeader.NEXT_POOL, header);
    set(header + PoolHeader.PREV_POOL, previous);
  }

  /**
   * Sets an arena's list of freed pools, first to last. Their headers say whatever class they
   * served last; a pool without a header gets one of no class.
   *
   * @param arenaAddress as given to {@link #adoptArena}
   */
  public void linkFreePools(long arenaAddress, long[] pools) {
    for (Arena arena : arenas) {
      if (arena.address == arenaAddress) {
        for (long pool : pools) {
          appendFreePool(arena, pool);
        }
        return;
      }
    }
    throw new IllegalArgumentException("no arena at 0x" + Long.toHexString(arenaAddress));
  }

  private void appendFreePool(Arena arena, long pool) {
    int number = (int) ((pool - arena.firstPool) / poolBytes);
    if (arenaOf(pool) != arena || arena.used[number] || arena.listed[number]) {
      throw new IllegalArgumentException(
          "not a free pool of its arena: 0x" + Long.toHexString(pool));
    }
    arena.listed[number] = true;
    set(
        pool + PoolHeader.ARENA_AND_SIZE,
        PoolHeader.pair((int) arena.index, PoolHeader.DUMMY_SIZE_INDEX));
    set(pool + PoolHeader.NEXT_POOL, 0);
    long link =
        arena.lastFree == 0
            ? arenaObject(arena) + ArenaObject.FREE_POOLS
            : arena.lastFree + PoolHeader.NEXT_POOL;
    set(link, pool);
    arena.lastFree = pool;
  }

  /**
   * Counts the arenas' free pools and orders the usable arenas, fewest free pools first. Pools
   * behind the last one mentioned were never carved; other pools that nobody mentioned count as
   * freed.
   */
  public void finish() {
    long runtime = interpreter.runtime;
    List<Arena> usable = new ArrayList<>();
    for (Arena arena : arenas) {
      int carved = 0;
      for (int i = 0; i < arena.pools; i++) {
        if (arena.used[i] || arena.listed[i]) {
          carved = i + 1;
        }
      }
      int free = arena.pools - carved;
      for (int i = 0; i < carved; i++) {
        if (!arena.used[i]) {
          free++;
          if (!arena.listed[i]) {
            appendFreePool(arena, arena.firstPool + (long) i * poolBytes);
          }
        }
      }
      long object = arenaObject(arena);
      set(object + ArenaObject.POOL_ADDRESS, arena.firstPool + (long) carved * poolBytes);
      set(object + ArenaObject.POOLS, PoolHeader.pair(free, arena.pools));
      if (free > 0) {
        usable.add(arena);
      }
    }
    usable.sort(Comparator.comparingInt(a -> freePools(a)));
    long previous = 0;
    for (Arena arena : usable) {
      long object = arenaObject(arena);
      set(
          previous == 0 ? runtime + RuntimeState.USABLE_ARENAS : previous + ArenaObject.NEXT_ARENA,
          object);
      set(object + ArenaObject.PREV_ARENA, previous);
      set(object + ArenaObject.NEXT_ARENA, 0);
      set(runtime + RuntimeState.NFP2LASTA + 8L * freePools(arena), object);
      previous = object;
    }
  }

  private int freePools(Arena arena) {
    return PoolHeader.low(host.load(arenaObject(arena) + ArenaObject.POOLS));
  }

  private long arenaObject(Arena arena) {
    return host.load(interpreter.runtime + RuntimeState.ARENAS) + arena.index * ArenaObject.BYTES;
  }

  /**
   * Writes an object's head.
   *
   * @param type address of its type object
   */
  public void writeObjectHead(long object, long refCount, long type) {
    set(object + ObjectHead.REF_COUNT, refCount);
    set(object + ObjectHead.TYPE, type);
  }

  /** Writes the GC head of an object that is not tracked. */
  public void writeUntrackedHead(long object) {
    long head = object - interpreter.version.gcHeadBytes;
    set(head + GcHead.NEXT, 0);
    set(head + GcHead.PREV, 0);
    if (interpreter.version.separateGcRefs) {
      set(head + GcHead.REFS, GcHead.OLD_UNTRACKED << interpreter.version.gcRefsShift);
    }
  }

  /**
   * Sets the list of tracked objects of a generation and writes their GC heads. The incremental
   * collector finds the two old generations pending, the older one first, as a completed cycle
   * leaves all; to be called in ascending order.
   *
   * @param generation 0 to 2, or 3 for the permanent one
   * @param objects their addresses in list order
   */
  public void linkGeneration(int generation, long[] objects) {
    boolean old = interpreter.version.separateGcRefs;
    long list =
        generation == 3
            ? interpreter.gcState.permanentHead()
            : interpreter.gcState.head(generation);
    boolean incremental = interpreter.version.incremental;
    int space = interpreter.gcState.visitedSpace() ^ (generation == 3 ? 0 : 1);
    long tag = incremental ? space : 0;
    long previous = list;
    for (long object : objects) {
      long head = object - interpreter.version.gcHeadBytes;
      set(previous + GcHead.NEXT, previous == list ? head : head | tag);
      set(head + GcHead.PREV, previous);
      if (old) {
        set(head + GcHead.REFS, GcHead.OLD_REACHABLE << interpreter.version.gcRefsShift);
      }
      previous = head;
    }
    set(previous + GcHead.NEXT, previous == list ? list : list | tag);
    set(list + GcHead.PREV, previous);
    if (incremental && generation == 2) {
      interpreter.lists.merge(interpreter.gcState.spaceHead(0), interpreter.gcState.spaceHead(1));
    }
  }

  /** Declares a captured block outside the arenas, so that it can be freed: see RawMalloc. */
  public void adoptRawBlock(long block, long bytes) {
    interpreter.raw.adopt(block, bytes);
  }

  /** The blocks of a pool that hold something, by offset: all that are carved and not free. */
  public static int[] usedOffsets(int blockBytes, int nextOffset, int[] freeOffsets) {
    int carved = (nextOffset - PoolHeader.BYTES) / blockBytes;
    boolean[] free = new boolean[carved];
    for (int offset : freeOffsets) {
      free[(offset - PoolHeader.BYTES) / blockBytes] = true;
    }
    int[] used = new int[carved];
    int n = 0;
    for (int i = 0; i < carved; i++) {
      if (!free[i]) {
        used[n++] = PoolHeader.BYTES + i * blockBytes;
      }
    }
    return Arrays.copyOf(used, n);
  }

  private void set(long address, long value) {
    host.store(address, value, Host.CAUSE_DATA);
  }
}
