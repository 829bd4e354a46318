package dev.preforklab.experiment;

import dev.preforklab.machine.SmapsRollup;
import dev.preforklab.probe.Probes;
import java.util.List;

/** Tells the probes what every process and the host look like at a moment. Changes nothing. */
final class Sampler {
  private final int host;

  Sampler(int host) {
    this.host = host;
  }

  void sample(PreforkService service, List<ProcessReadout> processes, long nowNs) {
    for (ProcessReadout p : processes) {
      SmapsRollup m = p.memory();
      Probes.memorySample(
          host,
          p.slot(),
          p.pid(),
          nowNs,
          m.rss(),
          m.pss(),
          m.sharedClean(),
          m.sharedDirty(),
          m.privateClean(),
          m.privateDirty(),
          p.virtualBytes());
      long[] cow = p.cowFaults();
      Probes.counterSample(
          host,
          p.slot(),
          p.pid(),
          nowNs,
          p.startNs(),
          p.cpuNs(),
          p.minorFaults(),
          p.majorFaults(),
          p.increfShared(),
          p.increfPrivate(),
          p.decrefShared(),
          p.decrefPrivate(),
          cow[Probes.CAUSE_REFCOUNT],
          cow[Probes.CAUSE_GC_HEADER],
          cow[Probes.CAUSE_ALLOCATOR],
          cow[Probes.CAUSE_FINALIZE],
          cow[Probes.CAUSE_DATA]);
      long[] counts = p.gcCounts();
      long[] thresholds = p.gcThresholds();
      long[] tracked = p.tracked();
      Probes.gcSample(
          host,
          p.slot(),
          p.pid(),
          nowNs,
          counts[0],
          counts[1],
          counts[2],
          thresholds[0],
          thresholds[1],
          thresholds[2],
          tracked[0],
          tracked[1],
          tracked[2],
          tracked[3]);
      for (int generation = 0; generation < 3; generation++) {
        long[] stats = p.gcStats()[generation];
        Probes.gcStatsSample(host, p.slot(), generation, nowNs, stats[0], stats[1], stats[2]);
      }
    }
    Probes.hostSample(host, nowNs, service.hostTotalBytes(), service.hostAvailableBytes());
  }
}
