package dev.preforklab.cpython.obmalloc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.PlainHost;
import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.RuntimeState;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Random requests of all sizes. Oracle: a map of what is allocated. Blocks never overlap, keep what
 * was written into them, and the allocator's own statistics agree with the map.
 */
class PyMallocPropertyTest {
  private static final int STEPS = 40_000;

  private final TreeMap<Long, Long> live = new TreeMap<>();
  private final List<Long> blocks = new ArrayList<>();

  @ParameterizedTest
  @CsvSource({
    "2.7, 1", "3.6, 2", "3.8, 3", "3.9, 4", "3.10, 5", "3.11, 6", "3.12, 7", "3.13, 8", "3.11, 9"
  })
  void blocksAreDisjointAndStatisticsAddUp(String release, long seed) {
    Host host = new PlainHost();
    Interpreter interpreter = Interpreter.boot(host, PythonVersion.parse(release));
    PyMalloc malloc = interpreter.malloc;
    Random random = new Random(seed);
    for (int step = 0; step < STEPS; step++) {
      int growth = step / 5_000 % 2 == 0 ? 65 : 35;
      int action = random.nextInt(100);
      if (blocks.isEmpty() || action < growth) {
        long bytes = size(random);
        add(host, malloc.allocate(bytes), bytes, seed, step);
      } else if (action < 90) {
        long block = remove(random.nextInt(blocks.size()));
        check(host, block, seed, step);
        live.remove(block);
        malloc.free(block);
      } else {
        long block = remove(random.nextInt(blocks.size()));
        check(host, block, seed, step);
        long oldBytes = live.remove(block);
        long bytes = size(random);
        long moved = malloc.reallocate(block, bytes);
        if (Math.min(oldBytes, bytes) >= 8) {
          assertThat(host.load(moved)).as("seed %d step %d: content", seed, step).isEqualTo(~block);
        }
        add(host, moved, bytes, seed, step);
      }
      if (step % 5_000 == 0) {
        checkStatistics(interpreter, seed, step);
      }
    }
    checkStatistics(interpreter, seed, STEPS);
    while (!blocks.isEmpty()) {
      malloc.free(remove(random.nextInt(blocks.size())));
    }
    DebugMallocStats stats = DebugMallocStats.of(interpreter);
    assertThat(stats.totalBlocksInUse()).isZero();
    assertThat(stats.arenas()).isEqualTo(interpreter.version.keepsLastArena ? 1 : 0);
    assertThat(stats.arenas() + stats.arenasReclaimed()).isGreaterThan(1);
    assertThat(host.load(interpreter.runtime + RuntimeState.MALLOC_MMAPPED_BYTES)).isZero();
  }

  private static long size(Random random) {
    return switch (random.nextInt(20)) {
      case 0 -> 513 + random.nextInt(4_000);
      case 1 -> random.nextInt(10) == 0 ? 100_000 + random.nextInt(300_000) : 1;
      case 2 -> 0;
      default -> 1 + random.nextInt(512);
    };
  }

  private long remove(int index) {
    long block = blocks.get(index);
    blocks.set(index, blocks.get(blocks.size() - 1));
    blocks.remove(blocks.size() - 1);
    return block;
  }

  private void add(Host host, long block, long bytes, long seed, int step) {
    Map.Entry<Long, Long> below = live.floorEntry(block);
    Map.Entry<Long, Long> above = live.ceilingEntry(block);
    if ((block & 7) != 0
        || (below != null && below.getKey() + Math.max(1, below.getValue()) > block)
        || (above != null && block + Math.max(1, bytes) > above.getKey())) {
      assertThat(block).as("seed %d step %d: overlap of %d bytes", seed, step, bytes).isZero();
    }
    live.put(block, bytes);
    blocks.add(block);
    if (bytes >= 8) {
      host.store((block + bytes - 8) & -8, block, Host.CAUSE_DATA);
      host.store(block, ~block, Host.CAUSE_DATA);
    }
  }

  private void check(Host host, long block, long seed, int step) {
    Long bytes = live.get(block);
    if (bytes != null && bytes >= 8 && host.load(block) != ~block) {
      assertThat(host.load(block)).as("seed %d step %d: content", seed, step).isEqualTo(~block);
    }
    if (bytes != null && bytes >= 24 && host.load((block + bytes - 8) & -8) != block) {
      assertThat(host.load((block + bytes - 8) & -8))
          .as("seed %d step %d: content", seed, step)
          .isEqualTo(block);
    }
  }

  private void checkStatistics(Interpreter interpreter, long seed, int step) {
    long inArenas = live.keySet().stream().filter(interpreter.malloc::isInArena).count();
    DebugMallocStats stats = DebugMallocStats.of(interpreter);
    assertThat(stats.totalBlocksInUse()).as("seed %d step %d", seed, step).isEqualTo(inArenas);
    long pools = stats.freePools();
    for (long used : stats.pools()) {
      pools += used;
    }
    int poolsInArena = interpreter.version.arenaBytes / interpreter.version.poolBytes;
    assertThat(pools).isBetween(stats.arenas() * (poolsInArena - 1), stats.arenas() * poolsInArena);
    assertThat(stats.text()).contains("arenas allocated current");
  }
}
