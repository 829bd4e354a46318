package dev.preforklab.agent.metrics;

import io.prometheus.client.Collector;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The collector: passes as they end, its statistics and its counts as sampled. */
public final class GcMetrics extends Collector {
  private static final String[] GENERATION = {"0", "1", "2", "permanent"};

  private static volatile @Nullable RequestListener listener;

  /** Has each pass told to {@code listener}, or to nobody. */
  public static void listener(@Nullable RequestListener listener) {
    GcMetrics.listener = listener;
  }

  /** Receives {@code gcDone}. */
  public static void gcDone(
      int host, int slot, int generation, long collected, long timeNs, long durationNs) {
    HostSeries hostSeries = HostSeries.find(host);
    SlotSeries series = hostSeries == null ? null : hostSeries.findSlot(slot);
    if (hostSeries == null
        || series == null
        || generation < 0
        || generation >= SlotSeries.GENERATIONS) {
      return;
    }
    DurationHistogram pauses = series.gcPauses[generation];
    if (pauses == null) {
      pauses = new DurationHistogram(DurationHistogram.GC);
      series.gcPauses[generation] = pauses;
    }
    pauses.observe(durationNs);
    RequestListener told = listener;
    if (told != null) {
      told.collectionEnded(hostSeries, series, generation, durationNs);
      if (series.requestId >= 0) {
        int pass = series.passes++;
        if (pass < SlotSeries.MAX_PASSES) {
          series.passGeneration[pass] = generation;
          series.passStartNs[pass] = timeNs - durationNs;
          series.passDurationNs[pass] = durationNs;
          series.passCollected[pass] = collected;
        }
      }
    }
  }

  /** Receives {@code gcSample}; generation 3 is the permanent one. */
  public static void gcSample(
      int host,
      int slot,
      int pid,
      long count0,
      long count1,
      long count2,
      long threshold0,
      long threshold1,
      long threshold2,
      long tracked0,
      long tracked1,
      long tracked2,
      long permanent) {
    HostSeries hostSeries = HostSeries.findOrAdopt(host);
    SlotSeries series = hostSeries == null ? null : hostSeries.slot(slot);
    if (hostSeries == null || series == null) {
      return;
    }
    synchronized (hostSeries) {
      PreforkMetrics.present(hostSeries, series, pid);
      long[] gc = series.gc;
      gc[0] = count0;
      gc[1] = count1;
      gc[2] = count2;
      gc[3] = threshold0;
      gc[4] = threshold1;
      gc[5] = threshold2;
      gc[6] = tracked0;
      gc[7] = tracked1;
      gc[8] = tracked2;
      gc[9] = permanent;
      series.gcSampled = true;
    }
  }

  /** Receives {@code gcStatsSample}. */
  public static void gcStatsSample(
      int host, int slot, int generation, long collections, long collected, long uncollectable) {
    HostSeries hostSeries = HostSeries.findOrAdopt(host);
    SlotSeries series = hostSeries == null ? null : hostSeries.slot(slot);
    if (hostSeries == null
        || series == null
        || generation < 0
        || generation >= SlotSeries.GENERATIONS) {
      return;
    }
    synchronized (hostSeries) {
      series.sampleGcStats(generation, collections, collected, uncollectable);
    }
  }

  @Override
  public List<MetricFamilySamples> collect() {
    List<String> labels = Families.with(Families.SLOT, "generation");
    Families families = new Families();
    Families.Family collections =
        families.counter(
            "python_gc_collections",
            "Number of times this generation was collected, as gc.get_stats() tells.",
            labels);
    Families.Family collected =
        families.counter(
            "python_gc_objects_collected", "Objects collected during gc, by generation.", labels);
    Families.Family uncollectable =
        families.counter(
            "python_gc_objects_uncollectable",
            "Uncollectable objects found during gc, by generation.",
            labels);
    Families.Family pauses =
        families.histogram(
            "prefork_gc_duration_seconds", "Pause of a collection, in simulated time.", labels);
    Families.Family allocations =
        families.gauge(
            "prefork_gc_allocations",
            "Count of this generation, as gc.get_count() tells: a collection is due above the"
                + " threshold.",
            labels);
    Families.Family thresholds =
        families.gauge(
            "prefork_gc_threshold",
            "Threshold of this generation, as gc.get_threshold() tells.",
            labels);
    Families.Family tracked =
        families.gauge(
            "prefork_gc_tracked_objects",
            "Objects on the list of this generation; those of the permanent one are frozen.",
            labels);
    HostSeries.forEachSlot(
        slot -> {
          for (int g = 0; g < 3; g++) {
            List<String> values = slot.labels(GENERATION[g]);
            if (slot.gcStats.seen()) {
              int first = g * 3;
              collections.add(values, slot.gcStats.total(first + SlotSeries.COLLECTIONS));
              collected.add(values, slot.gcStats.total(first + SlotSeries.COLLECTED));
              uncollectable.add(values, slot.gcStats.total(first + SlotSeries.UNCOLLECTABLE));
            }
            if (slot.gcSampled) {
              allocations.add(values, slot.gc[g]);
              thresholds.add(values, slot.gc[3 + g]);
              tracked.add(values, slot.gc[6 + g]);
            }
            pauses.add(values, slot.gcPauses[g]);
          }
          if (slot.gcSampled) {
            tracked.add(slot.labels(GENERATION[3]), slot.gc[9]);
          }
        });
    collections.end();
    collected.end();
    uncollectable.end();
    pauses.end();
    allocations.end();
    thresholds.end();
    tracked.end();
    return families.toList();
  }
}
