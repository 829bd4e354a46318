package dev.preforklab.prefork.profile;

import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.obmalloc.HeapBuilder;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;

/**
 * Writes the captured allocator's state: arenas, pool headers, chains of free blocks, the lists of
 * partly used pools and of usable arenas; and declares the captured blocks outside of pools to the
 * simulated C library heap, so that they can be freed.
 */
final class AllocatorLoader {
  /** Larger blocks do not come from pools. */
  private static final int POOL_BLOCK_BYTES_MAX = 512;

  private final Profile profile;
  private final HeapImage image;
  private final AddressMap map;

  /** The word before a block with its chunk's size. */
  private static final int CHUNK_SIZE_BYTES = 8;

  /** More than the small bins hold. */
  private static final long SORTING_BYTES = 2048;

  private final Interpreter interpreter;
  private final HeapBuilder builder;

  AllocatorLoader(Profile profile, AddressMap map, Interpreter interpreter, HeapBuilder builder) {
    this.profile = profile;
    this.image = profile.heap;
    this.map = map;
    this.interpreter = interpreter;
    this.builder = builder;
  }

  void load() {
    if (!image.pools.isEmpty() && profile.sizes().pool() != interpreter.malloc.poolBytes()) {
      throw bad("pools of " + profile.sizes().pool() + " bytes in Python " + profile.python());
    }
    if (!image.arenas.isEmpty()) {
      adoptArenas();
      writePools();
      for (HeapImage.Arena arena : image.arenas) {
        builder.linkFreePools(lab(arena.address()), lab(arena.freePools()));
      }
      linkUsedPools();
      builder.finish();
    }
    adoptRawBlocks();
    CapturedCHeap heap = image.cHeap;
    if (heap != null) {
      restore(heap);
    }
  }

  /** The captured process had its free chunks sorted by size; here one large request does that. */
  private void restore(CapturedCHeap heap) {
    interpreter.raw.restore(heap.trimThreshold, heap.mmapThreshold, lab(heap.top), heap.topBytes);
    for (int i = 0; i < heap.free.length; i += 2) {
      interpreter.raw.free(lab(heap.free[i]));
    }
    interpreter.raw.free(interpreter.raw.allocate(SORTING_BYTES));
  }

  /**
   * The usable ones first, in captured order, as that tells those with as many free pools apart.
   */
  private void adoptArenas() {
    Set<Long> order = new LinkedHashSet<>();
    for (long usable : image.usableArenas) {
      order.add(usable);
    }
    image.arenas.forEach(arena -> order.add(arena.address()));
    order.forEach(address -> builder.adoptArena(lab(address)));
  }

  private void writePools() {
    for (HeapImage.Pool pool : image.pools) {
      if (pool.szidx() >= interpreter.malloc.sizeClasses()) {
        throw bad("a pool of size class " + pool.szidx());
      }
      builder.writePool(
          lab(pool.address()),
          pool.szidx(),
          pool.allocatedBlocks(),
          pool.nextOffset(),
          pool.maxNextOffset(),
          pool.freeOffsets());
    }
  }

  /** Links the partly used pools of each class in captured order, unlisted ones by address. */
  private void linkUsedPools() {
    Set<Long> partial = new HashSet<>();
    for (HeapImage.Pool pool : image.pools) {
      if (pool.freeOffsets().length > 0) {
        partial.add(pool.address());
      }
    }
    for (int szidx = 0; szidx < interpreter.malloc.sizeClasses(); szidx++) {
      LongArray list = new LongArray(64);
      for (long address : image.usedPools[szidx]) {
        if (partial.remove(address)) {
          list.add(lab(address));
        }
      }
      for (HeapImage.Pool pool : image.pools) {
        if (pool.szidx() == szidx && partial.remove(pool.address())) {
          list.add(lab(pool.address()));
        }
      }
      builder.linkUsedPools(szidx, list.toArray());
    }
  }

  /**
   * Objects too large for a pool, and separate blocks, lie in the C library's heap. None reaches
   * into the next: the captured size is what {@code sys.getsizeof} says, which for a type has its
   * cached keys in it, a block of their own.
   */
  private void adoptRawBlocks() {
    NavigableMap<Long, Long> blocks = new TreeMap<>();
    for (int k = 0; k < image.objects(); k++) {
      for (int b = image.blockStart[k]; b < image.blockStart[k + 1]; b++) {
        note(blocks, map.toLab(image.blockAddress[b]), image.blockBytes[b]);
      }
      CapturedVma.Kind kind = image.vmas.get(map.find(image.address[k])).kind();
      if (kind == CapturedVma.Kind.ANON || kind == CapturedVma.Kind.BRK_HEAP) {
        Profile.Type type = profile.types().get(image.type[k]);
        boolean gc = image.flag[k] != HeapImage.ATOMIC;
        int front = gc ? profile.sizes().gcHead() + type.preHeader() : 0;
        note(blocks, map.toLab(image.address[k] - front), (long) image.bytes[k] + front);
      }
    }
    CapturedCHeap heap = image.cHeap;
    for (int i = 0; heap != null && i < heap.free.length; i += 2) {
      blocks.put(lab(heap.free[i]), heap.free[i + 1]);
    }
    blocks.forEach(
        (block, bytes) -> {
          Long next = blocks.higherKey(block);
          long room = next == null ? (long) bytes : next - block - CHUNK_SIZE_BYTES;
          builder.adoptRawBlock(block, Math.min(bytes, room));
        });
  }

  private void note(NavigableMap<Long, Long> blocks, long block, long bytes) {
    boolean raw = block > 0 && bytes > POOL_BLOCK_BYTES_MAX && (block & 15) == 0;
    if (raw && !interpreter.malloc.isInArena(block)) {
      blocks.put(block, bytes);
    }
  }

  private long[] lab(long[] captured) {
    long[] addresses = new long[captured.length];
    for (int i = 0; i < captured.length; i++) {
      addresses[i] = lab(captured[i]);
    }
    return addresses;
  }

  private long lab(long captured) {
    long address = map.toLab(captured);
    if (address < 0) {
      throw bad("0x" + Long.toHexString(captured) + " lies outside the mappings");
    }
    return address;
  }

  private ProfileException bad(String problem) {
    return new ProfileException(profile.file(), problem);
  }
}
