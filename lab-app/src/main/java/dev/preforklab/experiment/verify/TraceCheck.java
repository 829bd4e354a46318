package dev.preforklab.experiment.verify;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
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
import org.jspecify.annotations.Nullable;

/**
 * One collector trace on both sides: every counter after every operation, from the first full
 * collection on.
 */
final class TraceCheck {
  private static final int BASELINE_LIVE = 2;

  /** Shrinking a failing trace tries at most so many shorter ones. */
  private static final int MOST_TRIES = 150;

  private final RealPython python;
  private final Path replay;
  private final Duration limit;
  private final boolean mixed;

  TraceCheck(RealPython python, Path replay, Duration limit, boolean mixed) {
    this.python = python;
    this.replay = replay;
    this.limit = limit;
    this.mixed = mixed;
  }

  /** Whether the real side can be read: the counters stand together from 3.7 on. */
  static boolean isSupported(PythonVersion version) {
    return version.atLeast(3, 7);
  }

  /** The first difference, or null if there is none. */
  @Nullable String difference(List<String> operations) throws Command.Failure {
    String text = TraceGenerator.trace(mixed, operations);
    JsonNode real;
    Path file = null;
    try {
      file = Files.createTempFile("lab-trace", ".json");
      Files.writeString(file, text);
      real =
          new ObjectMapper()
              .readTree(
                  Command.output(
                      List.of(python.path(), "-E", "-S", replay.toString(), file.toString()),
                      limit));
    } catch (IOException e) {
      throw new Command.Failure(String.valueOf(e.getMessage()));
    } finally {
      if (file != null) {
        file.toFile().delete();
      }
    }
    List<long[]> rows;
    try {
      Trace trace = Trace.read(new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)));
      rows =
          ReplayEngine.run(
              trace, python.version(), real.get("baseline_frozen").asInt(), BASELINE_LIVE);
    } catch (IOException e) {
      throw new Command.Failure(String.valueOf(e.getMessage()));
    }
    return firstDifference(operations, real.get("rows"), rows);
  }

  private static @Nullable String firstDifference(
      List<String> operations, JsonNode real, List<long[]> rows) {
    int start = operations.indexOf("[\"collect\",2]");
    for (int i = Math.max(0, start); i < rows.size(); i++) {
      for (int column = 0; column < ReplayEngine.COLUMNS.size(); column++) {
        long expected = real.get(i).get(column).asLong();
        if (expected != rows.get(i)[column]) {
          return "after op %d %s: %s is %d, real %d"
              .formatted(
                  i,
                  operations.get(i),
                  ReplayEngine.COLUMNS.get(column),
                  rows.get(i)[column],
                  expected);
        }
      }
    }
    return null;
  }

  /** A shorter trace that still differs: operations are left out, ever fewer at a time. */
  List<String> shrink(List<String> failing) {
    List<String> best = failing;
    int tries = 0;
    for (int chunk = failing.size() / 2; chunk >= 1; chunk /= 2) {
      for (int from = 2; from < best.size() && tries < MOST_TRIES; ) {
        List<String> shorter = new ArrayList<>(best.subList(0, from));
        shorter.addAll(best.subList(Math.min(best.size(), from + chunk), best.size()));
        tries++;
        if (stillDiffers(shorter)) {
          best = shorter;
        } else {
          from += chunk;
        }
      }
    }
    return best;
  }

  private boolean stillDiffers(List<String> operations) {
    try {
      return difference(operations) != null;
    } catch (Command.Failure | TraceException e) {
      // Without an operation the rest can make no sense: an empty slot is linked, say.
      return false;
    }
  }
}
