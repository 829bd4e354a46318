package dev.preforklab.report;

import dev.preforklab.experiment.HostResult;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/** The figures of a comparison: names, units, order. The only place they are written. */
public final class Columns {
  private static final double MIB = 1 << 20;
  private static final double MS = 1e6;

  /** Which direction is better, if any. */
  public enum Better {
    LOWER,
    HIGHER,
    NEITHER
  }

  /**
   * One figure.
   *
   * @param key as in CSV
   * @param group what it belongs to, for tables
   * @param title for people, with its unit
   * @param decimals shown to people
   */
  public record Column(
      String key,
      String group,
      String title,
      int decimals,
      Better better,
      ToDoubleFunction<HostResult> value) {

    /** The figure of one setting as text. */
    public String format(HostResult result) {
      double v = value.applyAsDouble(result);
      return Double.isNaN(v) ? "-" : String.format(Locale.ROOT, "%,." + decimals + "f", v);
    }

    /** Whether this setting's figure is the best of all, as shown, and not that of all. */
    public boolean isBest(HostResult result, List<HostResult> all) {
      if (better == Better.NEITHER) {
        return false;
      }
      String own = format(result);
      if (own.equals("-") || all.stream().allMatch(r -> format(r).equals(own))) {
        return false;
      }
      double v = value.applyAsDouble(result);
      return all.stream()
          .filter(r -> !format(r).equals(own))
          .mapToDouble(value)
          .allMatch(o -> Double.isNaN(o) || (better == Better.LOWER ? v < o : v > o));
    }
  }

  /** In the order of reports. */
  public static final List<Column> ALL =
      List.of(
          new Column(
              "shared_ratio",
              "memory of a worker",
              "shared ratio",
              3,
              Better.HIGHER,
              HostResult::sharedRatio),
          new Column(
              "rss_mib",
              "memory of a worker",
              "RSS, MiB",
              1,
              Better.LOWER,
              r -> r.rssBytes() / MIB),
          new Column(
              "pss_mib",
              "memory of a worker",
              "PSS, MiB",
              1,
              Better.LOWER,
              r -> r.pssBytes() / MIB),
          new Column(
              "uss_mib",
              "memory of a worker",
              "USS, MiB",
              1,
              Better.LOWER,
              r -> r.ussBytes() / MIB),
          new Column(
              "host_used_mib",
              "memory of a worker",
              "used on the host, MiB",
              1,
              Better.LOWER,
              r -> r.hostUsedBytes() / MIB),
          new Column(
              "minor_faults_per_request",
              "faults",
              "minor faults a request",
              2,
              Better.LOWER,
              HostResult::minorFaultsPerRequest),
          new Column(
              "major_faults", "faults", "major faults", 0, Better.LOWER, HostResult::majorFaults),
          new Column(
              "cow_refcount",
              "pages copied on write by",
              "refcount",
              0,
              Better.LOWER,
              r -> r.cowFaults().get(0)),
          new Column(
              "cow_gc_header",
              "pages copied on write by",
              "GC header",
              0,
              Better.LOWER,
              r -> r.cowFaults().get(1)),
          new Column(
              "cow_allocator",
              "pages copied on write by",
              "allocator",
              0,
              Better.LOWER,
              r -> r.cowFaults().get(2)),
          new Column(
              "cow_finalize",
              "pages copied on write by",
              "finalisation",
              0,
              Better.LOWER,
              r -> r.cowFaults().get(3)),
          new Column(
              "cow_data",
              "pages copied on write by",
              "data",
              0,
              Better.LOWER,
              r -> r.cowFaults().get(4)),
          new Column(
              "gc_collections_0",
              "collector",
              "collections of generation 0",
              0,
              Better.NEITHER,
              r -> r.gcCollections().get(0)),
          new Column(
              "gc_collections_1",
              "collector",
              "collections of generation 1",
              0,
              Better.NEITHER,
              r -> r.gcCollections().get(1)),
          new Column(
              "gc_collections_2",
              "collector",
              "collections of generation 2",
              0,
              Better.NEITHER,
              r -> r.gcCollections().get(2)),
          new Column(
              "gc_pause_p99_ms",
              "collector",
              "pause p99, ms",
              3,
              Better.LOWER,
              r -> r.gcPause().p99Ns() / MS),
          new Column(
              "gc_pause_total_ms",
              "collector",
              "pauses in all, ms",
              1,
              Better.LOWER,
              r -> r.gcPauseTotalNs() / MS),
          new Column(
              "throughput_rps",
              "requests",
              "answered a second",
              1,
              Better.HIGHER,
              HostResult::throughputRps),
          new Column(
              "latency_p50_ms",
              "requests",
              "latency p50, ms",
              2,
              Better.LOWER,
              r -> r.latency().p50Ns() / MS),
          new Column(
              "latency_p95_ms",
              "requests",
              "latency p95, ms",
              2,
              Better.LOWER,
              r -> r.latency().p95Ns() / MS),
          new Column(
              "latency_p99_ms",
              "requests",
              "latency p99, ms",
              2,
              Better.LOWER,
              r -> r.latency().p99Ns() / MS),
          new Column(
              "latency_max_ms",
              "requests",
              "latency max, ms",
              2,
              Better.LOWER,
              r -> r.latency().maxNs() / MS),
          new Column(
              "cpu_ms_per_request",
              "requests",
              "CPU a request, ms",
              3,
              Better.LOWER,
              r -> r.cpuNsPerRequest() / MS),
          new Column("errors", "requests", "errors", 0, Better.LOWER, HostResult::errors),
          new Column(
              "restarts",
              "requests",
              "workers replaced",
              0,
              Better.NEITHER,
              r -> r.restarts().stream().mapToLong(Long::longValue).sum()));

  private Columns() {}
}
