package dev.preforklab.cpython.recipe;

import static org.assertj.core.api.Assertions.assertThat;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.MachineHost;
import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.RuntimeState;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The C library's heap of each baseline, laid out in simulated memory and read back from there. */
class BaselineCHeapTest {
  private static final int SIZE = 8;
  private static final long FLAGS = 7;

  static Stream<Arguments> baselines() {
    return PythonVersion.SUPPORTED.stream()
        .flatMap(v -> Stream.of(Arguments.of(v, false), Arguments.of(v, true)));
  }

  /** The boundary tags and the lists were captured apart, and say the same. */
  @ParameterizedTest(name = "{0}, array {1}")
  @MethodSource("baselines")
  void freeChunksByTheTagsAreThoseInTheBins(PythonVersion version, boolean array) {
    Baseline baseline = Baseline.read(version, array);
    MachineHost host = MachineHost.alone(64L << 20, 1 << 20);
    BaselineLoader loader = new BaselineLoader(baseline, host);
    Interpreter interpreter = loader.load(version);
    long start = loader.relocate(baseline.cHeap.start());
    long top = host.load(interpreter.runtime + RuntimeState.MALLOC_TOP);

    List<Long> free = new ArrayList<>();
    long chunk = start;
    while (chunk < top) {
      long size = size(host, chunk);
      if ((host.load(chunk + size + SIZE) & 1) == 0) {
        free.add(chunk);
        assertThat(host.load(chunk + size)).as("size behind a free chunk").isEqualTo(size);
      }
      chunk += size;
    }
    assertThat(chunk).isEqualTo(top);
    assertThat(top + size(host, top)).as("end of the data segment").isEqualTo(host.sbrk(0));

    List<Long> inBins = new ArrayList<>();
    for (int bin = 1; bin < 128; bin++) {
      long header = interpreter.runtime + RuntimeState.MALLOC_BINS + 16L * (bin - 1) - 16;
      long before = header;
      long least = Long.MAX_VALUE;
      for (long at = host.load(header + 16); at != header; at = host.load(at + 16)) {
        inBins.add(at);
        assertThat(host.load(at + 24)).as("link back in bin %d", bin).isEqualTo(before);
        if (bin > 1) {
          assertThat(size(host, at)).as("order of bin %d", bin).isLessThanOrEqualTo(least);
          least = size(host, at);
        }
        before = at;
      }
    }
    assertThat(inBins).containsExactlyInAnyOrderElementsOf(free);
  }

  /** Blocks taken from the loaded heap and given back overlap nothing, and its tags stay sound. */
  @ParameterizedTest(name = "{0}, array {1}")
  @MethodSource("baselines")
  void theLoadedHeapServes(PythonVersion version, boolean array) {
    Baseline baseline = Baseline.read(version, array);
    MachineHost host = MachineHost.alone(64L << 20, 1 << 20);
    BaselineLoader loader = new BaselineLoader(baseline, host);
    Interpreter interpreter = loader.load(version);
    long start = loader.relocate(baseline.cHeap.start());
    SplittableRandom random = new SplittableRandom(version.minor);
    TreeMap<Long, Long> ends = new TreeMap<>();
    for (int i = 0; i < 4_000; i++) {
      if (ends.size() > 200 || (random.nextInt(3) == 0 && !ends.isEmpty())) {
        Long block = new ArrayList<>(ends.keySet()).get(random.nextInt(ends.size()));
        ends.remove(block);
        interpreter.raw.free(block);
        continue;
      }
      long bytes = 1L + random.nextInt(random.nextInt(4) == 0 ? 20_000 : 900);
      long block = interpreter.raw.allocate(bytes);
      Map.Entry<Long, Long> below = ends.lowerEntry(block + bytes);
      assertThat(below == null ? 0 : below.getValue()).isLessThanOrEqualTo(block);
      ends.put(block, block + bytes);
      for (long offset = 0; offset < bytes; offset += 8) {
        host.store(block + offset, -1, Host.CAUSE_DATA);
      }
    }
    long chunk = start;
    long top = host.load(interpreter.runtime + RuntimeState.MALLOC_TOP);
    while (chunk < top) {
      chunk += size(host, chunk);
    }
    assertThat(chunk).isEqualTo(top);
  }

  private static long size(MachineHost host, long chunk) {
    return host.load(chunk + SIZE) & ~FLAGS;
  }
}
