package dev.preforklab.experiment;

import dev.preforklab.prefork.GcPolicy;
import dev.preforklab.scenario.Scenario;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;

/** Runs a scenario's settings to their end, as fast as it goes. */
public final class Comparison {
  private Comparison() {}

  /** How far each setting is; called from the threads that run them. */
  @FunctionalInterface
  public interface Progress {
    void update(int setting, double fraction);
  }

  /**
   * Runs all settings. How many run at a time is the executor's business and changes nothing in
   * what comes out: hosts share the profile, which is immutable, and nothing else.
   *
   * @throws ExecutionException the cause is what went wrong in a host
   */
  public static ComparisonResult run(Lab lab, ExecutorService executor, Progress progress)
      throws InterruptedException, ExecutionException {
    Scenario scenario = lab.scenario();
    List<Future<HostResult>> futures = new ArrayList<>();
    List<GcPolicy> settings = scenario.gc();
    for (int i = 0; i < settings.size(); i++) {
      int index = i;
      futures.add(
          executor.submit(
              () -> {
                Simulation simulation = lab.host(index);
                simulation.runToEnd(fraction -> progress.update(index, fraction));
                return simulation.result();
              }));
    }
    List<HostResult> results = new ArrayList<>();
    for (Future<HostResult> future : futures) {
      results.add(future.get());
    }
    return new ComparisonResult(scenario, lab.profile().name(), lab.python(), results, lab.notes());
  }
}
