package dev.preforklab.cpython.recipe;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.obmalloc.DebugMallocStats;
import dev.preforklab.cpython.obmalloc.HeapBuilder;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.Set;
import java.util.function.LongConsumer;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;

/**
 * The memory of a real bare interpreter at the point where a recipe starts to build, as {@code
 * capture/baseline.py} wrote it down: pages, allocator, collector's lists, and which pages each
 * kind of act copies when the heap is empty.
 *
 * <p>Addresses are those of the real process, until {@link BaselineLoader} relocates them.
 */
@SuppressWarnings("ArrayRecordComponent") // read once, never changed
public final class Baseline {
  /** Pages of one mapping: alternating runs of absent and present pages. */
  record Region(String kind, long firstPage, int[] runs) {
    /** Page after the last present one. */
    long endPage() {
      long end = firstPage;
      for (int run : runs) {
        end += run;
      }
      return end;
    }
  }

  /** Some of the C library's heap's chunks, by their numbers, in the order of a list. */
  record ChunkList(int list, int[] chunks) {}

  /**
   * The C library's heap.
   *
   * @param start of the data segment and of the first chunk
   * @param end of the data segment and of the top
   * @param arena address of {@code main_arena}
   * @param endVariable address of {@code __curbrk}
   * @param chunks each one's size and whether the one before is in use, up to the top
   * @param cache the thread cache's lists by their index
   * @param fast the fast bins by their index
   * @param bins the other bins by their number
   * @param binMap which bins may hold chunks, 32 bits an element
   * @param lastRemainder number of a chunk, or -1
   */
  record CHeap(
      long start,
      long end,
      long arena,
      long endVariable,
      int[] chunks,
      List<ChunkList> cache,
      List<ChunkList> fast,
      List<ChunkList> bins,
      long[] binMap,
      int lastRemainder,
      long mmapThreshold,
      long trimThreshold) {
    boolean has(long place) {
      return place >= start && place < end;
    }

    /** Visits the blocks that the captured process had, with the bytes of their chunks. */
    void forEachBlockInUse(CapturedPools.BlockVisitor visit) {
      Set<Integer> free = new HashSet<>();
      Stream.of(cache, fast, bins)
          .flatMap(List::stream)
          .forEach(list -> Arrays.stream(list.chunks()).forEach(free::add));
      long chunk = start;
      for (int i = 0; i < chunks.length; i++) {
        int size = chunks[i] & ~7;
        if (!free.contains(i)) {
          visit.visit(chunk + 16, size);
        }
        chunk += size;
      }
    }
  }

  /**
   * The table of looked-up attributes.
   *
   * @param start address of the first entry
   * @param nextVersion tag of the next type that something is looked up in
   * @param bytearrayVersion 0 if nothing has been looked up in it
   * @param init address of the str {@code __init__}, 0 if there is none
   * @param bytes address of the str {@code __bytes__}, 0 if there is none
   */
  record MethodCacheState(
      long start, long nextVersion, long bytearrayVersion, long init, long bytes) {}

  final int[] counts;

  /** None's place in its page. */
  final int noneOffset;

  final long[][] stats;
  final long longLivedTotal;

  /** First page and page after the last of each mapping, whatever it maps. */
  final List<long[]> maps = new ArrayList<>();

  final List<Region> regions = new ArrayList<>();

  /** Those that a child has for itself before it acts. */
  final long[] privatePages;

  /**
   * Where it or its parent has stored by then into blocks of pools and of the data segment that
   * were in use at the fork; empty where it is not known.
   */
  final long[] stored;

  private final int randomFilePages;
  private final int fixedFilePages;

  /** Read-only file pages that a child needs to give back the end of its data segment. */
  final long[] pagesOfSegmentsEnd;

  /** Further ones that it needs to give back an arena, if no arena was given back before. */
  final long[] pagesOfFirstArena;

  final CapturedPools pools;

  /** How it came to them; empty of 2.7, whose pools are those where the heap begins. */
  final LoadCalls loadCalls;

  final CHeap cHeap;

  final MethodCacheState methodCache;
  final FreeLists freeLists;

  /** What the first collections take. */
  final Leftovers leftovers;

  /** 2.7's blocks of ints and of floats, in list order, then their free objects, in chain order. */
  record Numbers(long[] blocks, long[] free) {}

  final Map<String, Numbers> numbers = new HashMap<>();

  /** What waits on 2.7's free lists that collections do not empty, the next to be taken first. */
  private final Map<String, long[]> dead = new HashMap<>();

  /** The blocks of the empty recipe's code on 2.7, by the functions' names. */
  private final Map<String, long[]> code = new HashMap<>();

  /** Addresses of types and of None, where they are in static memory. */
  final Map<String, Long> staticObjects = new HashMap<>();

  /** Heads of the tracked objects of each generation, in list order. */
  final long[][] lists;

  /** Of a normal exit; none of 2.7. */
  final ExitCalls exitCalls;

  /**
   * For how many more objects the free lists have room when a normal exit drops the heap, as some
   * of the interpreter's own have died by then.
   */
  final FreeLists exitRoom;

  /** Of a normal exit while everything is frozen; none where a release has no freeze. */
  final ExitCalls frozenExitCalls;

  /** The same with the collector off: other objects go before others. */
  final ExitCalls disabledExitCalls;

  /** What the interpreter itself touches, by act. */
  final Footprints footprints;

  private Baseline(JsonNode root, PythonVersion captured) {
    counts = ints(root.path("gc").path("counts"));
    noneOffset = root.path("none_offset").asInt();
    stats = new long[3][3];
    JsonNode collections = root.path("gc").path("stats");
    for (int i = 0; i < collections.size(); i++) {
      stats[i][0] = collections.get(i).path("collections").asLong();
      stats[i][1] = collections.get(i).path("collected").asLong();
      stats[i][2] = collections.get(i).path("uncollectable").asLong();
    }
    longLivedTotal = root.path("long_lived_total").asLong();
    root.path("maps").forEach(row -> maps.add(longs(row)));
    for (JsonNode row : root.path("regions")) {
      regions.add(new Region(row.get(0).asText(), row.get(1).asLong(), ints(row.get(2))));
    }
    privatePages = longs(root.path("private"));
    stored = sums(longs(root.path("stored")));
    randomFilePages = root.path("file_pages").asInt();
    fixedFilePages = root.path("fixed_file_pages").asInt();
    pagesOfSegmentsEnd = sums(longs(root.path("released").path("end")));
    pagesOfFirstArena = sums(longs(root.path("released").path("arena")));
    pools = CapturedPools.read(root, captured.arenaBytes);
    loadCalls = LoadCalls.read(root.path("loading"), captured);
    cHeap = cHeap(root.path("malloc"));
    JsonNode cache = root.path("method_cache");
    methodCache =
        new MethodCacheState(
            cache.path("start").asLong(),
            cache.path("next_version").asLong(),
            cache.path("bytearray_version").asLong(),
            cache.path("names").path("__init__").asLong(),
            cache.path("names").path("__bytes__").asLong());
    for (Map.Entry<String, JsonNode> one : root.path("numbers").properties()) {
      JsonNode value = one.getValue();
      numbers.put(one.getKey(), new Numbers(longs(value.get(0)), longs(value.get(1))));
    }
    root.path("dead").properties().forEach(e -> dead.put(e.getKey(), longs(e.getValue())));
    root.path("code").properties().forEach(e -> code.put(e.getKey(), longs(e.getValue())));
    freeLists = FreeLists.read(root.path("free_lists"));
    exitRoom = FreeLists.read(root.path("exit_room"));
    leftovers = new Leftovers(root.path("first_collection"), this);
    root.path("static")
        .properties()
        .forEach(e -> staticObjects.put(e.getKey(), e.getValue().asLong()));
    lists = new long[3][];
    for (int i = 0; i < 3; i++) {
      lists[i] = sums(longs(root.path("lists").get(i)));
    }
    exitCalls = ExitCalls.read(root.path("exit_calls").path("plain"));
    disabledExitCalls = ExitCalls.read(root.path("exit_calls").path("disabled"));
    frozenExitCalls = ExitCalls.read(root.path("exit_calls").path("freeze"));
    footprints = new Footprints(root.path("acts"), this, captured.major > 2);
  }

  static CHeap cHeap(JsonNode node) {
    return new CHeap(
        node.path("start").asLong(),
        node.path("end").asLong(),
        node.path("arena").asLong(),
        node.path("break").asLong(),
        ints(node.path("chunks")),
        chunkLists(node.path("cache")),
        chunkLists(node.path("fast")),
        chunkLists(node.path("bins")),
        longs(node.path("map")),
        node.path("last_remainder").asInt(),
        node.path("mmap_threshold").asLong(),
        node.path("trim_threshold").asLong());
  }

  private static List<ChunkList> chunkLists(JsonNode rows) {
    List<ChunkList> lists = new ArrayList<>();
    for (JsonNode row : rows) {
      lists.add(new ChunkList(row.get(0).asInt(), ints(row.get(1))));
    }
    return lists;
  }

  /** The allocator's statistics in an interpreter that began with this baseline. */
  DebugMallocStats mallocStats(Interpreter interpreter) {
    Properties reclaimed = new Properties();
    try (InputStream in =
        Baseline.class.getResourceAsStream("/baseline/arenas_reclaimed.properties")) {
      reclaimed.load(Objects.requireNonNull(in));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    String before = reclaimed.getProperty(interpreter.version.toString(), "0");
    return DebugMallocStats.of(interpreter, Integer.parseInt(before));
  }

  /** Dead objects on the free lists of the interpreter; 2.7 does not tell. */
  record FreeLists(int lists, int dicts, int keys, int floats, int[] tuples) {
    private static FreeLists read(JsonNode node) {
      return new FreeLists(
          node.path("list").asInt(),
          node.path("dict").asInt(),
          node.path("keys").asInt(),
          node.path("float").asInt(),
          ints(node.path("tuple")));
    }

    /** The same with one tuple less of a length, if there is one. */
    FreeLists without(int length) {
      int[] fewer = tuples.clone();
      fewer[length] = Math.max(0, fewer[length] - 1);
      return new FreeLists(lists, dicts, keys, floats, fewer);
    }
  }

  /** The blocks that a function of the empty recipe has on 2.7; none of another function. */
  long[] code(String function) {
    return code.getOrDefault(function, new long[0]);
  }

  /** Puts 2.7's dead dicts, lists and sets where they were. */
  void restoreDead(Interpreter interpreter, BaselineLoader loader) {
    restoreDead("dict", interpreter, loader, interpreter.freeLists::putDict);
    restoreDead("list", interpreter, loader, interpreter.freeLists::putList);
    restoreDead("set", interpreter, loader, interpreter.freeLists::putSet);
  }

  private void restoreDead(
      String kind, Interpreter interpreter, BaselineLoader loader, LongConsumer put) {
    HeapBuilder builder = new HeapBuilder(interpreter);
    long[] blocks = dead.getOrDefault(kind, new long[0]);
    for (int i = blocks.length - 1; i >= 0; i--) {
      long object = loader.relocate(blocks[i]) + interpreter.version.gcHeadBytes;
      builder.writeUntrackedHead(object);
      put.accept(object);
    }
  }

  /** First present page of the stack. */
  long stackPage() {
    return regions.stream()
        .filter(r -> r.kind().equals("stack"))
        .findFirst()
        .orElseThrow()
        .firstPage();
  }

  /** Whether a block of an arena or of the C library's heap is at the address. */
  boolean isInHeaps(long address) {
    return cHeap.has(address) || pools.isInArena(address);
  }

  /**
   * Reads the baseline of a release; for 3.14, of which there is none, that of 3.13 stands in.
   *
   * @param withArray whether the module array has been imported
   */
  public static Baseline read(PythonVersion version, boolean withArray) {
    PythonVersion captured = version.isVerified() ? version : PythonVersion.V3_13;
    String name = "/baseline/" + captured + (withArray ? "-array" : "") + ".json.gz";
    try (InputStream file = Baseline.class.getResourceAsStream(name)) {
      if (file == null) {
        throw new IllegalStateException("no baseline of Python " + version);
      }
      return new Baseline(new ObjectMapper().readTree(new GZIPInputStream(file)), captured);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Number of read-only file pages present before an act. */
  int filePages(Addresses addresses) {
    return addresses == Addresses.FIXED ? fixedFilePages : randomFilePages;
  }

  static int[] ints(JsonNode node) {
    int[] values = new int[node.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = node.get(i).asInt();
    }
    return values;
  }

  /** What was written down as differences. */
  static long[] sums(long[] values) {
    Arrays.parallelPrefix(values, Long::sum);
    return values;
  }

  static long[] longs(JsonNode node) {
    long[] values = new long[node.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = node.get(i).asLong();
    }
    return values;
  }
}
