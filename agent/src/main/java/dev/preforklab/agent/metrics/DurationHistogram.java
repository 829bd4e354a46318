package dev.preforklab.agent.metrics;

import io.prometheus.client.Collector;
import io.prometheus.client.exemplars.Exemplar;
import java.util.List;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A histogram of durations in nanoseconds with fixed bucket bounds, one writer and any number of
 * readers. Observing allocates nothing and takes no lock.
 */
public final class DurationHistogram {
  /** Upper bounds of the buckets, and how the label {@code le} writes them. */
  static final class Bounds {
    private final long[] ns;
    private final List<String> le;

    Bounds(long... ns) {
      this.ns = ns;
      this.le =
          Stream.concat(
                  LongStream.of(ns).mapToObj(bound -> Collector.doubleToGoString(bound / 1e9)),
                  Stream.of("+Inf"))
              .toList();
    }
  }

  /**
   * The bounds OpenTelemetry recommends for http.server.request.duration, and below them three for
   * services that answer from memory.
   */
  static final Bounds REQUEST =
      new Bounds(
          500_000,
          1_000_000,
          2_500_000,
          5_000_000,
          10_000_000,
          25_000_000,
          50_000_000,
          75_000_000,
          100_000_000,
          250_000_000,
          500_000_000,
          750_000_000,
          1_000_000_000,
          2_500_000_000L,
          5_000_000_000L,
          7_500_000_000L,
          10_000_000_000L);

  /** A young collection takes microseconds, a full one of a large heap a second. */
  static final Bounds GC =
      new Bounds(
          10_000,
          50_000,
          100_000,
          500_000,
          1_000_000,
          5_000_000,
          10_000_000,
          50_000_000,
          100_000_000,
          500_000_000,
          1_000_000_000,
          5_000_000_000L);

  /** From a fork of a small master to the reload of a whole application. */
  static final Bounds RESTART =
      new Bounds(
          1_000_000,
          5_000_000,
          10_000_000,
          50_000_000,
          100_000_000,
          250_000_000,
          500_000_000,
          1_000_000_000,
          2_500_000_000L,
          5_000_000_000L,
          10_000_000_000L,
          30_000_000_000L,
          60_000_000_000L);

  /**
   * A bucket keeps an exemplar for at least this long, so that a burst of sampled requests does not
   * replace it between two scrapes; simpleclient's own sampler uses the same time.
   */
  private static final long EXEMPLAR_RETENTION_MS = 7_109;

  private final long[] boundsNs;
  private final List<String> le;
  private final long[] counts;
  private final long[] sumNs = new long[1];
  private final @Nullable Exemplar[] exemplars;

  DurationHistogram(Bounds bounds) {
    this.boundsNs = bounds.ns;
    this.le = bounds.le;
    this.counts = new long[boundsNs.length + 1];
    this.exemplars = new Exemplar[boundsNs.length + 1];
  }

  /** Counts one duration; bounds are inclusive, as Prometheus's {@code le} is. */
  void observe(long durationNs) {
    counts[bucket(durationNs)]++;
    sumNs[0] += durationNs;
  }

  /** Counts one duration that belongs to a sampled span. */
  void observe(long durationNs, SpanIdentity span, long wallMs) {
    int bucket = bucket(durationNs);
    counts[bucket]++;
    sumNs[0] += durationNs;
    Exemplar present = exemplars[bucket];
    if (present == null || wallMs - present.getTimestampMs() >= EXEMPLAR_RETENTION_MS) {
      exemplars[bucket] =
          new Exemplar(
              durationNs / 1e9, wallMs, "span_id", span.spanId(), "trace_id", span.traceId());
    }
  }

  private int bucket(long durationNs) {
    long[] bounds = boundsNs;
    int i = 0;
    while (i < bounds.length && durationNs > bounds[i]) {
      i++;
    }
    return i;
  }

  int buckets() {
    return counts.length;
  }

  /** Value of the label le of a bucket, its upper bound in seconds. */
  String le(int bucket) {
    return le.get(bucket);
  }

  /** Observations in this bucket alone, not cumulative. */
  long count(int bucket) {
    return Opaque.read(counts, bucket);
  }

  double sumSeconds() {
    return Opaque.read(sumNs, 0) / 1e9;
  }

  @Nullable Exemplar exemplar(int bucket) {
    return exemplars[bucket];
  }
}
