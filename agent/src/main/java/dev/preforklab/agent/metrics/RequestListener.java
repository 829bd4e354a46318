package dev.preforklab.agent.metrics;

import org.jspecify.annotations.Nullable;

/** Told of each request and collection as it ends; tracing listens here when it is on. */
public interface RequestListener {
  /**
   * A request was answered. The passes recorded in {@code slot} belong to it.
   *
   * @return the span that was sampled for it, or null
   */
  @Nullable SpanIdentity requestEnded(
      HostSeries host,
      SlotSeries slot,
      EndpointSeries endpoint,
      long intendedNs,
      long startNs,
      long endNs,
      int status,
      long minorFaults,
      long cowCopies,
      long gcPauseNs);

  /** A collection is over. */
  void collectionEnded(HostSeries host, SlotSeries slot, int generation, long durationNs);
}
