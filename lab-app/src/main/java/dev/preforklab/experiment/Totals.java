package dev.preforklab.experiment;

import dev.preforklab.machine.SmapsRollup;
import java.util.List;

/**
 * The workers of a host taken together: memory of those that run, counters of those and of the ones
 * before them. The master is left out.
 */
record Totals(int workers, long rss, long pss, long uss, long shared, RetiredWorkers counters) {

  static Totals of(List<ProcessReadout> processes, RetiredWorkers retired) {
    RetiredWorkers counters = retired.copy();
    int workers = 0;
    long rss = 0;
    long pss = 0;
    long uss = 0;
    long shared = 0;
    for (ProcessReadout p : processes) {
      if (p.slot() >= 0) {
        SmapsRollup memory = p.memory();
        workers++;
        rss += memory.rss();
        pss += memory.pss();
        uss += memory.uss();
        shared += memory.shared();
        counters.add(p);
      }
    }
    return new Totals(workers, rss, pss, uss, shared, counters);
  }

  double sharedRatio() {
    return rss == 0 ? 0 : (double) shared / rss;
  }

  double meanRss() {
    return workers == 0 ? 0 : (double) rss / workers;
  }

  double meanPss() {
    return workers == 0 ? 0 : (double) pss / workers;
  }

  double meanUss() {
    return workers == 0 ? 0 : (double) uss / workers;
  }
}
