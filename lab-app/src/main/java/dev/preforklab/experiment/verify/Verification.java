package dev.preforklab.experiment.verify;

import dev.preforklab.cpython.recipe.Addresses;
import dev.preforklab.cpython.recipe.RecipeException;
import dev.preforklab.cpython.replay.Trace;
import dev.preforklab.experiment.verify.Check.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Traces and recipes in the simulated interpreter and in every real one given, side by side.
 *
 * <p>Traces are random, from a seed; each counter must be equal after each operation. Recipes are
 * the shipped ones, or given; pages may differ by 15 or 1 percent, faults at exit by 5 percent, the
 * shared part by 0.01.
 */
public final class Verification {
  /** An interpreter that has not answered so often is asked no more. */
  private static final int MOST_TIMEOUTS = 2;

  /** Operations of a differing trace that are shown; the whole stands in {@link Check#trace}. */
  private static final int MOST_SHOWN = 40;

  /** A trace and what to call it. */
  public record NamedTrace(String name, Trace trace) {}

  /**
   * What to check.
   *
   * @param cases random traces of each family for each interpreter
   * @param randomRecipes random recipes for each interpreter
   * @param only "traces" or "recipes", or "" for both
   * @param operations in each trace
   * @param slots that each trace works on
   * @param goldenTraces names of kept traces to run too
   * @param traces further traces to run
   * @param recipes names of shipped recipes or paths of files
   * @param captureDirectory where rig.py and replay.py lie
   * @param limit for each run of a real interpreter
   * @param shrinking the longest time to look for a shorter trace that differs
   */
  public record Options(
      long seed,
      int cases,
      int randomRecipes,
      String only,
      int operations,
      int slots,
      List<String> goldenTraces,
      List<NamedTrace> traces,
      List<String> recipes,
      Path captureDirectory,
      Duration limit,
      Duration shrinking) {

    /** Five traces of 600 operations a family, and the recipes that are quick. */
    public static Options defaults(Path captureDirectory) {
      return new Options(
          1,
          5,
          5,
          "",
          600,
          TraceGenerator.SLOTS,
          Golden.TRACES,
          List.of(),
          Golden.RECIPES,
          captureDirectory,
          Duration.ofMinutes(3),
          Duration.ofMinutes(1));
    }
  }

  private final Options options;
  private final RealPython.Found found;
  private final List<Check> checks = new ArrayList<>();
  private final Consumer<Check> progress;
  private final Addresses addresses;
  private int timeouts;

  private Verification(
      Options options, RealPython.Found found, Addresses addresses, Consumer<Check> progress) {
    this.options = options;
    this.found = found;
    this.addresses = addresses;
    this.progress = progress;
  }

  /**
   * Runs all checks; each is told of as it is done.
   *
   * @param addresses of the processes that recipes are measured in
   */
  public static List<Check> run(
      Options options, RealPython.Found found, Addresses addresses, Consumer<Check> progress) {
    return new Verification(options, found, addresses, progress).run();
  }

  private List<Check> run() {
    for (RealPython.Broken broken : found.broken()) {
      add(Check.failed("?", "interpreter", broken.path(), broken.why()));
    }
    for (RealPython python : found.pythons()) {
      timeouts = 0;
      List<Runnable> tasks = tasks(python);
      for (int i = 0; i < tasks.size() && timeouts < MOST_TIMEOUTS; i++) {
        tasks.get(i).run();
      }
      if (timeouts >= MOST_TIMEOUTS) {
        String why = "asked no more: " + timeouts + " runs did not end";
        add(Check.failed(python.fullVersion(), "interpreter", python.path(), why));
      }
    }
    return List.copyOf(checks);
  }

  private List<Runnable> tasks(RealPython python) {
    List<Runnable> tasks = new ArrayList<>();
    for (String name : options.goldenTraces) {
      tasks.add(() -> checkGoldenTrace(python, name));
    }
    for (NamedTrace named : options.traces) {
      tasks.add(() -> checkTrace(python, named));
    }
    for (int i = 0; i < options.cases && !options.only.equals("recipes"); i++) {
      long seed = options.seed + i;
      tasks.add(() -> checkTrace(python, seed, false));
      tasks.add(() -> checkTrace(python, seed, true));
    }
    if (options.only.equals("traces")) {
      return tasks;
    }
    for (String recipe : options.recipes) {
      tasks.add(() -> checkRecipe(python, recipe, RecipeCheck.shipped(recipe)));
    }
    for (int i = 0; i < options.randomRecipes; i++) {
      long seed = options.seed + i;
      tasks.add(() -> checkRecipe(python, "random " + seed, RecipeGenerator.generate(seed)));
    }
    return tasks;
  }

  private void add(Check check) {
    checks.add(check);
    progress.accept(check);
  }

  private void failed(RealPython python, String kind, String name, Exception e) {
    if (e instanceof Command.Timeout) {
      timeouts++;
    }
    add(Check.failed(python.fullVersion(), kind, name, String.valueOf(e.getMessage())));
  }

  /** A fault of the lab is what one looks for here, and no reason to ask the others nothing. */
  private void labFailed(RealPython python, String kind, String name, Throwable e) {
    String why = "internal fault of the lab: " + e;
    failed(python, kind, name, new IllegalStateException(why, e));
  }

  private void checkTrace(RealPython python, long seed, boolean mixed) {
    checkTrace(
        python,
        (mixed ? "mixed " : "pure ") + seed,
        TraceGenerator.generate(seed, mixed, options.operations, options.slots),
        operations -> TraceGenerator.trace(mixed, options.slots, operations));
  }

  private void checkTrace(RealPython python, NamedTrace named) {
    Trace trace = named.trace();
    checkTrace(
        python,
        named.name(),
        trace.operations().stream().map(Trace.Operation::text).toList(),
        operations ->
            TraceGenerator.trace(trace.family().equals("mixed"), trace.slots(), operations));
  }

  private void checkGoldenTrace(RealPython python, String name) {
    try {
      Golden.KeptTrace kept = Golden.keptTrace(name);
      checkTrace(python, "golden " + name, kept.operations(), kept::with);
    } catch (IOException e) {
      failed(python, "trace", "golden " + name, e);
    }
  }

  private void checkTrace(
      RealPython python, String name, List<String> operations, UnaryOperator<String> asTrace) {
    TraceCheck check =
        TraceCheck.of(
            python, options.captureDirectory.resolve("replay.py"), options.limit, asTrace);
    Shrinker shrinker = Shrinker.within(options.shrinking);
    try {
      add(traceCheck(python.fullVersion(), name, operations, check, shrinker));
    } catch (Command.Failure e) {
      failed(python, "trace", name, e);
    } catch (RuntimeException | OutOfMemoryError e) {
      labFailed(python, "trace", name, e);
    }
  }

  /** A trace on both sides; if they differ, shrunk. */
  static Check traceCheck(
      String python, String name, List<String> operations, TraceCheck check, Shrinker shrinker)
      throws Command.Failure {
    TraceCheck.Difference difference = check.difference(operations);
    if (difference == null) {
      String rows = operations.size() + " operations";
      return new Check(python, "trace", name, Outcome.AGREES, rows, rows, rows, "0");
    }
    Shrinker.Shrunk<String> shrunk = check.shrink(operations, difference, shrinker);
    return new Check(
        python,
        "trace",
        name,
        Outcome.DIFFERS,
        "%s (%d operations%s): %s"
            .formatted(
                shrunk.minimal() ? "shortest" : "shortest found in time",
                shrunk.items().size(),
                shrunk.minimal() ? ", none can be left out" : "",
                shown(shrunk.items())),
        difference.column() + " " + difference.real(),
        difference.column() + " " + difference.lab(),
        "%+d after op %d %s"
            .formatted(
                difference.lab() - difference.real(), difference.index(), difference.operation()),
        check.text(shrunk.items()));
  }

  /** Operations as people can read them: all of a short trace, the end of a long one. */
  private static String shown(List<String> operations) {
    int left = Math.max(0, operations.size() - MOST_SHOWN);
    return (left > 0 ? "... " : "") + String.join(" ", operations.subList(left, operations.size()));
  }

  private void checkRecipe(RealPython python, String recipe, @Nullable String known) {
    String name = recipe.replaceFirst(".*/", "").replaceFirst("\\.json$", "");
    try {
      String text = known == null ? Files.readString(Path.of(recipe)) : known;
      recipeChecks(python.fullVersion(), name, recipeOutcomes(python, text)).forEach(this::add);
    } catch (Command.Failure | RecipeException | IOException e) {
      failed(python, "recipe", name, e);
    } catch (RuntimeException | OutOfMemoryError e) {
      labFailed(python, "recipe", name, e);
    }
  }

  static List<Check> recipeChecks(String python, String name, List<RecipeCheck.Outcome> outcomes) {
    return outcomes.stream()
        .map(
            outcome ->
                new Check(
                    python,
                    "recipe",
                    name + " " + outcome.act(),
                    outcome.agrees() ? Outcome.AGREES : Outcome.DIFFERS,
                    "real " + outcome.real() + "; lab " + outcome.lab(),
                    outcome.real(),
                    outcome.lab(),
                    outcome.difference()))
        .toList();
  }

  /** The newest interpreter runs rig.py, and where that fails the one that is measured. */
  private List<RecipeCheck.Outcome> recipeOutcomes(RealPython python, String text)
      throws Command.Failure {
    Path rig = options.captureDirectory.resolve("rig.py");
    String runner = found.newest().path();
    try {
      return RecipeCheck.run(python, runner, rig, text, addresses, options.limit);
    } catch (Command.Timeout e) {
      throw e;
    } catch (Command.Failure e) {
      if (runner.equals(python.path())) {
        throw e;
      }
      return RecipeCheck.run(python, python.path(), rig, text, addresses, options.limit);
    }
  }
}
