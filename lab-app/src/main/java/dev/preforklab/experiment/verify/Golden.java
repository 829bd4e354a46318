package dev.preforklab.experiment.verify;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.recipe.Addresses;
import dev.preforklab.cpython.recipe.RecipeReader;
import dev.preforklab.cpython.recipe.RecipeRunner;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.zip.GZIPInputStream;

/**
 * What real interpreters did when they were asked, for machines that have none: two traces of 2,000
 * operations and the figures of a few recipes, from each release.
 */
public final class Golden {
  /** The interpreters whose figures are kept. */
  public static final List<String> INTERPRETERS =
      List.of(
          "2.7.18", "3.6.15", "3.7.16", "3.8.18", "3.9.18", "3.10.13", "3.11.7", "3.12.1",
          "3.13.0");

  static final List<String> TRACES = List.of("pure_1", "mixed_1");
  static final List<String> RECIPES =
      List.of("nones_plain", "ints_plain", "array_plain", "slots_plain");

  private static final ObjectMapper JSON = new ObjectMapper();

  private Golden() {}

  /** A kept trace: its operations, each a JSON list, and what goes around them. */
  record KeptTrace(boolean mixed, int slots, List<String> operations) {
    String with(String operations) {
      return TraceGenerator.trace(mixed, slots, operations);
    }
  }

  /**
   * Holds the lab against the kept figures of all releases.
   *
   * @param only "traces" or "recipes", or "" for both
   */
  public static List<Check> run(String only, Consumer<Check> progress) {
    return run(INTERPRETERS, only, progress);
  }

  /** The same for some of {@link #INTERPRETERS}. */
  static List<Check> run(List<String> interpreters, String only, Consumer<Check> progress) {
    List<Check> checks = new ArrayList<>();
    for (String interpreter : interpreters) {
      List<Check> some = new ArrayList<>();
      if (!only.equals("recipes")) {
        TRACES.forEach(name -> some.add(trace(interpreter, name)));
      }
      if (!only.equals("traces")) {
        RECIPES.forEach(name -> some.addAll(recipe(interpreter, name)));
      }
      some.forEach(progress);
      checks.addAll(some);
    }
    return checks;
  }

  private static Check trace(String interpreter, String name) {
    String shown = "recorded " + name;
    try {
      KeptTrace kept = keptTrace(name);
      PythonVersion version = PythonVersion.parse(interpreter);
      List<String> columns = TraceCheck.columns(version);
      TraceCheck.Rows recorded =
          TraceCheck.read(
              read("/cpython/gc_trace/" + name + "." + interpreter + ".json.gz"), columns.size());
      TraceCheck check =
          new TraceCheck(
              trace -> recorded,
              (trace, baseline) -> TraceCheck.simulated(trace, version, baseline),
              columns,
              kept::with);
      // The recording cannot run a shorter trace: no time is given to look for one.
      Shrinker none = new Shrinker(() -> () -> true);
      return Verification.traceCheck(interpreter, shown, kept.operations(), check, none);
    } catch (Command.Failure | IOException e) {
      return Check.failed(interpreter, "trace", shown, String.valueOf(e.getMessage()));
    }
  }

  private static List<Check> recipe(String interpreter, String name) {
    String shown = "recorded " + name;
    try {
      String text = RecipeCheck.shipped(name);
      if (text == null) {
        throw new FileNotFoundException("no recipe " + name);
      }
      PythonVersion version = PythonVersion.parse(interpreter);
      RecipeRunner runner = new RecipeRunner(RecipeReader.read(text), version, Addresses.FIXED);
      JsonNode answer = read("/rig/results/" + version + "/" + name + ".json");
      return Verification.recipeChecks(
          interpreter,
          shown,
          RecipeCheck.compare(RecipeReader.read(text), answer, RecipeCheck.simulate(runner)));
    } catch (Command.Failure | IOException e) {
      return List.of(Check.failed(interpreter, "recipe", shown, String.valueOf(e.getMessage())));
    }
  }

  static KeptTrace keptTrace(String name) throws IOException {
    JsonNode trace = read("/cpython/gc_trace/" + name + ".trace.json.gz");
    List<String> operations = new ArrayList<>();
    trace.get("ops").forEach(operation -> operations.add(operation.toString()));
    return new KeptTrace(
        trace.get("family").asText().equals("mixed"), trace.get("slots").asInt(), operations);
  }

  private static JsonNode read(String resource) throws IOException {
    try (InputStream in = Golden.class.getResourceAsStream(resource)) {
      if (in == null) {
        throw new FileNotFoundException("no recorded figures " + resource);
      }
      return JSON.readTree(resource.endsWith(".gz") ? new GZIPInputStream(in) : in);
    }
  }
}
