package dev.preforklab.experiment;

import dev.preforklab.experiment.HostResult.Checkpoint;
import dev.preforklab.experiment.HostResult.EndpointResult;
import dev.preforklab.experiment.HostResult.Latency;
import dev.preforklab.experiment.HostResult.MasterGc;
import dev.preforklab.load.LatencyRecorder;
import dev.preforklab.load.LoadGenerator;
import dev.preforklab.prefork.profile.Profile;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.HdrHistogram.Histogram;

/** Puts together what a host has come to. */
final class ResultBuilder {
  private ResultBuilder() {}

  static HostResult build(
      String gc,
      List<Profile.Endpoint> endpoints,
      PreforkService service,
      LoadGenerator load,
      RetiredWorkers atLoadStart,
      long simulatedNs,
      Histogram pauses,
      long pausesNs,
      List<Checkpoint> checkpoints) {
    List<ProcessReadout> processes = service.processes();
    Totals totals = Totals.of(processes, service.retired());
    RetiredWorkers counters = totals.counters();
    Optional<ProcessReadout> master = processes.stream().filter(p -> p.slot() < 0).findFirst();
    double requests = Math.max(1, load.answered());
    List<EndpointResult> byEndpoint = new ArrayList<>();
    for (int i = 0; i < endpoints.size(); i++) {
      Profile.Endpoint endpoint = endpoints.get(i);
      byEndpoint.add(
          new EndpointResult(
              endpoint.method(), endpoint.route(), latency(load.latency().endpoint(i))));
    }
    return new HostResult(
        gc,
        load.answered(),
        load.errors(),
        simulatedNs,
        simulatedNs == 0 ? 0 : load.answered() * 1e9 / simulatedNs,
        latency(load.latency().all()),
        (counters.cpuNs - atLoadStart.cpuNs) / requests,
        totals.sharedRatio(),
        totals.meanRss(),
        totals.meanPss(),
        totals.meanUss(),
        master.map(p -> (double) p.memory().rss()).orElse(0.0),
        service.hostTotalBytes() - service.hostAvailableBytes(),
        (counters.minorFaults - atLoadStart.minorFaults) / requests,
        counters.majorFaults,
        longs(counters.gcCollections),
        counters.gcCollected,
        latency(pauses),
        pausesNs,
        longs(counters.cowFaults),
        counters.refcountWrites,
        counters.refcountWritesShared,
        null,
        master.map(ResultBuilder::gc).orElse(null),
        service.restarts(),
        byEndpoint,
        List.copyOf(checkpoints));
  }

  private static MasterGc gc(ProcessReadout master) {
    return new MasterGc(
        longs(master.gcCounts()),
        Arrays.stream(master.gcStats()).map(generation -> generation[0]).toList(),
        longs(master.longLived()));
  }

  private static Latency latency(Histogram histogram) {
    return new Latency(
        histogram.getTotalCount(),
        LatencyRecorder.percentileNs(histogram, 50),
        LatencyRecorder.percentileNs(histogram, 95),
        LatencyRecorder.percentileNs(histogram, 99),
        histogram.getTotalCount() == 0 ? 0 : histogram.getMaxValue());
  }

  static List<Long> longs(long[] values) {
    return Arrays.stream(values).boxed().toList();
  }
}
