package dev.preforklab.experiment.verify;

import com.fasterxml.jackson.databind.JsonNode;
import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.replay.ReplayEngine;
import dev.preforklab.cpython.replay.Trace;
import dev.preforklab.cpython.replay.TraceException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * One collector trace on both sides: every counter after every operation, from the first full
 * collection on. Before 3.7 that is {@code gc.get_count()} and what {@code gc.collect} returned.
 */
final class TraceCheck {
  private static final int BASELINE_LIVE = 2;
  private static final String FULL = "[\"collect\",2]";
  private static final List<String> COUNTS =
      List.of("count0", "count1", "count2", "returned_or_-1");

  /** What a side counted after each operation, and the objects it began with. */
  record Rows(List<long[]> rows, int baseline) {}

  /** The first number that differs. */
  record Difference(int index, String operation, String column, long lab, long real) {}

  /** Replays a trace, given as JSON, in a real interpreter. */
  @FunctionalInterface
  interface RealSide {
    Rows replay(String trace) throws Command.Failure;
  }

  /** Replays a trace in the simulated interpreter. */
  @FunctionalInterface
  interface LabSide {
    List<long[]> replay(Trace trace, int baseline);
  }

  private final RealSide real;
  private final LabSide lab;
  private final List<String> columns;
  private final UnaryOperator<String> asTrace;
  private @Nullable Integer knownBaseline;

  /**
   * @param columns names of the numbers in a row
   * @param asTrace makes a whole trace of its operations, separated by commas
   */
  TraceCheck(RealSide real, LabSide lab, List<String> columns, UnaryOperator<String> asTrace) {
    this.real = real;
    this.lab = lab;
    this.columns = columns;
    this.asTrace = asTrace;
  }

  /** The simulated interpreter against a real one that runs replay.py. */
  static TraceCheck of(
      RealPython python, Path replay, Duration limit, UnaryOperator<String> asTrace) {
    List<String> columns = columns(python.version());
    return new TraceCheck(
        trace -> replayed(python, replay, limit, trace, columns),
        (trace, baseline) -> simulated(trace, python.version(), baseline),
        columns,
        asTrace);
  }

  static List<String> columns(PythonVersion version) {
    return version.atLeast(3, 7) ? ReplayEngine.COLUMNS : COUNTS;
  }

  /** The lab's rows in the columns that a real interpreter of the release can tell. */
  static List<long[]> simulated(Trace trace, PythonVersion version, int baseline) {
    if (version.atLeast(3, 7)) {
      return ReplayEngine.run(trace, version, baseline, BASELINE_LIVE);
    }
    List<long[]> counts = new ArrayList<>(trace.operations().size());
    long before = 0;
    for (long[] row : ReplayEngine.run(trace, version, baseline, 0)) {
      long collected = row[4] + row[7] + row[10];
      boolean asked = trace.operations().get(counts.size()).code() == Trace.Code.COLLECT;
      counts.add(new long[] {row[0], row[1], row[2], asked ? collected - before : -1});
      before = collected;
    }
    return counts;
  }

  private static Rows replayed(
      RealPython python, Path replay, Duration limit, String trace, List<String> columns)
      throws Command.Failure {
    Path file = null;
    try {
      file = Files.createTempFile("lab-trace", ".json");
      Files.writeString(file, trace);
      return read(
          Command.json(
              List.of(python.path(), "-E", "-S", replay.toString(), file.toString()), limit),
          columns.size());
    } catch (IOException e) {
      throw new Command.Failure(String.valueOf(e.getMessage()));
    } finally {
      if (file != null) {
        file.toFile().delete();
      }
    }
  }

  /** The rows of replay.py's answer. */
  static Rows read(JsonNode answer, int columns) throws Command.Failure {
    JsonNode baseline =
        answer.path(answer.has("tracked_at_start") ? "tracked_at_start" : "baseline_frozen");
    if (!baseline.canConvertToInt()
        || !baseline.isIntegralNumber()
        || baseline.intValue() < 0
        || baseline.intValue() > ReplayEngine.MAX_BASELINE) {
      throw new Command.Failure("its answer has no baseline_frozen within bounds");
    }
    JsonNode table = answer.path("rows");
    if (!table.isArray()) {
      throw new Command.Failure("its answer has no rows");
    }
    List<long[]> rows = new ArrayList<>(table.size());
    for (JsonNode line : table) {
      if (!line.isArray() || line.size() != columns) {
        throw new Command.Failure("its row " + rows.size() + " is no list of " + columns);
      }
      long[] row = new long[columns];
      for (int i = 0; i < columns; i++) {
        if (!line.get(i).isIntegralNumber()) {
          throw new Command.Failure("its row " + rows.size() + " holds no whole numbers");
        }
        row[i] = line.get(i).longValue();
      }
      rows.add(row);
    }
    return new Rows(rows, baseline.intValue());
  }

  /** The whole trace with these operations, JSON. */
  String text(List<String> operations) {
    return asTrace.apply(String.join(",", operations));
  }

  /** The first difference, or null if there is none. */
  @Nullable Difference difference(List<String> operations) throws Command.Failure {
    String text = text(operations);
    Rows told = real.replay(text);
    knownBaseline = told.baseline();
    List<long[]> rows;
    try {
      rows = lab.replay(parse(text), told.baseline());
    } catch (TraceException | Host.OutOfMemory e) {
      throw new Command.Failure("the lab cannot replay it: " + e.getMessage());
    }
    if (told.rows().size() != operations.size()) {
      throw new Command.Failure(
          "its answer has %d rows for %d operations"
              .formatted(told.rows().size(), operations.size()));
    }
    for (int i = Math.max(0, operations.indexOf(FULL)); i < operations.size(); i++) {
      for (int column = 0; column < columns.size(); column++) {
        long expected = told.rows().get(i)[column];
        long found = rows.get(i)[column];
        if (expected != found) {
          return new Difference(i, operations.get(i), columns.get(column), found, expected);
        }
      }
    }
    return null;
  }

  private static Trace parse(String text) {
    try {
      return Trace.read("trace", new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)));
    } catch (IOException e) {
      throw new TraceException(String.valueOf(e.getMessage()));
    }
  }

  /** A shorter trace that still differs. */
  Shrinker.Shrunk<String> shrink(List<String> failing, Difference first, Shrinker shrinker) {
    // What comes after the first difference has no part in it.
    List<String> start = failing.subList(0, first.index() + 1);
    return shrinker.shrink(start, Math.min(start.size(), failing.indexOf(FULL) + 1), this::differs);
  }

  private boolean differs(List<String> operations) {
    try {
      // Without an operation the rest can make no sense: an empty slot is linked, say. The lab
      // knows sooner than a real interpreter that must be started first.
      if (knownBaseline != null) {
        lab.replay(parse(text(operations)), knownBaseline);
      }
      return difference(operations) != null;
    } catch (Command.Failure | TraceException | Host.OutOfMemory e) {
      return false;
    }
  }
}
