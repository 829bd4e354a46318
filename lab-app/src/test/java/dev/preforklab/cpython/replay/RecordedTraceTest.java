package dev.preforklab.cpython.replay;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.preforklab.cpython.PythonVersion;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Every counter of the collector after each of 2,000 operations, in the simulated interpreter and
 * as read from the memory of real ones. Rows are comparable from the first full collection on.
 */
class RecordedTraceTest {
  private static final List<String> INTERPRETERS =
      List.of("3.7.16", "3.8.18", "3.9.18", "3.10.13", "3.11.7", "3.12.1", "3.13.0");

  static Stream<Arguments> recordings() {
    return INTERPRETERS.stream()
        .flatMap(
            v -> Stream.of("pure_1", "pure_2", "mixed_1", "mixed_2").map(t -> Arguments.of(v, t)));
  }

  /** A trace that sets no threshold runs with the release's own: 2,000 on 3.13, else 700. */
  @ParameterizedTest
  @ValueSource(strings = {"3.12.1", "3.13.0"})
  void aTraceWithoutThresholdsRunsWithTheDefault(String interpreter) throws IOException {
    allCountersAreTheRealOnes(interpreter, "pure_default");
  }

  /**
   * Chains of 50 to 200 objects, linked in one another and dropped: what the trashcan takes and
   * when it gives it back. On 3.7 it stays there for the whole of the trace.
   */
  @ParameterizedTest
  @ValueSource(strings = {"3.7.16", "3.8.18", "3.13.0"})
  void deepChainsGoThroughTheTrashcan(String interpreter) throws IOException {
    allCountersAreTheRealOnes(interpreter, "pure_deep");
  }

  @ParameterizedTest
  @MethodSource("recordings")
  void allCountersAreTheRealOnes(String interpreter, String name) throws IOException {
    Trace trace;
    try (InputStream in = open(name + ".trace.json.gz")) {
      trace = Trace.read(name, in);
    }
    JsonNode real;
    try (InputStream in = open(name + "." + interpreter + ".json.gz")) {
      real = new ObjectMapper().readTree(in);
    }
    int frozen = real.get("baseline_frozen").asInt();
    List<long[]> rows = ReplayEngine.run(trace, PythonVersion.parse(interpreter), frozen, 2);
    JsonNode realRows = real.get("rows");
    assertThat(rows).hasSize(realRows.size());
    int compared = 0;
    int first = firstFullCollection(trace);
    for (int i = first; i < rows.size(); i++) {
      long[] expected = new long[ReplayEngine.COLUMNS.size()];
      for (int k = 0; k < expected.length; k++) {
        expected[k] = realRows.get(i).get(k).asLong();
      }
      if (!Arrays.equals(rows.get(i), expected)) {
        assertThat(rows.get(i))
            .as("row %d after %s", i, trace.operations().get(i))
            .isEqualTo(expected);
      }
      compared++;
    }
    assertThat(compared).isGreaterThan(rows.size() - 10);
  }

  static Stream<Arguments> recordingsOfCounts() {
    return Stream.of("2.7.18", "3.6.15")
        .flatMap(
            v -> Stream.of("pure_1", "pure_2", "mixed_1", "mixed_2").map(t -> Arguments.of(v, t)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"2.7.18", "3.6.15"})
  void deepChainsGoThroughTheTrashcanOfOldReleases(String interpreter) throws IOException {
    countsAndReturnedNumbersAreTheRealOnes(interpreter, "pure_deep");
  }

  /** The old releases through gc.get_count() after each operation, and what gc.collect returned. */
  @ParameterizedTest
  @MethodSource("recordingsOfCounts")
  void countsAndReturnedNumbersAreTheRealOnes(String interpreter, String name) throws IOException {
    Trace trace;
    try (InputStream in = open(name + ".trace.json.gz")) {
      trace = Trace.read(name, in);
    }
    JsonNode real;
    try (InputStream in = open(name + "." + interpreter + ".json.gz")) {
      real = new ObjectMapper().readTree(in);
    }
    int tracked = real.get("tracked_at_start").asInt();
    List<long[]> rows = ReplayEngine.run(trace, PythonVersion.parse(interpreter), tracked, 0);
    JsonNode realRows = real.get("rows");
    assertThat(rows).hasSize(realRows.size());
    for (int i = firstFullCollection(trace); i < rows.size(); i++) {
      long[] row = rows.get(i);
      JsonNode realRow = realRows.get(i);
      boolean explicit = trace.operations().get(i).code() == Trace.Code.COLLECT;
      long returned = explicit ? collected(row) - collected(rows.get(i - 1)) : -1;
      assertThat(new long[] {row[0], row[1], row[2], returned})
          .as("row %d after %s", i, trace.operations().get(i))
          .isEqualTo(
              new long[] {
                realRow.get(0).asLong(),
                realRow.get(1).asLong(),
                realRow.get(2).asLong(),
                realRow.get(3).asLong()
              });
    }
  }

  private static long collected(long[] row) {
    return row[4] + row[7] + row[10];
  }

  private static int firstFullCollection(Trace trace) {
    int i = 0;
    while (trace.operations().get(i).code() != Trace.Code.COLLECT
        || trace.operations().get(i).a() != 2) {
      i++;
    }
    return i;
  }

  private static InputStream open(String name) throws IOException {
    return new GZIPInputStream(
        Objects.requireNonNull(
            RecordedTraceTest.class.getResourceAsStream("/cpython/gc_trace/" + name)));
  }
}
