package dev.preforklab.cpython.recipe;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.MachineHost;
import dev.preforklab.cpython.PythonVersion;
import java.io.IOException;
import java.io.InputStream;
import java.util.HashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The first collections of a child of the restored bare interpreter against those of the real one,
 * whose figures the baseline has from runs of their own.
 */
class LeftoversTest {
  static Stream<Arguments> collections() {
    return PythonVersion.SUPPORTED.stream()
        .filter(version -> version.isVerified() && version.major > 2)
        .flatMap(
            version ->
                Stream.of(0, 1, 2)
                    .flatMap(
                        generation ->
                            Stream.of(
                                Arguments.of(version, false, generation),
                                Arguments.of(version, true, generation))));
  }

  @ParameterizedTest(name = "{0}, array {1}, generation {2}")
  @MethodSource("collections")
  void aCollectionFindsAndCopiesWhatTheRealOneDoes(
      PythonVersion version, boolean array, int generation) throws IOException {
    Baseline baseline = Baseline.read(version, array);
    MachineHost host = MachineHost.alone(64L << 20, BaselineLoader.VIRTUAL_PAGES);
    BaselineLoader loader = new BaselineLoader(baseline, host);
    Interpreter interpreter = loader.load(version);
    Mutator mutator = new Mutator(interpreter, new Hashes(version, baseline.noneOffset), Map.of());
    baseline.leftovers.restore(mutator, loader);
    baseline.leftovers.restoreDead(mutator, loader);
    MachineHost childHost = host.fork(1);
    int[] before = childHost.table().clone();
    Interpreter child = interpreter.forked(childHost);

    JsonNode root = json(version, array);
    String act = generation == 2 ? "gc.collect" : "gc.collect:" + generation;
    JsonNode real = root.path("acts").path("plain").path(act);
    long found =
        real.path("gc").path("stats").get(generation).path("collected").asLong()
            - root.path("gc").path("stats").get(generation).path("collected").asLong();
    assertThat(child.collector.collect(generation)).isEqualTo(found);
    assertThat(child.collector.collect(generation)).as("again").isZero();

    Set<Long> copied = new HashSet<>();
    for (JsonNode page : real.path("copied")) {
      if (baseline.isInHeaps(page.asLong() << Host.LOG_BYTES_IN_PAGE)) {
        copied.add(
            loader.relocate(page.asLong() << Host.LOG_BYTES_IN_PAGE) >>> Host.LOG_BYTES_IN_PAGE);
      }
    }
    int[] after = childHost.table();
    // What the child has copied before the act is its own in the real process.
    Set<Long> own = new HashSet<>();
    for (long page : baseline.privatePages) {
      own.add(loader.relocate(page << Host.LOG_BYTES_IN_PAGE) >>> Host.LOG_BYTES_IN_PAGE);
    }
    Set<Long> visited = new HashSet<>();
    for (long page = 0; page < before.length; page++) {
      int old = before[(int) page];
      boolean copiedHere = (old & Host.FRAME_MASK) != (after[(int) page] & Host.FRAME_MASK);
      if (copiedHere && old != 0 && !loader.isOwn((int) page) && !own.contains(page)) {
        visited.add(page);
      }
    }
    Set<Long> more = new HashSet<>(visited);
    more.removeAll(copied);
    assertThat(more).as("copied here only").hasSizeLessThanOrEqualTo(1);
    // What running code touches is not simulated here.
    copied.removeAll(visited);
    assertThat(copied).as("copied there only").hasSizeLessThanOrEqualTo(15);
  }

  private static JsonNode json(PythonVersion version, boolean array) throws IOException {
    String name = "/baseline/" + version + (array ? "-array" : "") + ".json.gz";
    try (InputStream file = LeftoversTest.class.getResourceAsStream(name)) {
      return new ObjectMapper().readTree(new GZIPInputStream(Objects.requireNonNull(file)));
    }
  }
}
