package dev.preforklab.cpython.obmalloc;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.RuntimeState;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * The numbers of {@code sys._debugmallocstats()}, found by walking the arenas and their pools.
 *
 * @param pools pools in use by size class index
 * @param blocksInUse allocated blocks by size class index
 * @param blocksAvailable free blocks in pools in use, by size class index
 * @param freePools pools of mapped arenas that no class uses
 * @param arenas mapped now
 * @param unalignedArenas those of them that do not begin at a pool's boundary: a pool's worth is
 *     lost
 * @param arenasReclaimed given back since the interpreter's start
 * @param arenasHighWater most that were mapped at one time
 */
public record DebugMallocStats(
    int alignment,
    int arenaBytes,
    int poolBytes,
    List<Long> pools,
    List<Long> blocksInUse,
    List<Long> blocksAvailable,
    long freePools,
    long arenas,
    long unalignedArenas,
    long arenasReclaimed,
    long arenasHighWater) {
  /** Reads the allocator's state; changes nothing. */
  public static DebugMallocStats of(Interpreter interpreter) {
    return of(interpreter, 0);
  }

  /**
   * The same for an interpreter whose start was not simulated.
   *
   * @param reclaimedBefore arenas that it had given back until then
   */
  public static DebugMallocStats of(Interpreter interpreter, int reclaimedBefore) {
    Host host = interpreter.host;
    int alignment = interpreter.version.alignment;
    int poolBytes = interpreter.version.poolBytes;
    int classes = interpreter.malloc.sizeClasses();
    long[] pools = new long[classes];
    long[] inUse = new long[classes];
    long[] available = new long[classes];
    long freePools = 0;
    long unaligned = 0;
    long array = host.load(interpreter.runtime + RuntimeState.ARENAS);
    long count = host.load(interpreter.runtime + RuntimeState.MAX_ARENAS);
    for (long i = 0; i < count; i++) {
      long arena = array + i * ArenaObject.BYTES;
      long address = host.load(arena + ArenaObject.ADDRESS);
      if (address == 0) {
        continue;
      }
      unaligned += address % poolBytes == 0 ? 0 : 1;
      freePools += PoolHeader.low(host.load(arena + ArenaObject.POOLS));
      long end = host.load(arena + ArenaObject.POOL_ADDRESS);
      for (long pool = (address + poolBytes - 1) & -(long) poolBytes;
          pool < end;
          pool += poolBytes) {
        int used = PoolHeader.low(host.load(pool + PoolHeader.REF_COUNT));
        int sizeIndex = PoolHeader.high(host.load(pool + PoolHeader.ARENA_AND_SIZE));
        if (used > 0) {
          int blocks = (poolBytes - PoolHeader.BYTES) / SizeClass.bytesOf(sizeIndex, alignment);
          pools[sizeIndex]++;
          inUse[sizeIndex] += used;
          available[sizeIndex] += blocks - used;
        }
      }
    }
    return new DebugMallocStats(
        alignment,
        interpreter.version.arenaBytes,
        poolBytes,
        boxed(pools),
        boxed(inUse),
        boxed(available),
        freePools,
        host.load(interpreter.runtime + RuntimeState.ARENAS_ALLOCATED),
        unaligned,
        host.load(interpreter.runtime + RuntimeState.ARENAS_ALLOCATED_EVER)
            - host.load(interpreter.runtime + RuntimeState.ARENAS_ALLOCATED)
            + reclaimedBefore,
        host.load(interpreter.runtime + RuntimeState.ARENAS_HIGH_WATER));
  }

  private static List<Long> boxed(long[] values) {
    return Arrays.stream(values).boxed().toList();
  }

  /** Allocated blocks of all classes. */
  public long totalBlocksInUse() {
    long sum = 0;
    for (long blocks : blocksInUse) {
      sum += blocks;
    }
    return sum;
  }

  private long bytes(List<Long> blocks) {
    long sum = 0;
    for (int i = 0; i < blocks.size(); i++) {
      sum += blocks.get(i) * SizeClass.bytesOf(i, alignment);
    }
    return sum;
  }

  private long totalPools() {
    return pools.stream().mapToLong(Long::longValue).sum();
  }

  /** Bytes at the end of pools that are too few for a block. */
  private long bytesLostToQuantization() {
    long sum = 0;
    for (int i = 0; i < pools.size(); i++) {
      sum += pools.get(i) * ((poolBytes - PoolHeader.BYTES) % SizeClass.bytesOf(i, alignment));
    }
    return sum;
  }

  /** The numbers below the table of classes, by name; the names are those of capture/rig.py. */
  public Map<String, Long> numbers() {
    Map<String, Long> numbers = new LinkedHashMap<>();
    numbers.put("arenas_allocated_total", arenas + arenasReclaimed);
    numbers.put("arenas_reclaimed", arenasReclaimed);
    numbers.put("arenas_highwater_mark", arenasHighWater);
    numbers.put("arenas_allocated_current", arenas);
    long start = numbers.size();
    numbers.put("bytes_in_allocated_blocks", bytes(blocksInUse));
    numbers.put("bytes_in_available_blocks", bytes(blocksAvailable));
    numbers.put("bytes_in_unused_pools", freePools * poolBytes);
    numbers.put("bytes_lost_to_pool_headers", totalPools() * PoolHeader.BYTES);
    numbers.put("bytes_lost_to_quantization", bytesLostToQuantization());
    numbers.put("bytes_lost_to_arena_alignment", unalignedArenas * poolBytes);
    long total = numbers.values().stream().skip(start).mapToLong(Long::longValue).sum();
    numbers.put("total", total);
    return numbers;
  }

  /** A class in use. */
  public record Row(int index, int size, long pools, long blocksInUse, long blocksAvailable) {}

  /** The classes in use, smallest first. */
  public List<Row> rows() {
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < pools.size(); i++) {
      if (pools.get(i) > 0) {
        int size = SizeClass.bytesOf(i, alignment);
        rows.add(new Row(i, size, pools.get(i), blocksInUse.get(i), blocksAvailable.get(i)));
      }
    }
    return rows;
  }

  /** What a release prints of pymalloc, to the character; its map of arenas is not among it. */
  public String text() {
    StringBuilder out = new StringBuilder(2048);
    int most = alignment * pools.size();
    out.append("Small block threshold = " + most + ", in " + pools.size() + " size classes.\n\n");
    out.append("class   size   num pools   blocks in use  avail blocks\n");
    out.append("-----   ----   ---------   -------------  ------------\n");
    for (Row row : rows()) {
      out.append(
          String.format(
              Locale.ROOT,
              "%5d %6d %11d %15d %13d\n",
              row.index(),
              row.size(),
              row.pools(),
              row.blocksInUse(),
              row.blocksAvailable()));
    }
    Map<String, Long> numbers = numbers();
    out.append('\n');
    numbers.forEach(
        (name, value) -> {
          String label =
              name.equals("total")
                  ? "Total"
                  : name.equals("bytes_in_unused_pools")
                      ? freePools + " unused pools * " + poolBytes + " bytes"
                      : "# " + name.replace('_', ' ');
          line(out, label, value);
          if (name.equals("arenas_allocated_current")) {
            line(out, arenas + " arenas * " + arenaBytes + " bytes/arena", arenas * arenaBytes);
            out.append('\n');
          }
        });
    return out.toString();
  }

  private static void line(StringBuilder out, String name, long value) {
    out.append(String.format(Locale.ROOT, "%-35s= %,20d\n", name, value));
  }
}
