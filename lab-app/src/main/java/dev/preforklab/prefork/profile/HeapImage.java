package dev.preforklab.prefork.profile;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The captured master's memory just before fork, as flat arrays: mappings, allocator state, objects
 * in ascending address with their references, and the collector's lists. Addresses are the captured
 * process's own, in bytes. Immutable once built; shared by all simulated hosts.
 */
final class HeapImage {
  /** Object is linked into a collector's list. */
  static final byte TRACKED = 1;

  /** Object has a GC head but is not linked. */
  static final byte UNTRACKED = 2;

  /** Object has no GC head. */
  static final byte ATOMIC = 0;

  /** Tuples in tuples are followed so far. */
  private static final int NESTING_MAX = 8;

  /** Kinds of the separate blocks an object owns. */
  static final byte LIST_ITEMS = 0;

  static final byte DICT_KEYS = 1;
  static final byte VALUES = 2;
  static final byte SET_TABLE = 3;
  static final byte OTHER_BLOCK = 4;

  /** A pymalloc pool in use. Offsets are bytes from the pool's address. */
  static final class Pool {
    private final long address;
    private final int szidx;
    private final int allocatedBlocks;
    private final int nextOffset;
    private final int maxNextOffset;
    private final int[] freeOffsets;

    Pool(
        long address,
        int szidx,
        int allocatedBlocks,
        int nextOffset,
        int maxNextOffset,
        int[] freeOffsets) {
      this.address = address;
      this.szidx = szidx;
      this.allocatedBlocks = allocatedBlocks;
      this.nextOffset = nextOffset;
      this.maxNextOffset = maxNextOffset;
      this.freeOffsets = freeOffsets;
    }

    long address() {
      return address;
    }

    int szidx() {
      return szidx;
    }

    int allocatedBlocks() {
      return allocatedBlocks;
    }

    int nextOffset() {
      return nextOffset;
    }

    int maxNextOffset() {
      return maxNextOffset;
    }

    int[] freeOffsets() {
      return freeOffsets;
    }
  }

  /** A pymalloc arena; {@code pools} is how many fit. */
  static final class Arena {
    private final long address;
    private final int pools;
    private final long[] freePools;

    Arena(long address, int pools, long[] freePools) {
      this.address = address;
      this.pools = pools;
      this.freePools = freePools;
    }

    long address() {
      return address;
    }

    int pools() {
      return pools;
    }

    long[] freePools() {
      return freePools;
    }
  }

  final List<CapturedVma> vmas;
  final List<Arena> arenas;
  final List<Pool> pools;

  /**
   * Addresses of partly used pools by size class, in list order; empty where it wasn't readable.
   */
  final long[][] usedPools;

  /** Arenas with free pools in list order, the fullest first; empty where it wasn't readable. */
  final long[] usableArenas;

  // one entry an object
  final long[] address;
  final int[] type;
  final int[] bytes;
  final byte[] flag;
  final long[] refcount;

  /** References of object k: {@code refs[refStart[k]..refStart[k+1])}, as object indexes. */
  final int[] refStart;

  final int[] refs;

  /** Separate blocks of object k: {@code [blockStart[k]..blockStart[k+1])}. */
  final int[] blockStart;

  final long[] blockAddress;
  final int[] blockBytes;
  final byte[] blockKind;

  /** Null if the capture could not read it. */
  final @Nullable CapturedCHeap cHeap;

  /** Tracked objects by generation, in the captured list's order; 3 is the permanent one. */
  final int[][] generations;

  HeapImage(
      List<CapturedVma> vmas,
      List<Arena> arenas,
      List<Pool> pools,
      long[][] usedPools,
      long[] usableArenas,
      long[] address,
      int[] type,
      int[] bytes,
      byte[] flag,
      long[] refcount,
      int[] refStart,
      int[] refs,
      int[] blockStart,
      long[] blockAddress,
      int[] blockBytes,
      byte[] blockKind,
      @Nullable CapturedCHeap cHeap,
      int[][] generations) {
    this.vmas = List.copyOf(vmas);
    this.arenas = List.copyOf(arenas);
    this.pools = List.copyOf(pools);
    this.usedPools = usedPools;
    this.usableArenas = usableArenas;
    this.address = address;
    this.type = type;
    this.bytes = bytes;
    this.flag = flag;
    this.refcount = refcount;
    this.refStart = refStart;
    this.refs = refs;
    this.blockStart = blockStart;
    this.blockAddress = blockAddress;
    this.blockBytes = blockBytes;
    this.blockKind = blockKind;
    this.cHeap = cHeap;
    this.generations = generations;
  }

  /**
   * This heap with its tracked objects in other generations: the lists are in order of age, so the
   * last of them are the youngest.
   */
  HeapImage regrouped(int youngest, int middle) {
    int[] all = byAge();
    int young = all.length - Math.min(youngest, all.length);
    int old = young - Math.min(middle, young);
    return grouped(
        flag,
        Arrays.copyOfRange(all, young, all.length),
        Arrays.copyOfRange(all, old, young),
        Arrays.copyOf(all, old));
  }

  /**
   * The same, but of a master whose collections have come at other times. The captured one's
   * youngest objects have not been through one, so tuples that it will untrack are still listed:
   * they do not count, and those older than the youngest are untracked already.
   *
   * @param youngest how many of the youngest, such tuples apart, are in generation 0
   * @param middle how many of the next are in generation 1
   * @param tuple by type, whether it is that of tuples
   */
  HeapImage collectedAtOtherTimes(int youngest, int middle, boolean[] tuple) {
    int[] all = byAge();
    int young = all.length;
    for (int found = 0; young > 0 && found < youngest; young--) {
      if (!isAtomicTuple(all[young - 1], tuple, 0)) {
        found++;
      }
    }
    byte[] flags = flag.clone();
    int[] older = new int[young];
    int size = 0;
    for (int i = 0; i < young; i++) {
      if (isAtomicTuple(all[i], tuple, 0)) {
        flags[all[i]] = UNTRACKED;
      } else {
        older[size++] = all[i];
      }
    }
    int old = size - Math.min(middle, size);
    return grouped(
        flags,
        Arrays.copyOfRange(all, young, all.length),
        Arrays.copyOfRange(older, old, size),
        Arrays.copyOf(older, old));
  }

  /** A tracked tuple in which nothing can be part of a cycle. */
  private boolean isAtomicTuple(int object, boolean[] tuple, int nesting) {
    if (!tuple[type[object]] || nesting > NESTING_MAX) {
      return false;
    }
    for (int i = refStart[object]; i < refStart[object + 1]; i++) {
      int item = refs[i];
      boolean neverTracked = flag[item] == ATOMIC || (flag[item] == UNTRACKED && tuple[type[item]]);
      if (!neverTracked && !(flag[item] == TRACKED && isAtomicTuple(item, tuple, nesting + 1))) {
        return false;
      }
    }
    return true;
  }

  private int[] byAge() {
    return IntStream.of(2, 1, 0).flatMap(g -> Arrays.stream(generations[g])).toArray();
  }

  private HeapImage grouped(byte[] newFlag, int[] youngest, int[] middle, int[] old) {
    return new HeapImage(
        vmas,
        arenas,
        pools,
        usedPools,
        usableArenas,
        address,
        type,
        bytes,
        newFlag,
        refcount,
        refStart,
        refs,
        blockStart,
        blockAddress,
        blockBytes,
        blockKind,
        cHeap,
        new int[][] {youngest, middle, old, generations[3]});
  }

  int objects() {
    return address.length;
  }
}
