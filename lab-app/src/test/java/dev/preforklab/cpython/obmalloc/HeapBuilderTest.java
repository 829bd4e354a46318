package dev.preforklab.cpython.obmalloc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.PlainHost;
import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.RuntimeState;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * An allocator's state, read out of its memory as a capture does and built again in another
 * process. Oracle: the allocator that it was read from, which goes on with the same requests.
 */
class HeapBuilderTest {
  private static final int BEFORE = 150_000;
  private static final int AFTER = 60_000;
  private static final int WAVE = 15_000;
  private static final long PAGE_BYTES = 4096;

  @ParameterizedTest
  @CsvSource({"2.7, 1", "3.6, 2", "3.8, 3", "3.9, 4", "3.9, 5", "3.10, 6", "3.13, 7"})
  void aHeapBuiltAgainGoesOnAsTheOneThatWasRead(String release, long seed) {
    PythonVersion version = PythonVersion.parse(release);
    PlainHost host = new PlainHost();
    Interpreter captured = Interpreter.boot(host, version);
    List<Long> blocks = new ArrayList<>();
    Random random = new Random(seed);
    for (int step = 0; step < BEFORE; step++) {
      request(captured.malloc, blocks, random.nextInt(), step);
    }
    Heap heap = new Heap(captured);
    assertThat(heap.usable).as("seed %d: usable arenas", seed).hasSizeGreaterThan(2);
    assertThat(heap.freePools()).as("seed %d: free pools", seed).isGreaterThan(5);

    PlainHost other = new PlainHost();
    Interpreter rebuilt = Interpreter.boot(other, version);
    long mapped = host.copy().map(PAGE_BYTES, PAGE_BYTES);
    long next = other.copy().map(PAGE_BYTES, PAGE_BYTES);
    other.map(mapped - next, PAGE_BYTES);
    heap.buildIn(rebuilt);

    List<Long> mirror = new ArrayList<>(blocks);
    for (int step = 0; step < AFTER; step++) {
      int choice = random.nextInt();
      long expected = request(captured.malloc, blocks, choice, step);
      long address = request(rebuilt.malloc, mirror, choice, step);
      if (address != expected) {
        assertThat(Long.toHexString(address))
            .as("seed %d, request %d", seed, step)
            .isEqualTo(Long.toHexString(expected));
      }
    }
    assertThat(new Heap(rebuilt).usable).hasSameSizeAs(new Heap(captured).usable);
  }

  /**
   * One request: in each wave blocks of a few sizes come and go, more come or more go.
   *
   * @return the address allocated, or 0
   */
  private static long request(PyMalloc malloc, List<Long> blocks, int choice, int step) {
    Random random = new Random(choice);
    int wave = step / WAVE;
    int growth = wave % 2 == 0 ? 75 : 30;
    if (blocks.isEmpty() || random.nextInt(100) < growth) {
      int bytes = 1 + (wave * 112 + 32 * random.nextInt(6)) % 512;
      long block = malloc.allocate(bytes);
      blocks.add(block);
      return block;
    }
    int index = random.nextInt(blocks.size());
    long last = blocks.remove(blocks.size() - 1);
    long freed = index < blocks.size() ? blocks.set(index, last) : last;
    malloc.free(freed);
    return 0;
  }

  /** What a capture reads: arenas, pools, chains, lists. */
  private static final class Heap {
    private final PlainHost host;
    private final Interpreter interpreter;
    private final int poolBytes;

    /** Addresses of arena objects, the usable ones first, in list order. */
    final Set<Long> arenas = new LinkedHashSet<>();

    final List<Long> usable = new ArrayList<>();

    Heap(Interpreter interpreter) {
      this.interpreter = interpreter;
      host = (PlainHost) interpreter.host;
      poolBytes = interpreter.malloc.poolBytes();
      long object = host.load(interpreter.runtime + RuntimeState.USABLE_ARENAS);
      for (; object != 0; object = host.load(object + ArenaObject.NEXT_ARENA)) {
        usable.add(object);
      }
      arenas.addAll(usable);
      long array = host.load(interpreter.runtime + RuntimeState.ARENAS);
      long count = host.load(interpreter.runtime + RuntimeState.MAX_ARENAS);
      for (int i = 0; i < count; i++) {
        long arena = array + (long) i * ArenaObject.BYTES;
        if (host.load(arena + ArenaObject.ADDRESS) != 0) {
          arenas.add(arena);
        }
      }
    }

    int freePools() {
      return arenas.stream().mapToInt(arena -> freePools(arena).length).sum();
    }

    void buildIn(Interpreter other) {
      HeapBuilder builder = new HeapBuilder(other);
      for (long arena : arenas) {
        builder.adoptArena(host.load(arena + ArenaObject.ADDRESS));
      }
      for (long arena : arenas) {
        long[] free = freePools(arena);
        Set<Long> freed = new LinkedHashSet<>();
        for (long pool : free) {
          freed.add(pool);
        }
        long pool = (host.load(arena + ArenaObject.ADDRESS) + poolBytes - 1) & -(long) poolBytes;
        for (; pool < host.load(arena + ArenaObject.POOL_ADDRESS); pool += poolBytes) {
          if (!freed.contains(pool)) {
            writePool(builder, pool);
          }
        }
        builder.linkFreePools(host.load(arena + ArenaObject.ADDRESS), free);
        freed.forEach(one -> writeFreedPool(builder, one));
      }
      for (int index = 0; index < interpreter.malloc.sizeClasses(); index++) {
        long header = interpreter.malloc.imaginaryHeader(index);
        builder.linkUsedPools(index, list(host.load(header + PoolHeader.NEXT_POOL), header));
      }
      builder.finish();
    }

    private void writePool(HeapBuilder builder, long pool) {
      long offsets = host.load(pool + PoolHeader.OFFSETS);
      builder.writePool(
          pool,
          sizeIndex(pool),
          PoolHeader.low(host.load(pool + PoolHeader.REF_COUNT)),
          PoolHeader.low(offsets),
          PoolHeader.high(offsets),
          freeOffsets(pool));
    }

    private void writeFreedPool(HeapBuilder builder, long pool) {
      long offsets = host.load(pool + PoolHeader.OFFSETS);
      builder.writeFreedPool(
          pool,
          sizeIndex(pool),
          PoolHeader.low(offsets),
          PoolHeader.high(offsets),
          freeOffsets(pool));
    }

    private int sizeIndex(long pool) {
      return PoolHeader.high(host.load(pool + PoolHeader.ARENA_AND_SIZE));
    }

    private int[] freeOffsets(long pool) {
      List<Integer> offsets = new ArrayList<>();
      long block = host.load(pool + PoolHeader.FREE_BLOCK);
      for (; block != 0; block = host.load(block)) {
        offsets.add((int) (block - pool));
      }
      return offsets.stream().mapToInt(Integer::intValue).toArray();
    }

    private long[] freePools(long arena) {
      return list(host.load(arena + ArenaObject.FREE_POOLS), 0);
    }

    private long[] list(long first, long end) {
      List<Long> pools = new ArrayList<>();
      for (long pool = first; pool != end; pool = host.load(pool + PoolHeader.NEXT_POOL)) {
        pools.add(pool);
      }
      return pools.stream().mapToLong(Long::longValue).toArray();
    }
  }
}
