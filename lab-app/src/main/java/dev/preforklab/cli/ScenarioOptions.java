package dev.preforklab.cli;

import dev.preforklab.scenario.ScenarioLoader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The options that say what is run; all values are read and checked by the scenario. */
final class ScenarioOptions {
  @Parameters(
      arity = "0..1",
      paramLabel = "SCENARIO",
      description = "A scenario file, or the name of one in scenarios/.")
  @Nullable String scenario;

  @Option(
      names = "--profile",
      paramLabel = "F",
      description = "Captured application: a file, or the name of one in profiles/.")
  @Nullable String profile;

  @Option(
      names = "--gc",
      paramLabel = "NAME,...",
      description =
          "GC settings side by side: default, disabled, threshold0, high-threshold, freeze,"
              + " collect-freeze, immortal, disabled-freeze, disabled-collect-freeze,"
              + " threshold=A,B,C.")
  @Nullable String gc;

  @Option(
      names = "--python",
      paramLabel = "V",
      description =
          "CPython release; default: the profile's own. 3.14 puts its incremental"
              + " collector in place of that of 3.10 to 3.13; not verified.")
  @Nullable String python;

  @Option(names = "--workers", paramLabel = "N", description = "Worker processes on each host.")
  @Nullable String workers;

  @Option(
      names = "--arrivals",
      paramLabel = "KIND",
      description = "poisson, constant, bursts (open loop) or closed.")
  @Nullable String arrivals;

  @Option(
      names = "--rate",
      paramLabel = "R",
      description = "Open loop: requests a simulated second, for each host.")
  @Nullable String rate;

  @Option(names = "--users", paramLabel = "N", description = "Closed loop: users who wait and ask.")
  @Nullable String users;

  @Option(
      names = "--requests",
      paramLabel = "N",
      description = "End after so many requests on each host; 0 = no limit.")
  @Nullable String requests;

  @Option(
      names = "--duration",
      paramLabel = "D",
      description = "End after this much simulated time (90s, 10m, 2h).")
  @Nullable String duration;

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "Same scenario, same seed: same bytes out.")
  @Nullable String seed;

  @Option(names = "--ram", paramLabel = "SIZE", description = "Memory of each simulated host.")
  @Nullable String ram;

  @Option(names = "--cores", paramLabel = "N", description = "Cores of each simulated host.")
  @Nullable String cores;

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = "Any other key of the scenario, such as service.max-requests=500.")
  List<String> assignments = new ArrayList<>();

  /** Lays the scenario file and the options over what the command presumes. */
  void apply(ScenarioLoader loader) {
    if (scenario != null) {
      Path file = LabHome.scenario(scenario);
      loader.file(file);
    }
    set(loader, "profile", profile, "--profile");
    set(loader, "gc", gc, "--gc");
    set(loader, "python", python, "--python");
    set(loader, "service.workers", workers, "--workers");
    set(loader, "load.users", users, "--users");
    set(loader, "load.rate", rate, "--rate");
    if (arrivals != null) {
      set(loader, "load.arrivals", arrivals, "--arrivals");
    } else if (users != null) {
      loader.set("load.arrivals", "closed", "--users");
    } else if (rate != null && loader.isSetTo("load.arrivals", "closed")) {
      loader.set("load.arrivals", "poisson", "--rate");
    }
    set(loader, "run.requests", requests, "--requests");
    set(loader, "run.duration", duration, "--duration");
    set(loader, "seed", seed, "--seed");
    set(loader, "host.ram", ram, "--ram");
    set(loader, "host.cores", cores, "--cores");
    assignments.forEach(loader::set);
  }

  private static void set(
      ScenarioLoader loader, String key, @Nullable String value, String option) {
    if (value != null) {
      loader.set(key, value, option);
    }
  }
}
