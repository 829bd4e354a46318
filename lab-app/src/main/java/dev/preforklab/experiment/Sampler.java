package dev.preforklab.experiment;

import dev.preforklab.machine.SmapsRollup;
import dev.preforklab.probe.Probes;
import java.util.List;

/**
 * Tells the probes what every process and the host look like at a moment. Changes nothing.
 *
 * <p>Counting tracked objects means walking lists of some hundred thousand; each process's count is
 * renewed at every tenth sample only, the processes taking turns.
 */
final class Sampler {
  private static final int TRACKED_EVERY = 10;

  private final int host;

  /** By slot + 1: whose tracked objects were counted last, and how many they were. */
  private final int[] countedPid;

  private final long[][] counted;
  private int samples;

  Sampler(int host, int workers) {
    this.host = host;
    this.countedPid = new int[workers + 1];
    this.counted = new long[workers + 1][4];
  }

  private long[] tracked(PreforkService service, ProcessReadout p) {
    int i = p.slot() + 1;
    if (countedPid[i] != p.pid() || (samples + i) % TRACKED_EVERY == 0) {
      countedPid[i] = p.pid();
      counted[i] = service.trackedObjects(p.slot());
    }
    return counted[i];
  }

  void sample(PreforkService service, List<ProcessReadout> processes, long nowNs) {
    samples++;
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
      long[] tracked = tracked(service, p);
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
