package dev.preforklab.agent.metrics;

import io.prometheus.client.Collector;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Requests: how long a worker took for each, and how long its sender waited. */
public final class RequestMetrics extends Collector {
  private static volatile @Nullable RequestListener listener;

  /** Has each request told to {@code listener}, or to nobody. */
  public static void listener(@Nullable RequestListener listener) {
    RequestMetrics.listener = listener;
  }

  /** Receives {@code endpointNamed}. */
  public static void endpointNamed(int host, int endpoint, String method, String route) {
    HostSeries series = HostSeries.findOrAdopt(host);
    if (series != null) {
      series.nameEndpoint(endpoint, method, route);
    }
  }

  /** Receives {@code requestStart}. */
  public static void requestStart(int host, int slot, long requestId, long timeNs) {
    SlotSeries series = HostSeries.findSlot(host, slot);
    if (series != null) {
      series.requestId = requestId;
      series.requestStartNs = timeNs;
      series.passes = 0;
    }
  }

  /** Receives the end of a request. */
  public static void requestEnd(
      int host,
      int slot,
      int endpoint,
      long requestId,
      long intendedNs,
      long timeNs,
      int status,
      long minorFaults,
      long cowCopies,
      long gcPauseNs) {
    HostSeries hostSeries = HostSeries.find(host);
    SlotSeries series = hostSeries == null ? null : hostSeries.findSlot(slot);
    if (hostSeries == null || series == null) {
      return;
    }
    boolean startSeen = series.requestId == requestId;
    long startNs = startSeen ? series.requestStartNs : intendedNs;
    if (!startSeen) {
      series.passes = 0;
    }
    EndpointSeries named = hostSeries.endpoint(endpoint);
    RequestListener told = listener;
    SpanIdentity span =
        told == null
            ? null
            : told.requestEnded(
                hostSeries,
                series,
                named,
                intendedNs,
                startNs,
                timeNs,
                status,
                minorFaults,
                cowCopies,
                gcPauseNs);
    series.requestId = -1;
    DurationHistogram durations = named.histogram(status);
    if (span == null) {
      durations.observe(timeNs - startNs);
      hostSeries.latencies.observe(timeNs - intendedNs);
    } else {
      long wallMs = System.currentTimeMillis();
      durations.observe(timeNs - startNs, span, wallMs);
      hostSeries.latencies.observe(timeNs - intendedNs, span, wallMs);
    }
  }

  @Override
  public List<MetricFamilySamples> collect() {
    Families families = new Families();
    Families.Family durations =
        families.histogram(
            "http_server_request_duration_seconds",
            "Duration of HTTP server requests: the worker's time, in simulated time.",
            Families.with(
                Families.HOST, "http_route", "http_request_method", "http_response_status_code"));
    Families.Family latencies =
        families.histogram(
            "prefork_request_latency_seconds",
            "From the moment a request was due until it was answered: with its wait for a worker.",
            Families.HOST);
    HostSeries.forEach(
        host -> {
          for (EndpointSeries endpoint : host.endpoints()) {
            for (int status = 0; status < EndpointSeries.STATUSES; status++) {
              if (endpoint.byStatus[status] != null) {
                durations.add(
                    List.of(
                        host.scenario,
                        host.gcSetting,
                        endpoint.route,
                        endpoint.method,
                        status == 0 ? "_OTHER" : Integer.toString(status)),
                    endpoint.byStatus[status]);
              }
            }
          }
          latencies.add(host.labels, host.latencies);
        });
    durations.end();
    latencies.end();
    return families.toList();
  }
}
