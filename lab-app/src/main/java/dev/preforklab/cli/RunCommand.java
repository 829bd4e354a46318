package dev.preforklab.cli;

import dev.preforklab.experiment.Lab;
import dev.preforklab.experiment.Pacer;
import dev.preforklab.experiment.live.LabSnapshot;
import dev.preforklab.prefork.GcPolicy;
import dev.preforklab.prefork.profile.ProfilePair;
import dev.preforklab.report.Build;
import dev.preforklab.report.ComparisonTable;
import dev.preforklab.scenario.InputException;
import dev.preforklab.scenario.Scenario;
import dev.preforklab.scenario.ScenarioLoader;
import dev.preforklab.web.ListenException;
import dev.preforklab.web.WebServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.Locale;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code lab run}: a live run with its page and metrics. */
@Command(
    name = "run",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Runs one simulated host for each GC setting side by side, paced against the wall clock,",
      "until it is stopped, with a live page and metrics for Prometheus."
    })
final class RunCommand extends ConsoleCommand {
  /** Below this part of the speed asked for, the lab says that it cannot keep up. */
  private static final double KEEPS_UP = 0.9;

  private static final int SLOW_LOOKS = 3;
  private static final long LOOK_SECONDS = 5;

  @Mixin final ScenarioOptions options = new ScenarioOptions();

  @Option(
      names = "--speed",
      paramLabel = "X",
      description = "Simulated seconds in a second of wall time.")
  @Nullable String speed;

  @Option(
      names = "--listen",
      paramLabel = "HOST",
      description = "Address the page and the metrics listen on; default: 127.0.0.1.")
  String listen = "127.0.0.1";

  @Option(
      names = "--ui-port",
      paramLabel = "P",
      description = "Port of the live page; 0 takes a free one; default: 8080.")
  String uiPort = "8080";

  /** Read by the launcher, which attaches the agent; here only checked and told. */
  @Option(
      names = "--metrics-port",
      paramLabel = "P",
      description = "Port of the metrics; default: 9464.")
  String metricsPort = "9464";

  RunCommand(Console console) {
    super(console);
  }

  @Override
  public Integer call() throws Exception {
    ScenarioLoader loader =
        new ScenarioLoader().set("run.requests", "0", "run").set("host.ram", "256MiB", "run");
    options.apply(loader);
    if (speed != null) {
      loader.set("run.speed", speed, "--speed");
    }
    Scenario scenario = loader.load();
    int port = port("--ui-port", uiPort);
    int metrics = port("--metrics-port", metricsPort);
    if (port == metrics && port != 0) {
      throw new InputException("--ui-port and --metrics-port are both " + port);
    }
    requireFree("--ui-port", port);
    Lab lab =
        new Lab(
            scenario, ProfilePair.read(LabHome.profile(scenario.profile(), loader)), loader::error);
    try (Pacer pacer = new Pacer(lab);
        WebServer web = web(port, pacer)) {
      announce(lab, web);
      pacer.start();
      watch(pacer);
      pacer.awaitEnd();
      console
          .out()
          .print(
              ComparisonTable.render(
                  pacer.result(),
                  new Build(LabVersion.version(), LabVersion.commit()),
                  console.outIsTerminal()));
    }
    return ExitCode.OK;
  }

  private WebServer web(int port, Pacer pacer) {
    try {
      return WebServer.start(listen, port, pacer);
    } catch (ListenException e) {
      throw new InputException("--ui-port: " + e.getMessage(), e);
    }
  }

  /** A port that is taken is found before the profile is loaded, which takes seconds. */
  private void requireFree(String option, int port) {
    if (port == 0) {
      return;
    }
    try (ServerSocket socket = new ServerSocket(port, 1, InetAddress.getByName(listen))) {
      socket.setReuseAddress(true);
    } catch (IOException | SecurityException e) {
      throw new InputException(
          option + ": port " + port + " on " + listen + " cannot be used: " + e.getMessage(), e);
    }
  }

  private static int port(String option, String text) {
    if (!text.matches("[0-9]{1,5}") || Integer.parseInt(text) > 65_535) {
      throw new InputException(option + ": must be a port from 0 to 65535, not \"" + text + "\"");
    }
    return Integer.parseInt(text);
  }

  private void announce(Lab lab, WebServer web) {
    Scenario s = lab.scenario();
    String settings = String.join(", ", s.gc().stream().map(GcPolicy::name).toList());
    console
        .out()
        .printf(
            Locale.ROOT,
            "%s on CPython %s, seed %d: %s%n%d workers each on %d cores and %d MiB; %s%n",
            lab.profile().name(),
            lab.python(),
            s.seed(),
            settings,
            s.service().prefork().workers(),
            s.host().cores(),
            s.host().ramBytes() >> 20,
            ComparisonTable.load(s));
    lab.notes().forEach(note -> console.out().println("note: " + note));
    console.out().println("  page     " + web.url());
    String metrics = System.getProperty("lab.metrics", "");
    console
        .out()
        .println(
            metrics.isEmpty()
                ? "  metrics  none: started without the agent"
                : "  metrics  " + metrics);
    console.out().println("Ctrl-C ends it.");
    console.out().flush();
  }

  /** Waits for the end; says so when the lab is slower than it was asked to be. */
  private void watch(Pacer pacer) throws InterruptedException, ExecutionException {
    int slow = 0;
    while (!pacer.awaitEnd(LOOK_SECONDS, TimeUnit.SECONDS)) {
      LabSnapshot now = pacer.snapshot();
      slow = now.achievedSpeed() < KEEPS_UP * now.speed() ? slow + 1 : 0;
      if (slow == SLOW_LOOKS) {
        console
            .err()
            .printf(
                Locale.ROOT,
                "lab: this machine cannot keep up: %.2f simulated seconds a second instead of %s;"
                    + " lower --rate or --speed%n",
                now.achievedSpeed(),
                now.speed());
      }
    }
  }
}
