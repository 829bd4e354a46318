package dev.preforklab.cpython.recipe;

import static org.assertj.core.api.Assertions.assertThat;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.MachineHost;
import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.RuntimeState;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The load of an empty recipe, made again in simulated memory. */
class LoadCallsTest {
  private static final int POOL_HEADER_BYTES = 48;

  static Stream<Arguments> baselines() {
    return PythonVersion.SUPPORTED.stream()
        .filter(v -> v.major > 2)
        .flatMap(v -> Stream.of(Arguments.of(v, false), Arguments.of(v, true)));
  }

  /** The real process was seen before its calls and after them. */
  @ParameterizedTest(name = "{0}, array {1}")
  @MethodSource("baselines")
  void callsLeadToTheCapturedPools(PythonVersion version, boolean array) {
    Baseline baseline = Baseline.read(version, array);
    Interpreter interpreter = loaded(version, baseline);

    assertThat(usedPools(interpreter)).isEqualTo(usedPools(loader(baseline).load(version)));
    for (CapturedPools.Pool pool : baseline.pools.pools()) {
      assertThat(interpreter.host.load(BaselineLoader.lowerHalf(pool.address())) & 0xffffffffL)
          .as("blocks in use in the pool at %x", pool.address())
          .isEqualTo(pool.used());
    }
  }

  /**
   * The C library's heap was seen, too, chunk by chunk, with what the dynamic linker has for a
   * module and with the locks of a child.
   */
  @ParameterizedTest(name = "{0}, array {1}")
  @MethodSource("baselines")
  void callsLeadToTheCapturedCHeap(PythonVersion version, boolean array) {
    Baseline baseline = Baseline.read(version, array);
    Interpreter interpreter = loaded(version, baseline);

    Interpreter real = loader(baseline).load(version);
    assertThat(heads(interpreter, baseline)).isEqualTo(heads(real, baseline));
    assertThat(cached(interpreter)).isEqualTo(cached(real));
    assertThat(interpreter.host.sbrk(0)).isEqualTo(real.host.sbrk(0));
  }

  /**
   * The pages were seen, too, that the child had for itself where it waited. Of a new block only
   * what the allocator stores is simulated, not what reaches into a page behind; and 3.6 takes up a
   * dead tuple after the fork, which is the youngest object here already.
   */
  @ParameterizedTest(name = "{0}, array {1}")
  @MethodSource("baselines")
  void storesSinceTheForkAreOnTheCapturedPages(PythonVersion version, boolean array) {
    Baseline baseline = Baseline.read(version, array);
    MachineHost host = MachineHost.alone(256L << 20, BaselineLoader.VIRTUAL_PAGES);
    BaselineLoader loader = new BaselineLoader(baseline, host);
    Interpreter interpreter = loader.begin(version);
    LoadCalls.Replay replay = Objects.requireNonNull(loader.replay());
    replay.loadEmptyRecipe();
    replay.until(LoadCalls.FORK);
    loader.loadCollector(interpreter);

    List<Long> stored = SinceFork.callAllocators(baseline, interpreter, host, replay);
    Set<Long> pages =
        Stream.concat(stored.stream(), SinceFork.captured(baseline, loader).stream())
            .map(place -> place >>> Host.LOG_BYTES_IN_PAGE)
            .filter(page -> !loader.isOwn(page.intValue()))
            .collect(Collectors.toCollection(TreeSet::new));

    Set<Long> real =
        Arrays.stream(baseline.privatePages)
            .map(page -> BaselineLoader.lowerHalf(page << Host.LOG_BYTES_IN_PAGE))
            .mapToObj(place -> place >>> Host.LOG_BYTES_IN_PAGE)
            .collect(Collectors.toCollection(TreeSet::new));
    assertThat(real).containsAll(pages);
    real.removeAll(pages);
    assertThat(real).as("there only").hasSizeLessThanOrEqualTo(1);
  }

  /** An interpreter that has made the calls. */
  private static Interpreter loaded(PythonVersion version, Baseline baseline) {
    BaselineLoader loader = loader(baseline);
    Interpreter interpreter = loader.begin(version);
    LoadCalls.Replay replay = Objects.requireNonNull(loader.replay());
    replay.loadEmptyRecipe();
    replay.finish();
    return interpreter;
  }

  private static BaselineLoader loader(Baseline baseline) {
    return new BaselineLoader(
        baseline, MachineHost.alone(256L << 20, BaselineLoader.VIRTUAL_PAGES));
  }

  /** Sizes and flags of all chunks up to the top. */
  private static List<Long> heads(Interpreter interpreter, Baseline baseline) {
    List<Long> heads = new ArrayList<>();
    long top = interpreter.host.load(interpreter.runtime + RuntimeState.MALLOC_TOP);
    long chunk = BaselineLoader.lowerHalf(baseline.cHeap.start());
    while (chunk < top) {
      long head = interpreter.host.load(chunk + 8);
      heads.add(head);
      chunk += head & -8;
    }
    return heads;
  }

  /** The numbers of chunks in the thread cache. */
  private static List<Long> cached(Interpreter interpreter) {
    long cache = interpreter.host.load(interpreter.runtime + RuntimeState.MALLOC_THREAD_CACHE);
    List<Long> counts = new ArrayList<>();
    for (int i = 0; i < 64; i += 4) {
      counts.add(interpreter.host.load(cache + 2L * i));
    }
    return counts;
  }

  /** By size class, the pools with free blocks and these, in list order. */
  private static Map<Integer, List<List<Long>>> usedPools(Interpreter interpreter) {
    Map<Integer, List<List<Long>>> classes = new TreeMap<>();
    for (int i = 0; i < 32; i++) {
      long header = interpreter.runtime + RuntimeState.USED_POOLS + 16L * i - 16;
      List<List<Long>> pools = new ArrayList<>();
      for (long pool = interpreter.host.load(header + 16);
          pool != header;
          pool = interpreter.host.load(pool + 16)) {
        List<Long> free = new ArrayList<>(List.of(pool));
        for (long block = interpreter.host.load(pool + 8);
            block != 0;
            block = interpreter.host.load(block)) {
          free.add(block - pool - POOL_HEADER_BYTES);
        }
        pools.add(free);
      }
      classes.put(i, pools);
    }
    return classes;
  }
}
