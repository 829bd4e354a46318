package dev.preforklab.cli;

import dev.preforklab.experiment.Comparison;
import dev.preforklab.experiment.ComparisonResult;
import dev.preforklab.experiment.Lab;
import dev.preforklab.prefork.GcPolicy;
import dev.preforklab.prefork.profile.ProfilePair;
import dev.preforklab.report.Build;
import dev.preforklab.report.ComparisonCsv;
import dev.preforklab.report.ComparisonHtml;
import dev.preforklab.report.ComparisonJson;
import dev.preforklab.report.ComparisonTable;
import dev.preforklab.scenario.InputException;
import dev.preforklab.scenario.Scenario;
import dev.preforklab.scenario.ScenarioLoader;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code lab compare}: a batch load test of GC settings. */
@Command(
    name = "compare",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Runs the same load against one simulated host for each GC setting, as fast as it can,",
      "and prints a table. Unless the scenario or an option says otherwise the load is a closed",
      "loop of 8 users who ask for the endpoints in turn."
    })
final class CompareCommand extends ConsoleCommand {
  private static final int JOBS_MAX = 64;

  @Mixin final ScenarioOptions options = new ScenarioOptions();

  @Option(
      names = "--json",
      paramLabel = "F",
      description = "Write the result as JSON; - is standard output.")
  @Nullable String json;

  @Option(names = "--csv", paramLabel = "F", description = "Write the table as CSV.")
  @Nullable String csv;

  @Option(names = "--html", paramLabel = "F", description = "Write a page with charts, one file.")
  @Nullable String html;

  @Option(
      names = "--jobs",
      paramLabel = "N",
      description = "Hosts simulated at a time; default: the cores of this machine.")
  @Nullable String jobs;

  CompareCommand(Console console) {
    super(console);
  }

  private record Output(OutputFile file, Supplier<String> text) {}

  @Override
  public Integer call() throws Exception {
    ScenarioLoader loader = new ScenarioLoader().set("load.arrivals", "closed", "compare");
    options.apply(loader);
    Scenario scenario = loader.load();
    if (scenario.run().requests() == 0 && scenario.run().durationNs() == 0) {
      throw new InputException("compare needs an end: --requests or --duration above 0");
    }
    int threads = jobs(scenario.gc().size());
    List<String> names = new ArrayList<>();
    ComparisonResult[] result = new ComparisonResult[1];
    Build build = new Build(LabVersion.version(), LabVersion.commit());
    List<Output> outputs = new ArrayList<>();
    add(outputs, "--json", json, () -> ComparisonJson.render(result[0], build));
    add(outputs, "--csv", csv, () -> ComparisonCsv.render(result[0]));
    add(outputs, "--html", html, () -> ComparisonHtml.render(result[0], build));

    Lab lab =
        new Lab(
            scenario, ProfilePair.read(LabHome.profile(scenario.profile(), loader)), loader::error);
    scenario.gc().stream().map(GcPolicy::name).forEach(names::add);
    ExecutorService executor = Executors.newFixedThreadPool(threads);
    try (ProgressBar progress = new ProgressBar(console.err(), console.errIsTerminal(), names)) {
      result[0] = Comparison.run(lab, executor, progress::update);
    } finally {
      executor.shutdownNow();
    }
    boolean outTaken = false;
    for (Output output : outputs) {
      output.file().write(output.text().get(), console.out());
      outTaken |= output.file().isStandardOutput();
    }
    if (!outTaken) {
      console.out().print(ComparisonTable.render(result[0], build, console.outIsTerminal()));
    }
    return ExitCode.OK;
  }

  private static void add(
      List<Output> outputs, String option, @Nullable String name, Supplier<String> text) {
    if (name != null) {
      OutputFile file = OutputFile.checked(option, name);
      if (file.isStandardOutput() && outputs.stream().anyMatch(o -> o.file().isStandardOutput())) {
        throw new InputException(option + ": standard output is taken already");
      }
      outputs.add(new Output(file, text));
    }
  }

  private int jobs(int settings) {
    int wanted = Runtime.getRuntime().availableProcessors();
    if (jobs != null) {
      if (!jobs.matches("[0-9]{1,3}")
          || Integer.parseInt(jobs) < 1
          || Integer.parseInt(jobs) > JOBS_MAX) {
        throw new InputException(
            "--jobs: must be a whole number from 1 to " + JOBS_MAX + ", not \"" + jobs + "\"");
      }
      wanted = Integer.parseInt(jobs);
    }
    return Math.min(wanted, settings);
  }
}
