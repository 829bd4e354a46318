package dev.preforklab.prefork.profile;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Collects the records of a profile and checks them against each other and the header. */
final class ProfileAssembler {
  private static final int SIZE_CLASSES = 64;

  private final Path file;
  private final ProfileHeader header;
  private final List<CapturedVma> vmas = new ArrayList<>();
  private final Map<Long, HeapImage.Arena> arenas = new TreeMap<>();
  private final List<HeapImage.Pool> pools = new ArrayList<>();
  private final long[][] usedPools = new long[SIZE_CLASSES][0];
  private final LongArray address;
  private final IntArray type;
  private final IntArray bytes;
  private final IntArray flag;
  private final LongArray refcount;
  private final IntArray refStart;
  private final IntArray refs;
  private final IntArray blockStart;
  private final LongArray blockAddress = new LongArray(1 << 12);
  private final IntArray blockBytes = new IntArray(1 << 12);
  private final IntArray blockKind = new IntArray(1 << 12);
  private final IntArray[] generations = new IntArray[4];
  private final List<RequestTrace> requests = new ArrayList<>();
  private RequestRecords.Gathering gathering = RequestRecords.Gathering.NONE;
  private final List<Profile.Touched> touched = new ArrayList<>();
  private final List<Profile.Copies> copies = new ArrayList<>();
  private final List<Profile.Touched> needs = new ArrayList<>();
  private final List<Profile.Appeared> appeared = new ArrayList<>();
  private @Nullable LoadHistory load;
  private @Nullable CapturedCHeap cHeap;
  private long[] usableArenas = new long[0];
  private long lastAddress;

  ProfileAssembler(Path file, ProfileHeader header) {
    this.file = file;
    this.header = header;
    // the header's word is only a hint: a lying one must not reserve the memory
    int hint = Math.min(header.objects(), 1 << 16);
    address = new LongArray(hint);
    type = new IntArray(hint);
    bytes = new IntArray(hint);
    flag = new IntArray(hint);
    refcount = new LongArray(hint);
    refStart = new IntArray(hint);
    refs = new IntArray(4 * hint);
    blockStart = new IntArray(hint);
    for (int generation = 0; generation < generations.length; generation++) {
      generations[generation] = new IntArray(1 << 10);
    }
  }

  void vma(long line, CapturedVma vma) {
    if (!vmas.isEmpty() && vma.start() < vmas.get(vmas.size() - 1).end()) {
      throw bad(line, "mappings overlap or are not in ascending order");
    }
    vmas.add(vma);
  }

  void arena(long line, long start, int poolsTotal) {
    if ((long) poolsTotal * header.sizes().pool() > header.sizes().arena()) {
      throw bad(line, "an arena of " + poolsTotal + " pools is larger than an arena");
    }
    arenas.put(start, new HeapImage.Arena(start, poolsTotal, new long[0]));
  }

  /** The captured order of arenas with free pools, the fullest first. */
  void usableArenas(long line, long[] addresses) {
    for (long arena : addresses) {
      if (!arenas.containsKey(arena)) {
        throw bad(line, "a usable arena that is not there");
      }
    }
    usableArenas = addresses;
  }

  void cHeap(long line, CapturedCHeap captured) {
    CapturedVma heap = null;
    for (CapturedVma vma : vmas) {
      heap = vma.kind() == CapturedVma.Kind.BRK_HEAP ? vma : heap;
    }
    if (heap == null || captured.top + captured.topBytes != heap.end()) {
      throw bad(line, "the C heap does not end where the data segment does");
    }
    for (int i = 0; i < captured.free.length; i += 2) {
      long start = captured.free[i];
      if ((start & 15) != 0
          || start < heap.start() + 16
          || start + captured.free[i + 1] > heap.end()) {
        throw bad(line, "a free chunk outside the data segment");
      }
    }
    cHeap = captured;
  }

  void freePools(long line, long arena, long[] free) {
    HeapImage.Arena known = arenas.get(arena);
    if (known == null || free.length > known.pools()) {
      throw bad(line, "free pools of an arena that is not there, or too many");
    }
    arenas.put(arena, new HeapImage.Arena(arena, known.pools(), free));
  }

  void pool(long line, HeapImage.Pool pool) {
    int size = header.sizes().pool();
    if ((pool.address() & (size - 1)) != 0 || pool.nextOffset() > size + 512) {
      throw bad(line, "a pool that is not aligned, or an offset beyond its end");
    }
    for (int offset : pool.freeOffsets()) {
      if (offset >= size || (offset & 7) != 0) {
        throw bad(line, "a free block at offset " + offset + " of a pool");
      }
    }
    pools.add(pool);
  }

  void used(long line, int szidx, long[] addresses) {
    if (usedPools[szidx].length > 0) {
      throw bad(line, "a second list of used pools of size class " + szidx);
    }
    usedPools[szidx] = addresses;
  }

  void object(
      long line, long delta, int typeIndex, int size, byte kind, long references, IntArray deltas) {
    int index = address.size();
    if (index > 0 && delta == 0) {
      throw bad(line, "object " + index + " is at the address of the one before");
    }
    if (typeIndex >= header.types().size()) {
      throw bad(
          line, "object " + index + " has type " + typeIndex + " of " + header.types().size());
    }
    lastAddress += delta * 8;
    address.add(lastAddress);
    type.add(typeIndex);
    bytes.add(size);
    flag.add(kind);
    refcount.add(references);
    refStart.add(refs.size());
    blockStart.add(blockAddress.size());
    for (int i = 0; i < deltas.size(); i++) {
      long target = (long) index + deltas.get(i);
      if (target < 0 || target >= header.objects()) {
        throw bad(line, "object " + index + " refers to object " + target);
      }
      refs.add((int) target);
    }
  }

  void block(long line, long start, int size, byte kind) {
    if ((start & 7) != 0) {
      throw bad(line, "a block that is not aligned");
    }
    blockAddress.add(start);
    blockBytes.add(size);
    blockKind.add(kind);
  }

  /** Deltas from the previous object in the list; the first from zero. */
  void gcList(long line, int generation, IntArray deltas) {
    long index = 0;
    for (int i = 0; i < deltas.size(); i++) {
      index += deltas.get(i);
      if (index < 0 || index >= header.objects()) {
        throw bad(line, "generation " + generation + " lists object " + index);
      }
      generations[generation].add((int) index);
    }
  }

  /** The collector of the captured master. */
  Profile.GcFacts gc() {
    return header.gc();
  }

  void load(long line, LoadHistory history) {
    if (load != null) {
      throw bad(line, "a second load");
    }
    load = history;
  }

  void request(long line, RequestTrace trace) {
    if (trace.endpoint >= header.endpoints().size()) {
      throw bad(line, "request of endpoint " + trace.endpoint);
    }
    if (trace.state == RequestTrace.State.START
        && requests.stream().anyMatch(known -> known.state == RequestTrace.State.START)) {
      throw bad(line, "a second start of a worker");
    }
    requireEndpoints(line, "after", trace.preceding.endpoints(), 1);
    requireEndpoints(line, "shares", trace.preceding.shared(), 2);
    requests.add(trace);
  }

  /** The first of each so many numbers. */
  private void requireEndpoints(long line, String key, int[] numbers, int each) {
    for (int i = 0; i < numbers.length; i += each) {
      if (numbers[i] >= header.endpoints().size() || i + each > numbers.length) {
        throw bad(line, key + " has no endpoints of the profile: " + Arrays.toString(numbers));
      }
    }
  }

  void gathers(long line, RequestRecords.Gathering told) {
    if (told.limit() == 0 || told.waiting() > told.limit()) {
      throw bad(line, told.waiting() + " of at most " + told.limit() + " gathered objects");
    }
    gathering = told;
  }

  void touched(long line, int request, long[] pages) {
    if (!touched.isEmpty() && touched.get(touched.size() - 1).request() > request) {
      throw bad(line, "touched pages are not in the order of requests");
    }
    touched.add(new Profile.Touched(request, pages));
  }

  void copies(long line, int endpoint, int[] runs) {
    if (endpoint >= header.endpoints().size()) {
      throw bad(line, "pages copied by endpoint " + endpoint);
    }
    long pages = 0;
    for (int run : runs) {
      pages += run;
    }
    long there = touched.stream().mapToLong(one -> one.pages().length).sum();
    if (pages > there) {
      throw bad(line, "runs of " + pages + " pages, " + there + " were touched");
    }
    copies.add(new Profile.Copies(endpoint, runs));
  }

  void needs(long line, int request, long[] pages) {
    if (!needs.isEmpty() && needs.get(needs.size() - 1).request() >= request) {
      throw bad(line, "needed pages are not in the order of requests");
    }
    needs.add(new Profile.Touched(request, pages));
  }

  void appeared(long line, int request, String kind, int pages) {
    if (kind.isEmpty()) {
      throw bad(line, "pages that appeared without a kind");
    }
    appeared.add(new Profile.Appeared(request, kind, pages));
  }

  /** Checks what only the whole can show and builds the profile. */
  Profile finish() {
    int objects = address.size();
    if (objects != header.objects()) {
      throw bad("the header tells of " + header.objects() + " objects, there are " + objects);
    }
    refStart.add(refs.size());
    blockStart.add(blockAddress.size());
    byte[] flags = bytesOf(flag);
    checkTracked(flags);
    checkEndpoints();
    if (vmas.isEmpty()) {
      throw bad("no mappings");
    }
    HeapImage heap =
        new HeapImage(
            vmas,
            List.copyOf(arenas.values()),
            pools,
            usedPools,
            usableArenas,
            address.toArray(),
            type.toArray(),
            bytes.toArray(),
            flags,
            refcount.toArray(),
            refStart.toArray(),
            refs.toArray(),
            blockStart.toArray(),
            blockAddress.toArray(),
            blockBytes.toArray(),
            bytesOf(blockKind),
            cHeap,
            new int[][] {
              generations[0].toArray(),
              generations[1].toArray(),
              generations[2].toArray(),
              generations[3].toArray()
            });
    checkMapped(heap);
    return new Profile(
        file,
        header,
        heap,
        new RequestRecords(requests, gathering),
        new Profile.Pages(touched, copies, needs, appeared),
        load);
  }

  private void checkTracked(byte[] flags) {
    byte[] seen = Arrays.copyOf(flags, flags.length);
    int listed = 0;
    for (IntArray generation : generations) {
      for (int i = 0; i < generation.size(); i++) {
        int object = generation.get(i);
        if (seen[object] != HeapImage.TRACKED) {
          throw bad("a collector's list has object " + object + " twice, or it is not tracked");
        }
        seen[object] = HeapImage.UNTRACKED;
        listed++;
      }
    }
    if (listed != header.tracked()) {
      throw bad(
          "the header tells of " + header.tracked() + " tracked objects, the lists have " + listed);
    }
  }

  private void checkEndpoints() {
    if (!header.requestsFrom().isEmpty() && requests.isEmpty()) {
      return;
    }
    int endpoints = header.endpoints().size();
    boolean[] warm = new boolean[endpoints];
    for (RequestTrace trace : requests) {
      if (trace.state == RequestTrace.State.WARM) {
        warm[trace.endpoint] = true;
      }
      if (trace.survivors.gathered().length > 0 && gathering.limit() == 0) {
        throw bad("gathered objects, but no gathers record that tells how many go at once");
      }
    }
    for (int endpoint = 0; endpoint < endpoints; endpoint++) {
      if (!warm[endpoint]) {
        throw bad("no warm request of " + header.endpoints().get(endpoint).route());
      }
    }
  }

  private void checkMapped(HeapImage heap) {
    int vma = 0;
    for (int object = 0; object < heap.objects(); object++) {
      long start = heap.address[object];
      while (vma < vmas.size() && vmas.get(vma).end() <= start) {
        vma++;
      }
      if (vma == vmas.size() || vmas.get(vma).start() > start) {
        throw bad("object " + object + " lies outside the mappings");
      }
    }
  }

  private static byte[] bytesOf(IntArray values) {
    byte[] bytes = new byte[values.size()];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) values.get(i);
    }
    return bytes;
  }

  private ProfileException bad(long line, String problem) {
    return new ProfileException(file, "line " + line + ": " + problem);
  }

  private ProfileException bad(String problem) {
    return new ProfileException(file, problem);
  }
}
