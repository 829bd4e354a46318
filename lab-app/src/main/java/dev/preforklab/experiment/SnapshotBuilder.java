package dev.preforklab.experiment;

import dev.preforklab.experiment.live.HostSnapshot;
import dev.preforklab.experiment.live.WorkerSnapshot;
import dev.preforklab.load.LatencyRecorder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.HdrHistogram.Histogram;

/** Makes the live page's picture of one host; rates are over the time since the one before. */
final class SnapshotBuilder {
  private static final double MS = 1e6;
  private static final WorkerSnapshot NO_MASTER =
      new WorkerSnapshot(-1, 0, "DEAD", 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

  private final Simulation simulation;
  private long lastNs;
  private long lastRequests;
  private RetiredWorkers last = new RetiredWorkers();

  SnapshotBuilder(Simulation simulation) {
    this.simulation = simulation;
  }

  HostSnapshot build() {
    PreforkService service = simulation.service();
    List<ProcessReadout> processes = service.processes();
    Totals totals = Totals.of(processes, service.retired());
    RetiredWorkers counters = totals.counters();
    long nowNs = simulation.nowNs();
    double seconds = Math.max(1, nowNs - lastNs) / 1e9;
    long requests = simulation.load().answered();
    Histogram recent = simulation.load().latency().recent();
    List<Double> cowRates = new ArrayList<>();
    for (int cause = 0; cause < counters.cowFaults.length; cause++) {
      cowRates.add(Math.max(0, counters.cowFaults[cause] - last.cowFaults[cause]) / seconds);
    }
    List<ProcessReadout> workers = processes.stream().filter(p -> p.slot() >= 0).toList();
    HostSnapshot snapshot =
        new HostSnapshot(
            simulation.gc(),
            requests,
            simulation.load().errors(),
            (requests - lastRequests) / seconds,
            LatencyRecorder.percentileNs(recent, 50) / MS,
            LatencyRecorder.percentileNs(recent, 95) / MS,
            LatencyRecorder.percentileNs(recent, 99) / MS,
            totals.sharedRatio(),
            totals.meanRss(),
            totals.meanPss(),
            totals.meanUss(),
            service.hostTotalBytes() - service.hostAvailableBytes(),
            service.hostTotalBytes(),
            meanCounts(workers),
            thresholds(processes),
            ResultBuilder.longs(counters.gcCollections),
            simulation.pausesNs() / MS,
            rate(counters.refcountWrites, last.refcountWrites, seconds),
            rate(counters.refcountWritesShared, last.refcountWritesShared, seconds),
            rate(counters.minorFaults, last.minorFaults, seconds),
            rate(counters.majorFaults, last.majorFaults, seconds),
            counters.minorFaults,
            counters.majorFaults,
            ResultBuilder.longs(counters.cowFaults),
            cowRates,
            simulation.load().queued(),
            service.restarts().stream().mapToLong(Long::longValue).sum(),
            processes.stream()
                .filter(p -> p.slot() < 0)
                .findFirst()
                .map(SnapshotBuilder::worker)
                .orElse(NO_MASTER),
            workers.stream().map(SnapshotBuilder::worker).toList());
    lastNs = nowNs;
    lastRequests = requests;
    last = counters;
    return snapshot;
  }

  /** A worker that was killed between two looks can take its last counts with it. */
  private static double rate(long now, long before, double seconds) {
    return Math.max(0, now - before) / seconds;
  }

  private static List<Double> meanCounts(List<ProcessReadout> workers) {
    List<Double> means = new ArrayList<>();
    for (int generation = 0; generation < 3; generation++) {
      int g = generation;
      means.add(workers.stream().mapToLong(p -> p.gcCounts()[g]).average().orElse(0));
    }
    return means;
  }

  private static List<Integer> thresholds(List<ProcessReadout> processes) {
    return processes.isEmpty()
        ? List.of(0, 0, 0)
        : Arrays.stream(processes.get(processes.size() - 1).gcThresholds())
            .mapToObj(t -> (int) t)
            .toList();
  }

  private static WorkerSnapshot worker(ProcessReadout p) {
    return new WorkerSnapshot(
        p.slot(),
        p.pid(),
        p.state(),
        p.requests(),
        p.memory().rss(),
        p.memory().pss(),
        p.memory().shared(),
        p.memory().uss(),
        p.minorFaults(),
        p.majorFaults(),
        p.cowCopies(),
        p.gcCounts()[0],
        p.gcCounts()[1],
        p.gcCounts()[2]);
  }
}
