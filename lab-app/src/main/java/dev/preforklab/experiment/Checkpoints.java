package dev.preforklab.experiment;

import dev.preforklab.experiment.HostResult.Checkpoint;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The workers' memory at round numbers of requests, dense at first, where most pages are copied.
 */
final class Checkpoints {
  /** There is no further checkpoint. */
  static final long NONE = Long.MAX_VALUE;

  private static final long[] FIRST = {0, 4, 20, 40, 100, 200, 500, 1000, 2000, 4000};

  /** After the first ones: so many times a power of ten. */
  private static final long[] MANTISSAS = {1, 2, 4};

  private final long last;
  private final List<Checkpoint> taken = new ArrayList<>();
  private long next;

  /**
   * @param last the number of requests that the run ends with, a checkpoint too; 0 = unknown
   */
  Checkpoints(long last) {
    this.last = last;
  }

  /** The number of ended requests that the next checkpoint waits for. */
  long next() {
    return next;
  }

  boolean isDue(long ended) {
    return ended >= next;
  }

  void take(long ended, long simulatedNs, PreforkService service) {
    Totals totals = Totals.of(service.processes(), service.retired());
    taken.add(
        new Checkpoint(
            ended,
            simulatedNs,
            totals.sharedRatio(),
            totals.meanRss(),
            totals.meanPss(),
            totals.meanUss(),
            totals.counters().minorFaults,
            Arrays.stream(totals.counters().gcCollections).boxed().toList()));
    while (next != NONE && next <= ended) {
      next = after(next);
    }
  }

  private long after(long checkpoint) {
    if (last > 0 && checkpoint >= last) {
      return NONE;
    }
    long following = standardAfter(checkpoint);
    return last > 0 ? Math.min(last, following) : following;
  }

  private static long standardAfter(long checkpoint) {
    for (long each : FIRST) {
      if (each > checkpoint) {
        return each;
      }
    }
    for (long power = 10_000; power < Long.MAX_VALUE / 100; power *= 10) {
      for (long mantissa : MANTISSAS) {
        if (mantissa * power > checkpoint) {
          return mantissa * power;
        }
      }
    }
    return NONE;
  }

  List<Checkpoint> taken() {
    return taken;
  }
}
