package dev.preforklab.cpython.recipe;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.MachineHost;
import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.layout.TypeSpec;
import dev.preforklab.cpython.obmalloc.CHeapBuilder;
import dev.preforklab.cpython.obmalloc.HeapBuilder;
import dev.preforklab.cpython.obmalloc.PyMalloc;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Lays a {@link Baseline} out in a simulated process and boots the interpreter on it.
 *
 * <p>The process has all the mappings of the captured one, so that new ones find the same gaps. An
 * address is the lower half of the captured one, the low 32 bits: where a Linux process without
 * address randomisation has its program and data segment, its mappings and its stack stay apart
 * then, and what is above 0x10000 and below the program is free for the simulation's own variables.
 * What files back is not present, as only its number of pages is known. The captured objects have
 * no referents: something outside holds on to them, which is all that the collector needs to know.
 */
final class BaselineLoader {
  /** Pages of address space that hold every address. */
  static final int VIRTUAL_PAGES = 1 << 20;

  private static final long ADDRESS_MASK = (1L << 32) - 1;
  private static final long BOOT_AREA = 1 << 16;

  /** The soft limit of a process's stack, RLIMIT_STACK. */
  private static final long STACK_BYTES = 8 << 20;

  private static final long CAPTURED_REF_COUNT = 1 << 20;

  private final Baseline baseline;
  private final MachineHost host;
  private long bootEnd;

  /** The interpreter's own tracked objects. */
  private final List<Long> tracked = new ArrayList<>();

  /** The captured ones that are still to be made. */
  private final List<Long> untracked = new ArrayList<>();

  private long capturedType;
  private LoadCalls.@Nullable Replay replay;
  private final Set<Long> garbage = new HashSet<>();

  BaselineLoader(Baseline baseline, MachineHost host) {
    this.baseline = baseline;
    this.host = host;
  }

  /** Restores the captured process with its empty recipe, at the end of what was captured. */
  Interpreter load(PythonVersion version) {
    Interpreter interpreter = boot(version, false);
    baseline.pools.restore(interpreter, baseline.pools.arenas(), this::relocate);
    loadCollector(interpreter);
    return interpreter;
  }

  /**
   * Restores the memory of a process that is about to load its recipe's code, as far as it is
   * known. {@link #loadCollector} completes it, when all that other code waits for has been
   * allocated.
   */
  Interpreter begin(PythonVersion version) {
    if (baseline.loadCalls.isEmpty()) {
      return load(version);
    }
    Interpreter interpreter = boot(version, true);
    baseline.loadCalls.pools.restore(interpreter, baseline.pools.arenas(), this::relocate);
    replay = baseline.loadCalls.new Replay(interpreter);
    return interpreter;
  }

  /** The calls to the allocator that the captured process has made since; null where unknown. */
  LoadCalls.@Nullable Replay replay() {
    return replay;
  }

  /**
   * Maps the pages and boots the interpreter.
   *
   * @param begins whether the process is still to load its recipe's code
   */
  private Interpreter boot(PythonVersion version, boolean begins) {
    // Bottom-up, below all that was captured.
    host.setMmapBase(BOOT_AREA);
    Interpreter interpreter = Interpreter.boot(host, version);
    bootEnd = host.map(Host.BYTES_IN_PAGE, Host.BYTES_IN_PAGE) + Host.BYTES_IN_PAGE;
    long mmapTop = mapAll();
    for (Baseline.Region region : baseline.regions) {
      populate(region, Long.MAX_VALUE);
    }
    host.setMmapTop(mmapTop);
    loadCHeap(interpreter, begins);
    return interpreter;
  }

  /** Where the interpreter has its static objects, by their names. */
  Map<String, Long> staticObjects() {
    Map<String, Long> places = new HashMap<>();
    baseline.staticObjects.forEach((name, address) -> places.put(name, relocate(address)));
    return places;
  }

  /** The interpreter's own tracked objects that its modules lead to. */
  void visitTracked(LongConsumer visit) {
    tracked.stream().filter(object -> !garbage.contains(object)).forEach(visit::accept);
  }

  /** Whether a page holds the simulation's own variables, for which real pages stand elsewhere. */
  boolean isOwn(int page) {
    long address = (long) page << Host.LOG_BYTES_IN_PAGE;
    return address >= BOOT_AREA && address < bootEnd;
  }

  /** Maps all that the captured process had mapped; returns where its mappings begin, downwards. */
  private long mapAll() {
    long stack = baseline.stackPage();
    long mmapBase = 0;
    for (long[] mapping : baseline.maps) {
      long start = mapping[0] << Host.LOG_BYTES_IN_PAGE;
      long end = mapping[1] << Host.LOG_BYTES_IN_PAGE;
      if (start == baseline.cHeap.start()) {
        host.setBrkStart(lowerHalf(start));
        host.sbrk(end - start);
      } else if (mapping[0] <= stack && stack < mapping[1]) {
        // It may grow so far.
        host.mapAt(lowerHalf(end) - STACK_BYTES, STACK_BYTES, "[stack]");
      } else {
        host.mapAt(lowerHalf(start), end - start, "");
        mmapBase = Math.max(mmapBase, lowerHalf(end));
      }
    }
    return mmapBase;
  }

  private void populate(Baseline.Region region, long end) {
    long page = region.firstPage();
    boolean present = false;
    for (int run : region.runs()) {
      long start = lowerHalf(page << Host.LOG_BYTES_IN_PAGE);
      if (present && run > 0 && start < end) {
        long bytes = (long) run << Host.LOG_BYTES_IN_PAGE;
        host.populate(start, Math.min(bytes, end - start), true);
      }
      page += run;
      present = !present;
    }
  }

  /** Touches the pages that the data segment has grown by while the code was loaded. */
  void populateGrownSegment() {
    long end = Math.min(lowerHalf(baseline.cHeap.end()), host.sbrk(0));
    baseline.regions.stream()
        .filter(region -> baseline.cHeap.has(region.firstPage() << Host.LOG_BYTES_IN_PAGE))
        .forEach(region -> populate(region, end));
  }

  /** The simulated address of a captured one. */
  long relocate(long address) {
    if (!has(address >>> Host.LOG_BYTES_IN_PAGE)) {
      throw new IllegalStateException("not in the baseline: 0x" + Long.toHexString(address));
    }
    long place = place(address);
    if (place == 0) {
      throw new IllegalStateException("not allocated: 0x" + Long.toHexString(address));
    }
    return place;
  }

  private long place(long address) {
    return replay == null ? lowerHalf(address) : replay.place(address);
  }

  /**
   * Whether a captured block is there, and neither still to come nor of the empty recipe's code.
   */
  boolean isThere(long address) {
    return place(address) != 0;
  }

  /** The simulated address of a captured one, whatever has become of the block that was there. */
  static long lowerHalf(long address) {
    return address & ADDRESS_MASK;
  }

  /** Whether a captured page number lies in what was loaded. */
  boolean has(long page) {
    for (long[] mapping : baseline.maps) {
      if (page >= mapping[0] && page < mapping[1]) {
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
  private void loadCHeap(Interpreter interpreter, boolean begins) {
    Baseline.CHeap before = begins ? baseline.loadCalls.cHeap : null;
    Baseline.CHeap captured = before == null ? baseline.cHeap : before;
    // It grows with the calls to come.
    host.sbrk(captured.end() - baseline.cHeap.end());
    CHeapBuilder builder = new CHeapBuilder(host, interpreter.runtime);
    builder.writeChunks(relocate(captured.start()), captured.chunks(), host.sbrk(0));
    captured.cache().forEach(list -> builder.fillCache(list.list(), list.chunks()));
    captured.fast().forEach(list -> builder.fillFastBin(list.list(), list.chunks()));
    captured.bins().forEach(list -> builder.fillBin(list.list(), list.chunks()));
    builder.writeBinMap(captured.binMap());
    builder.writeVariables(
        captured.lastRemainder(), captured.mmapThreshold(), captured.trimThreshold());
    // The interpreter's own allocator is the first to ask for a block of this size.
    long arenaObjects = firstBlock(captured, PyMalloc.ARENA_OBJECTS_BYTES);
    if (arenaObjects != 0) {
      interpreter.malloc.adoptArenaObjects(lowerHalf(arenaObjects));
    }
  }

  /** The first block of a size that somebody uses, or 0. */
  private static long firstBlock(Baseline.CHeap heap, int bytes) {
    List<Long> found = new ArrayList<>();
    heap.forEachBlockInUse(
        (block, chunkBytes) -> {
          if (chunkBytes == bytes + 16) {
            found.add(block);
          }
        });
    return found.isEmpty() ? 0 : found.get(0);
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

  /** Restores the collector's lists, with all captured objects that are there. */
  void loadCollector(Interpreter interpreter) {
    HeapBuilder builder = new HeapBuilder(interpreter);
    int head = interpreter.version.gcHeadBytes;
    capturedType = interpreter.addStaticType(TypeSpec.blocks("captured", 16, 16, 0, false));
    int all = 0;
    for (int i = 0; i < 3; i++) {
      long[] there = Arrays.stream(baseline.lists[i]).filter(this::isThere).toArray();
      Arrays.stream(baseline.lists[i]).filter(a -> !isThere(a)).forEach(untracked::add);
      all += baseline.lists[i].length;
      long[] objects = relocate(there, head);
      for (long object : objects) {
        builder.writeObjectHead(object, CAPTURED_REF_COUNT, capturedType);
        tracked.add(object);
      }
      builder.linkGeneration(i, objects);
      interpreter.gcState.setStats(
          i, baseline.stats[i][0], baseline.stats[i][1], baseline.stats[i][2]);
    }
    baseline.leftovers.blocks().forEach(block -> garbage.add(relocate(block) + head));
    interpreter.collector.restoreCounts(baseline.counts, all);
    interpreter.gcState.setLongLivedTotal(baseline.longLivedTotal);
    interpreter.gcState.setLongLivedPending(0);
  }

  /** Puts the captured objects that have come since onto the youngest generation's list. */
  void trackNew(Interpreter interpreter) {
    HeapBuilder builder = new HeapBuilder(interpreter);
    for (long block : untracked.stream().filter(this::isThere).toList()) {
      long object = relocate(block) + interpreter.version.gcHeadBytes;
      builder.writeObjectHead(object, CAPTURED_REF_COUNT, capturedType);
      interpreter.track(object);
      tracked.add(object);
      untracked.remove(block);
    }
  }
}
