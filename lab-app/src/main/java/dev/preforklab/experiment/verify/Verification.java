package dev.preforklab.experiment.verify;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.preforklab.cpython.recipe.RecipeException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Traces and recipes in the simulated interpreter and in every real one given, side by side.
 *
 * <p>Traces are random, from a seed; each counter must be equal after each operation. Recipes are
 * the shipped ones, or given; pages may differ by 15 or 1 percent, faults at exit by 5 percent, the
 * shared part by 0.01.
 */
public final class Verification {
  /** What came of a check. */
  public enum Outcome {
    AGREES,
    DIFFERS,
    SKIPPED,
    FAILED
  }

  /** One line of the table. */
  public record Check(String python, String kind, String name, Outcome outcome, String detail) {}

  /**
   * What to check.
   *
   * @param cases random traces of each family for each interpreter
   * @param randomRecipes random recipes for each interpreter
   * @param only "traces" or "recipes", or "" for both
   * @param operations in each trace
   * @param recipes names of shipped recipes or paths of files
   * @param captureDirectory where rig.py and replay.py lie
   * @param limit for each run of a real interpreter
   */
  public record Options(
      long seed,
      int cases,
      int randomRecipes,
      String only,
      int operations,
      List<String> recipes,
      Path captureDirectory,
      Duration limit) {

    /** Five traces of 600 operations a family, and the recipes that are quick. */
    public static Options defaults(Path captureDirectory) {
      return new Options(
          1,
          5,
          5,
          "",
          600,
          List.of("nones_plain", "ints_plain", "array_plain", "slots_plain"),
          captureDirectory,
          Duration.ofMinutes(3));
    }
  }

  private final Options options;
  private final List<RealPython> pythons;
  private final List<Check> checks = new ArrayList<>();

  public Verification(Options options, List<RealPython> pythons) {
    this.options = options;
    this.pythons = List.copyOf(pythons);
  }

  /** Runs all checks; each is told of as it is done. */
  public List<Check> run(Consumer<Check> progress) {
    for (RealPython python : pythons) {
      for (int i = 0; i < options.cases && !options.only.equals("recipes"); i++) {
        checkTrace(python, options.seed + i, false, progress);
        checkTrace(python, options.seed + i, true, progress);
      }
      if (options.only.equals("traces")) {
        continue;
      }
      for (String recipe : options.recipes) {
        checkRecipe(python, recipe, RecipeCheck.shipped(recipe), progress);
      }
      for (int i = 0; i < options.randomRecipes; i++) {
        long seed = options.seed + i;
        checkRecipe(python, "random " + seed, RecipeGenerator.generate(seed), progress);
      }
    }
    return List.copyOf(checks);
  }

  private void add(Check check, Consumer<Check> progress) {
    checks.add(check);
    progress.accept(check);
  }

  private void checkTrace(RealPython python, long seed, boolean mixed, Consumer<Check> progress) {
    String name = (mixed ? "mixed " : "pure ") + seed;
    if (!TraceCheck.isSupported(python.version())) {
      String why = "before 3.7 the counters cannot be read without disturbing them";
      add(new Check(python.fullVersion(), "trace", name, Outcome.SKIPPED, why), progress);
      return;
    }
    List<String> operations = TraceGenerator.generate(seed, mixed, options.operations);
    TraceCheck check =
        new TraceCheck(python, options.captureDirectory.resolve("replay.py"), options.limit, mixed);
    Outcome outcome = Outcome.AGREES;
    String detail = operations.size() + " operations";
    try {
      String difference = check.difference(operations);
      if (difference != null) {
        List<String> shortest = check.shrink(operations);
        outcome = Outcome.DIFFERS;
        detail = difference + "; seed " + seed + ", shortest: " + String.join(" ", shortest);
      }
    } catch (Command.Failure e) {
      outcome = Outcome.FAILED;
      detail = String.valueOf(e.getMessage());
    }
    add(new Check(python.fullVersion(), "trace", name, outcome, detail), progress);
  }

  private void checkRecipe(
      RealPython python,
      String recipe,
      @org.jspecify.annotations.Nullable String known,
      Consumer<Check> progress) {
    String name = recipe.replaceFirst(".*/", "").replaceFirst("\\.json$", "");
    String text = known;
    try {
      if (text == null) {
        text = Files.readString(Path.of(recipe));
      }
      List<RecipeCheck.Outcome> outcomes =
          RecipeCheck.run(
              python,
              runner(python),
              options.captureDirectory.resolve("rig.py"),
              text,
              options.limit);
      for (RecipeCheck.Outcome outcome : outcomes) {
        add(
            new Check(
                python.fullVersion(),
                "recipe",
                name + " " + outcome.act(),
                outcome.agrees() ? Outcome.AGREES : Outcome.DIFFERS,
                outcome.detail()),
            progress);
      }
    } catch (Command.Failure | RecipeException | java.io.IOException e) {
      add(
          new Check(
              python.fullVersion(), "recipe", name, Outcome.FAILED, String.valueOf(e.getMessage())),
          progress);
    }
  }

  /** The newest interpreter runs rig.py. */
  private String runner(RealPython otherwise) {
    return pythons.isEmpty() ? otherwise.path() : pythons.get(pythons.size() - 1).path();
  }

  /** Whether nothing differed or failed. */
  public static boolean isGood(List<Check> checks) {
    return checks.stream()
        .noneMatch(c -> c.outcome() == Outcome.DIFFERS || c.outcome() == Outcome.FAILED);
  }

  /** The checks as a table. */
  public static String table(List<Check> checks) {
    StringBuilder text = new StringBuilder();
    for (Check check : checks) {
      text.append(line(check)).append(System.lineSeparator());
    }
    return text.toString();
  }

  /** One check as a line of the table. */
  public static String line(Check check) {
    String name = check.name().length() > 44 ? check.name().substring(0, 41) + "..." : check.name();
    return "%-8s %-7s %-44s %-8s %s"
        .formatted(
            check.python(),
            check.kind(),
            name,
            check.outcome().name().toLowerCase(java.util.Locale.ROOT),
            check.detail());
  }

  /** The checks as JSON. */
  public static ObjectNode json(List<Check> checks, String version, String commit, long seed) {
    ObjectNode answer = new ObjectMapper().createObjectNode();
    answer.put("tool", "prefork-lab");
    answer.put("version", version);
    answer.put("commit", commit);
    answer.put("seed", seed);
    ArrayNode rows = answer.putArray("checks");
    for (Check check : checks) {
      rows.addObject()
          .put("python", check.python())
          .put("kind", check.kind())
          .put("name", check.name())
          .put("outcome", check.outcome().name().toLowerCase(java.util.Locale.ROOT))
          .put("detail", check.detail());
    }
    return answer;
  }
}
