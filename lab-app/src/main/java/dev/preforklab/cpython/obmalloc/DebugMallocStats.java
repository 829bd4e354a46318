package dev.preforklab.cpython.obmalloc;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.RuntimeState;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * The numbers of {@code sys._debugmallocstats()}, found by walking the arenas and their pools.
 *
 * @param pools pools in use by size class index
 * @param blocksInUse allocated blocks by size class index
 * @param blocksAvailable free blocks in pools in use, by size class index
 * @param freePools pools of mapped arenas that no class uses
 * @param arenas mapped now
 * @param arenasEver mapped since the start
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
    long arenasEver,
    long arenasHighWater) {

  /** Reads the allocator's state; changes nothing. */
  public static DebugMallocStats of(Interpreter interpreter) {
    Host host = interpreter.host;
    int alignment = interpreter.version.alignment;
    int poolBytes = interpreter.version.poolBytes;
    int classes = interpreter.malloc.sizeClasses();
    long[] pools = new long[classes];
    long[] inUse = new long[classes];
    long[] available = new long[classes];
    long freePools = 0;
    long array = host.load(interpreter.runtime + RuntimeState.ARENAS);
    long count = host.load(interpreter.runtime + RuntimeState.MAX_ARENAS);
    for (long i = 0; i < count; i++) {
      long arena = array + i * ArenaObject.BYTES;
      long address = host.load(arena + ArenaObject.ADDRESS);
      if (address == 0) {
        continue;
      }
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
        host.load(interpreter.runtime + RuntimeState.ARENAS_ALLOCATED_EVER),
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

  /** Bytes in allocated blocks of all classes. */
  public long bytesInAllocatedBlocks() {
    long sum = 0;
    for (int i = 0; i < blocksInUse.size(); i++) {
      sum += blocksInUse.get(i) * SizeClass.bytesOf(i, alignment);
    }
    return sum;
  }

  /** The table a release prints: a line a class in use, then the arenas. */
  public String text() {
    StringBuilder out = new StringBuilder(2048);
    out.append("class   size   num pools   blocks in use  avail blocks\n");
    out.append("-----   ----   ---------   -------------  ------------\n");
    for (int i = 0; i < pools.size(); i++) {
      if (pools.get(i) > 0) {
        out.append(
            String.format(
                Locale.ROOT,
                "%5d %6d %11d %15d %13d%n",
                i,
                SizeClass.bytesOf(i, alignment),
                pools.get(i),
                blocksInUse.get(i),
                blocksAvailable.get(i)));
      }
    }
    line(out, "# arenas allocated total", arenasEver);
    line(out, "# arenas reclaimed", arenasEver - arenas);
    line(out, "# arenas highwater mark", arenasHighWater);
    line(out, "# arenas allocated current", arenas);
    line(out, arenas + " arenas * " + arenaBytes + " bytes/arena", arenas * arenaBytes);
    line(out, "# bytes in allocated blocks", bytesInAllocatedBlocks());
    line(out, freePools + " unused pools * " + poolBytes + " bytes", freePools * poolBytes);
    return out.toString();
  }

  private static void line(StringBuilder out, String name, long value) {
    out.append(String.format(Locale.ROOT, "%-40s = %,20d%n", name, value));
  }
}
