package dev.preforklab.experiment.live;

import java.util.List;

/**
 * The whole lab at one moment.
 *
 * @param simulatedSeconds simulated time since start
 * @param wallSeconds wall time since start
 * @param speed simulated seconds asked for in a wall second
 * @param achievedSpeed simulated seconds that really passed in a wall second since the snapshot
 *     before; below {@code speed} the lab cannot keep up
 * @param rate requests a simulated second offered to each host
 */
public record LabSnapshot(
    String scenario,
    String profile,
    String python,
    long seed,
    double simulatedSeconds,
    double wallSeconds,
    double speed,
    double achievedSpeed,
    double rate,
    List<HostSnapshot> hosts) {

  /** A lab that keeps up. */
  public LabSnapshot(
      String scenario,
      String profile,
      String python,
      long seed,
      double simulatedSeconds,
      double wallSeconds,
      double speed,
      double rate,
      List<HostSnapshot> hosts) {
    this(scenario, profile, python, seed, simulatedSeconds, wallSeconds, speed, speed, rate, hosts);
  }
}
