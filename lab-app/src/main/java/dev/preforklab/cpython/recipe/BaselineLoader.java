package dev.preforklab.cpython.recipe;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.MachineHost;
import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.layout.TypeSpec;
import dev.preforklab.cpython.obmalloc.CHeapBuilder;
import dev.preforklab.cpython.obmalloc.HeapBuilder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongConsumer;

/**
 * Lays a {@link Baseline} out in a simulated process and boots the interpreter on it.
 *
 * <p>Each stretch of mappings gets a new base; an address keeps its place within 1 MiB, so which
 * blocks share a page or a pool is exact. The captured objects have no referents: something outside
 * holds on to them, which is all that the collector needs to know.
 */
final class BaselineLoader {
  private static final long MIB = 1 << 20;
  private static final long FIRST_REGION = 1L << 30;
  private static final long BOOT_AREA = (2L << 30) - (64 * MIB);
  private static final long MMAP_AREA = 2L << 30;
  private static final long DATA_SEGMENT = 16 * MIB;
  private static final long CAPTURED_REF_COUNT = 1 << 20;

  /** A stretch of the real address space and where it is now. */
  private static final class Extent {
    final long start;
    long end;
    final boolean isDataSegment;
    long base;

    Extent(long start, long end, boolean isDataSegment) {
      this.start = start;
      this.end = end;
      this.isDataSegment = isDataSegment;
    }
  }

  private final Baseline baseline;
  private final MachineHost host;
  private final List<Extent> extents = new ArrayList<>();
  private long bootStart;
  private long bootEnd;
  private final long[][] tracked = new long[3][];

  BaselineLoader(Baseline baseline, MachineHost host) {
    this.baseline = baseline;
    this.host = host;
  }

  /** Maps the pages, boots the interpreter and restores the allocator and the collector. */
  Interpreter load(PythonVersion version) {
    findExtents(version);
    mapExtents();
    for (Baseline.Region region : baseline.regions) {
      populate(region);
    }
    host.setMmapBase(BOOT_AREA);
    bootStart = BOOT_AREA;
    Interpreter interpreter = Interpreter.boot(host, version);
    bootEnd = host.map(Host.BYTES_IN_PAGE, Host.BYTES_IN_PAGE) + Host.BYTES_IN_PAGE;
    host.setMmapBase(MMAP_AREA + firstArena() % MIB);
    loadCHeap(interpreter);
    loadAllocator(interpreter);
    loadCollector(interpreter);
    return interpreter;
  }

  /** Where the interpreter has its static objects, by their names. */
  Map<String, Long> staticObjects() {
    Map<String, Long> places = new HashMap<>();
    baseline.staticObjects.forEach((name, address) -> places.put(name, relocate(address)));
    return places;
  }

  /** The interpreter's own tracked objects, all of which its modules lead to. */
  void visitTracked(LongConsumer visit) {
    for (long[] objects : tracked) {
      Arrays.stream(objects).forEach(visit);
    }
  }

  /** Whether a page holds the simulation's own variables, for which real pages stand elsewhere. */
  boolean isOwn(int page) {
    long address = (long) page << Host.LOG_BYTES_IN_PAGE;
    return address >= bootStart && address < bootEnd;
  }

  private long firstArena() {
    long first = Long.MAX_VALUE;
    for (Baseline.Arena arena : baseline.arenas) {
      first = Math.min(first, arena.address());
    }
    return first;
  }

  private void findExtents(PythonVersion version) {
    List<Extent> found = new ArrayList<>();
    for (Baseline.Region region : baseline.regions) {
      if (!region.kind().equals("brk_heap")) {
        found.add(
            new Extent(
                region.firstPage() << Host.LOG_BYTES_IN_PAGE,
                region.endPage() << Host.LOG_BYTES_IN_PAGE,
                false));
      }
    }
    found.add(new Extent(baseline.cHeap.start(), baseline.cHeap.end(), true));
    for (Baseline.Arena arena : baseline.arenas) {
      found.add(new Extent(arena.address(), arena.address() + version.arenaBytes, false));
    }
    found.sort(Comparator.comparingLong(e -> e.start));
    for (Extent extent : found) {
      Extent last = extents.isEmpty() ? null : extents.get(extents.size() - 1);
      if (last != null
          && extent.start <= last.end
          && !last.isDataSegment
          && !extent.isDataSegment) {
        last.end = Math.max(last.end, extent.end);
      } else {
        extents.add(extent);
      }
    }
  }

  private void mapExtents() {
    long next = FIRST_REGION;
    for (Extent extent : extents) {
      long bytes = extent.end - extent.start;
      if (extent.isDataSegment) {
        extent.base = DATA_SEGMENT + extent.start % MIB;
        host.setBrkStart(extent.base);
        host.sbrk(bytes);
      } else {
        extent.base = next + extent.start % MIB;
        host.mapAt(extent.base, bytes, "");
        next = (extent.base + bytes + 2 * MIB) & -MIB;
      }
    }
  }

  private void populate(Baseline.Region region) {
    long page = region.firstPage();
    boolean present = false;
    for (int run : region.runs()) {
      if (present && run > 0) {
        host.populate(
            relocate(page << Host.LOG_BYTES_IN_PAGE), (long) run << Host.LOG_BYTES_IN_PAGE, true);
      }
      page += run;
      present = !present;
    }
  }

  /** The simulated address of a captured one. */
  long relocate(long address) {
    for (Extent extent : extents) {
      if (address >= extent.start && address < extent.end) {
        return address - extent.start + extent.base;
      }
    }
    throw new IllegalStateException("not in the baseline: 0x" + Long.toHexString(address));
  }

  /** Whether a captured page number lies in what was loaded. */
  boolean has(long page) {
    long address = page << Host.LOG_BYTES_IN_PAGE;
    for (Extent extent : extents) {
      if (address >= extent.start && address < extent.end) {
        return true;
      }
    }
    return false;
  }

  private long[] relocate(long[] addresses, int offset) {
    long[] moved = new long[addresses.length];
    for (int i = 0; i < moved.length; i++) {
      moved[i] = relocate(addresses[i]) + offset;
    }
    return moved;
  }

  /** Before the interpreter's own allocator is loaded, whose array of arenas stands there. */
  private void loadCHeap(Interpreter interpreter) {
    Baseline.CHeap captured = baseline.cHeap;
    CHeapBuilder builder = new CHeapBuilder(host, interpreter.runtime);
    builder.writeChunks(relocate(captured.start()), captured.chunks(), host.sbrk(0));
    captured.cache().forEach(list -> builder.fillCache(list.list(), list.chunks()));
    captured.fast().forEach(list -> builder.fillFastBin(list.list(), list.chunks()));
    captured.bins().forEach(list -> builder.fillBin(list.list(), list.chunks()));
    builder.writeBinMap(captured.binMap());
    builder.writeVariables(
        captured.lastRemainder(), captured.mmapThreshold(), captured.trimThreshold());
  }

  /**
   * Restores 2.7's blocks of ints and floats, of which only those that nobody uses are known.
   *
   * @param isFloat which of the two
   */
  void loadNumbers(Interpreter interpreter, boolean isFloat, long type) {
    Baseline.Numbers captured = baseline.numbers.get(isFloat ? "float" : "int");
    if (captured != null) {
      interpreter
          .freeLists
          .oldNumbers()
          .restore(isFloat, type, relocate(captured.blocks(), 0), relocate(captured.free(), 0));
    }
  }

  private void loadAllocator(Interpreter interpreter) {
    HeapBuilder builder = new HeapBuilder(interpreter);
    for (Baseline.Arena arena : baseline.arenas) {
      builder.adoptArena(relocate(arena.address()));
    }
    for (Baseline.Pool pool : baseline.pools) {
      builder.writePool(
          relocate(pool.address()),
          pool.sizeIndex(),
          pool.used(),
          pool.nextOffset(),
          pool.maxOffset(),
          pool.freeOffsets());
    }
    for (Baseline.UsedPools used : baseline.used) {
      builder.linkUsedPools(used.sizeIndex(), relocate(used.pools(), 0));
    }
    for (Baseline.Arena arena : baseline.arenas) {
      builder.linkFreePools(relocate(arena.address()), relocate(arena.freePools(), 0));
    }
    builder.finish();
  }

  private void loadCollector(Interpreter interpreter) {
    HeapBuilder builder = new HeapBuilder(interpreter);
    int head = interpreter.version.gcHeadBytes;
    long type = interpreter.addStaticType(TypeSpec.blocks("captured", 16, 16, 0, false));
    for (int i = 0; i < 3; i++) {
      long[] objects = relocate(baseline.lists[i], head);
      for (long object : objects) {
        builder.writeObjectHead(object, CAPTURED_REF_COUNT, type);
      }
      builder.linkGeneration(i, objects);
      tracked[i] = objects;
      interpreter.gcState.setStats(
          i, baseline.stats[i][0], baseline.stats[i][1], baseline.stats[i][2]);
    }
    interpreter.collector.restoreCounts(
        baseline.counts, Arrays.stream(tracked).mapToLong(list -> list.length).sum());
    interpreter.gcState.setLongLivedTotal(baseline.longLivedTotal);
    interpreter.gcState.setLongLivedPending(0);
  }
}
