package dev.preforklab.cpython.recipe;

import com.fasterxml.jackson.databind.JsonNode;
import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.obmalloc.HeapBuilder;
import dev.preforklab.cpython.obmalloc.PoolHeader;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.LongUnaryOperator;

/**
 * The arenas, pools and free blocks that pymalloc had in a captured process.
 *
 * @param arenas the usable ones first, in list order
 * @param freed pools of no size class, as the last one has left them
 */
@SuppressWarnings("ArrayRecordComponent") // read once, never changed
record CapturedPools(List<Arena> arenas, List<Pool> pools, List<UsedPools> used, List<Pool> freed) {
  record Arena(long address, long end, long[] freePools) {
    boolean has(long place) {
      return place >= address && place < end;
    }
  }

  record Pool(
      long address, int sizeIndex, int used, int nextOffset, int maxOffset, int[] freeOffsets) {
    /** Behind its last block. */
    long end() {
      return address + maxOffset + blockBytes();
    }

    int blockBytes() {
      return 16 * (sizeIndex + 1);
    }
  }

  record UsedPools(int sizeIndex, long[] pools) {}

  /**
   * Reads the three lists of a node.
   *
   * @param arenaBytes of that release
   */
  static CapturedPools read(JsonNode node, int arenaBytes) {
    List<Arena> arenas = new ArrayList<>();
    for (JsonNode row : node.path("arenas")) {
      long address = row.get(0).asLong();
      arenas.add(new Arena(address, address + arenaBytes, Baseline.longs(row.get(4))));
    }
    List<Pool> pools = new ArrayList<>();
    for (JsonNode row : node.path("pools")) {
      pools.add(
          new Pool(
              row.get(0).asLong(),
              row.get(1).asInt(),
              row.get(2).asInt(),
              row.get(3).asInt(),
              row.get(4).asInt(),
              Baseline.ints(row.get(5))));
    }
    List<UsedPools> used = new ArrayList<>();
    for (JsonNode row : node.path("used")) {
      used.add(new UsedPools(row.get(0).asInt(), Baseline.longs(row.get(1))));
    }
    List<Pool> freed = new ArrayList<>();
    for (JsonNode row : node.path("freed")) {
      freed.add(
          new Pool(
              row.get(0).asLong(),
              row.get(1).asInt(),
              0,
              row.get(2).asInt(),
              row.get(3).asInt(),
              Baseline.ints(row.get(4))));
    }
    return new CapturedPools(arenas, pools, used, freed);
  }

  /**
   * Lays them out in an interpreter that has allocated nothing yet.
   *
   * @param later the arenas that the process came to have: those that it has not yet are free,
   *     which is as good, as the allocator takes them last
   * @param relocate gives the simulated address of a captured one
   */
  void restore(Interpreter interpreter, List<Arena> later, LongUnaryOperator relocate) {
    HeapBuilder builder = new HeapBuilder(interpreter);
    for (Arena arena : later) {
      builder.adoptArena(relocate.applyAsLong(arena.address()));
    }
    for (Pool pool : pools) {
      builder.writePool(
          relocate.applyAsLong(pool.address()),
          pool.sizeIndex(),
          pool.used(),
          pool.nextOffset(),
          pool.maxOffset(),
          pool.freeOffsets());
    }
    for (UsedPools list : used) {
      builder.linkUsedPools(list.sizeIndex(), Arrays.stream(list.pools()).map(relocate).toArray());
    }
    for (Arena arena : arenas) {
      builder.linkFreePools(
          relocate.applyAsLong(arena.address()),
          Arrays.stream(arena.freePools()).map(relocate).toArray());
    }
    for (Pool pool : freed) {
      builder.writeFreedPool(
          relocate.applyAsLong(pool.address()),
          pool.sizeIndex(),
          pool.nextOffset(),
          pool.maxOffset(),
          pool.freeOffsets());
    }
    builder.finish();
  }

  /** The numbers of the pages of all pools. */
  Set<Long> pages() {
    Set<Long> pages = new HashSet<>();
    for (Pool pool : pools) {
      for (long at = pool.address(); at < pool.end(); at += Host.BYTES_IN_PAGE) {
        pages.add(at >>> Host.LOG_BYTES_IN_PAGE);
      }
    }
    return pages;
  }

  /** Is shown blocks by their captured addresses. */
  interface BlockVisitor {
    void visit(long block, int bytes);
  }

  /** Visits the blocks that the captured process had, by pool. */
  void forEachBlockInUse(BlockVisitor visit) {
    for (Pool pool : pools) {
      Set<Integer> free = new HashSet<>();
      Arrays.stream(pool.freeOffsets()).forEach(free::add);
      int end = Math.min(pool.nextOffset(), pool.maxOffset() + 1);
      for (int offset = PoolHeader.BYTES; offset < end; offset += pool.blockBytes()) {
        if (!free.contains(offset)) {
          visit.visit(pool.address() + offset, pool.blockBytes());
        }
      }
    }
  }

  boolean isInArena(long address) {
    return arenas.stream().anyMatch(arena -> arena.has(address));
  }
}
