package dev.preforklab.cli;

import dev.preforklab.experiment.verify.RealPython;
import dev.preforklab.experiment.verify.RecipeGenerator;
import dev.preforklab.experiment.verify.Verification;
import dev.preforklab.experiment.verify.Verification.Check;
import dev.preforklab.experiment.verify.Verification.Options;
import dev.preforklab.scenario.InputException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code lab verify}: the simulated interpreter against the real ones of this machine. */
@Command(
    name = "verify",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Runs random collector traces and heap recipes in the lab and in every real CPython found on",
      "PATH and under ~/.pyenv, side by side. Ends with 0 only if all agree within the bounds, else 1."
    })
final class VerifyCommand extends ConsoleCommand {
  private static final int CASES_MAX = 1_000;

  @Option(
      names = "--python",
      paramLabel = "PATH",
      arity = "1..*",
      description = "Real interpreters to use instead of those found.")
  List<String> pythons = new ArrayList<>();

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "Seed of the random traces; default: 1.")
  long seed = 1;

  @Option(
      names = "--cases",
      paramLabel = "N",
      description =
          "Random traces of each family, and random recipes, for each interpreter; default: 5.")
  int cases = 5;

  @Option(names = "--only", paramLabel = "KIND", description = "traces or recipes; default: both.")
  String only = "";

  @Option(
      names = "--print-recipe",
      paramLabel = "N",
      description = "Print the random recipe of seed N, for `lab rig`, and stop.")
  @Nullable Long printRecipe;

  @Option(
      names = "--recipe",
      paramLabel = "FILE",
      description = "A recipe to check instead of the shipped ones; may be repeated.")
  List<String> recipes = new ArrayList<>();

  @Option(
      names = "--timeout",
      paramLabel = "SECONDS",
      description = "Limit for each run of a real interpreter; default: 180.")
  int timeoutSeconds = 180;

  @Option(
      names = "--json",
      paramLabel = "F",
      description = "Write the result as JSON; - is standard output.")
  @Nullable String json;

  VerifyCommand(Console console) {
    super(console);
  }

  @Override
  public Integer call() {
    if (printRecipe != null) {
      console.out().println(RecipeGenerator.generate(printRecipe));
      return ExitCode.OK;
    }
    if (!List.of("", "traces", "recipes").contains(only)) {
      throw new InputException("--only " + only + ": must be traces or recipes");
    }
    if (cases < 0 || cases > CASES_MAX) {
      throw new InputException("--cases " + cases + ": must be from 0 to " + CASES_MAX);
    }
    if (timeoutSeconds < 1) {
      throw new InputException("--timeout " + timeoutSeconds + ": must be at least 1 second");
    }
    for (String recipe : recipes) {
      if (!Files.isRegularFile(Path.of(recipe))) {
        throw new InputException("--recipe " + recipe + ": no such file");
      }
    }
    OutputFile output = json == null ? null : OutputFile.checked("--json", json);
    List<RealPython> found = interpreters();
    Options defaults = Options.defaults(LabHome.directory().resolve("capture"));
    Options options =
        new Options(
            seed,
            cases,
            cases,
            only,
            defaults.operations(),
            recipes.isEmpty() ? defaults.recipes() : recipes,
            defaults.captureDirectory(),
            Duration.ofSeconds(timeoutSeconds));
    boolean table = output == null || !output.isStandardOutput();
    if (table) {
      console
          .out()
          .printf(
              "prefork-lab %s (%s), seed %d: %d real CPythons%n",
              LabVersion.version(), LabVersion.commit(), seed, found.size());
    }
    List<Check> checks =
        new Verification(options, found)
            .run(
                check -> {
                  if (table) {
                    console.out().println(Verification.line(check));
                    console.out().flush();
                  }
                });
    if (output != null) {
      output.write(
          Verification.json(checks, LabVersion.version(), LabVersion.commit(), seed)
                  .toPrettyString()
              + "\n",
          console.out());
    }
    boolean good = Verification.isGood(checks);
    if (table) {
      long agree = checks.stream().filter(c -> c.outcome() == Verification.Outcome.AGREES).count();
      long skipped =
          checks.stream().filter(c -> c.outcome() == Verification.Outcome.SKIPPED).count();
      console
          .out()
          .printf(
              "%d agree, %d differ or failed, %d skipped%n",
              agree, checks.size() - agree - skipped, skipped);
    }
    return good ? ExitCode.OK : ExitCode.MISSED;
  }

  private List<RealPython> interpreters() {
    for (String python : pythons) {
      if (!Files.isExecutable(Path.of(python))) {
        throw new InputException("--python " + python + ": no such program");
      }
    }
    List<RealPython> found;
    try {
      found =
          RealPython.find(
              pythons,
              System.getenv().getOrDefault("PATH", ""),
              Path.of(System.getProperty("user.home", ".")));
    } catch (IllegalArgumentException e) {
      throw new InputException("--python " + e.getMessage(), e);
    }
    if (found.isEmpty()) {
      throw new InputException(
          "no real CPython of 2.7 or 3.6 to 3.13 on PATH or under ~/.pyenv; name one with --python");
    }
    return found;
  }
}
