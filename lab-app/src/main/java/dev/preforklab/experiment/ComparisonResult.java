package dev.preforklab.experiment;

import dev.preforklab.scenario.Scenario;
import java.util.Comparator;
import java.util.List;

/**
 * All settings of a scenario side by side, in the scenario's order. A pure function of scenario,
 * seed and code.
 *
 * @param profile the profile's own name
 * @param python the simulated release
 * @param notes what a reader should know of the profile, a line each
 */
public record ComparisonResult(
    Scenario scenario,
    String profile,
    String python,
    List<HostResult> settings,
    List<String> notes) {

  /** The setting with the least memory: lowest mean PSS of a worker. */
  public String bestMemory() {
    return best(Comparator.comparingDouble(HostResult::pssBytes));
  }

  /** The setting with the lowest 99th percentile of latency. */
  public String bestLatency() {
    return best(Comparator.comparingLong(r -> r.latency().p99Ns()));
  }

  private String best(Comparator<HostResult> order) {
    return settings.stream()
        .filter(r -> r.requests() > 0)
        .min(order)
        .map(HostResult::gc)
        .orElse("");
  }
}
