package dev.preforklab.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.preforklab.cpython.recipe.Addresses;
import dev.preforklab.cpython.replay.Trace;
import dev.preforklab.experiment.verify.Check;
import dev.preforklab.experiment.verify.Golden;
import dev.preforklab.experiment.verify.RealPython;
import dev.preforklab.experiment.verify.RecipeGenerator;
import dev.preforklab.experiment.verify.Verification;
import dev.preforklab.experiment.verify.Verification.NamedTrace;
import dev.preforklab.experiment.verify.Verification.Options;
import dev.preforklab.experiment.verify.VerificationReport;
import dev.preforklab.scenario.InputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import java.util.stream.Collectors;
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
      "PATH and under ~/.pyenv, side by side. Ends with 0 only if all agree within the bounds, else 1.",
      "Where there is no CPython the lab is held against figures recorded from real ones."
    })
final class VerifyCommand extends ConsoleCommand {
  private static final int CASES_MAX = 1_000;
  private static final int OPERATIONS_MAX = 100_000;

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

  @Option(
      names = "--operations",
      paramLabel = "N",
      description = "Operations in each random trace; default: 600.")
  int operations = 600;

  @Option(
      names = "--slots",
      paramLabel = "N",
      description = "References that each random trace works on; default: 40.")
  int slots = 40;

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
      names = "--trace",
      paramLabel = "FILE",
      description = "A trace to check instead of the recorded and random ones; may be repeated.")
  List<String> traces = new ArrayList<>();

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
    if (operations < 2 || operations > OPERATIONS_MAX) {
      throw new InputException(
          "--operations " + operations + ": must be from 2 to " + OPERATIONS_MAX);
    }
    if (slots < 1 || slots > Trace.MAX_SLOTS) {
      throw new InputException("--slots " + slots + ": must be from 1 to " + Trace.MAX_SLOTS);
    }
    if (timeoutSeconds < 1) {
      throw new InputException("--timeout " + timeoutSeconds + ": must be at least 1 second");
    }
    for (String recipe : recipes) {
      RigCommand.read(recipe);
    }
    if (!traces.isEmpty() && only.equals("recipes")) {
      throw new InputException("--trace " + traces.get(0) + ": goes not with --only recipes");
    }
    List<NamedTrace> named =
        traces.stream().map(t -> new NamedTrace(fileName(t), ReplayCommand.read(t))).toList();
    OutputFile output = json == null ? null : OutputFile.checked("--json", json);
    RealPython.Found found = interpreters();
    Options defaults = Options.defaults(LabHome.directory().resolve("capture"));
    Options options =
        new Options(
            seed,
            named.isEmpty() ? cases : 0,
            cases,
            only,
            operations,
            slots,
            only.equals("recipes") || !named.isEmpty() ? List.of() : defaults.goldenTraces(),
            named,
            recipes.isEmpty() ? defaults.recipes() : recipes,
            defaults.captureDirectory(),
            Duration.ofSeconds(timeoutSeconds),
            defaults.shrinking());
    Addresses addresses =
        only.equals("traces") ? Addresses.RANDOM : found.addresses(); // no trace depends on them
    boolean table = output == null || !output.isStandardOutput();
    if (table) {
      console
          .out()
          .printf(
              "prefork-lab %s (%s), seed %d: %s%s%n%s%n",
              LabVersion.version(),
              LabVersion.commit(),
              seed,
              found.isEmpty()
                  ? "no real CPython on PATH or under ~/.pyenv (name one with --python); the lab is"
                      + " held against recorded figures of real ones, and no fresh case is run"
                  : told(found, addresses),
              skipped(found),
              VerificationReport.heading());
    }
    Progress progress = new Progress(table);
    List<Check> checks =
        found.isEmpty()
            ? Golden.run(only, progress)
            : Verification.run(options, found, addresses, progress);
    if (output != null) {
      ObjectNode answer =
          VerificationReport.json(
              checks, found.others(), LabVersion.version(), LabVersion.commit(), seed);
      if (!found.isEmpty() && !only.equals("traces")) {
        answer.put("addresses", addresses.name().toLowerCase(Locale.ROOT));
      }
      output.write(answer.toPrettyString() + "\n", console.out());
    }
    if (table) {
      long agree = checks.stream().filter(c -> c.outcome() == Check.Outcome.AGREES).count();
      console.out().printf("%d agree, %d differ or failed%n", agree, checks.size() - agree);
      checks.forEach(this::keepTrace);
    }
    return VerificationReport.isGood(checks) ? ExitCode.OK : ExitCode.MISSED;
  }

  private static String fileName(String path) {
    return path.substring(path.lastIndexOf('/') + 1).replaceFirst("\\.json$", "");
  }

  private String told(RealPython.Found found, Addresses addresses) {
    int count = found.pythons().size();
    String pythons = count + (count == 1 ? " real CPython" : " real CPythons");
    if (only.equals("traces") || count == 0) {
      return pythons;
    }
    return pythons
        + (addresses == Addresses.FIXED
            ? "; recipes with fixed addresses, each run once"
            : "; recipes with random addresses, as fixed ones are not permitted here: where one run"
                + " differs the median of nine decides");
  }

  /** The other interpreters that were found, if any, as a line of their own. */
  private static String skipped(RealPython.Found found) {
    return found.others().isEmpty()
        ? ""
        : System.lineSeparator()
            + "skipped, not simulated: "
            + found.others().stream().map(o -> o.toString()).collect(Collectors.joining(", "));
  }

  /** Writes a trace that differs where it can be run again. */
  private void keepTrace(Check check) {
    if (check.trace() == null) {
      return;
    }
    String name = (check.python() + "-" + check.name()).replaceAll("[^A-Za-z0-9._]+", "-");
    try {
      Path file = Files.createTempFile("lab-trace-" + name + "-", ".json");
      Files.writeString(file, check.trace());
      console
          .out()
          .printf(
              "%s %s, shortened, again: ./lab verify --trace %s%n",
              check.python(), check.name(), file);
    } catch (IOException e) {
      console.err().println("lab: the trace that differs could not be kept: " + e.getMessage());
    }
  }

  /** Lines of the table as they come, or a count of them if somebody looks on without a table. */
  private final class Progress implements Consumer<Check> {
    private final boolean table;
    private final boolean counts;
    private int done;

    Progress(boolean table) {
      this.table = table;
      counts = console.errIsTerminal() && !(table && console.outIsTerminal());
    }

    @Override
    public void accept(Check check) {
      done++;
      if (table) {
        console.out().println(VerificationReport.line(check));
        console.out().flush();
      }
      if (counts) {
        console.err().print("\r" + done + " checks\u001b[K\r");
        console.err().flush();
      }
    }
  }

  private RealPython.Found interpreters() {
    for (String python : pythons) {
      if (!Files.isExecutable(Path.of(python))) {
        throw new InputException("--python " + python + ": no such program");
      }
    }
    RealPython.Found found;
    try {
      found =
          RealPython.find(
              pythons,
              System.getenv().getOrDefault("PATH", ""),
              Path.of(System.getProperty("user.home", ".")));
    } catch (IllegalArgumentException e) {
      throw new InputException("--python " + e.getMessage(), e);
    }
    return found;
  }
}
