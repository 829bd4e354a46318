package dev.preforklab.experiment.live;

import java.util.List;

/**
 * The whole lab at one moment.
 *
 * @param simulatedSeconds simulated time since start
 * @param wallSeconds wall time since start
 * @param speed simulated seconds asked for in a wall second
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
    double rate,
    List<HostSnapshot> hosts) {}
