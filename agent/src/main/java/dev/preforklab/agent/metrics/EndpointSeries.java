package dev.preforklab.agent.metrics;

import org.jspecify.annotations.Nullable;

/** One endpoint of one host: its name and a histogram for each response status seen. */
public final class EndpointSeries {
  /** One past the largest status code HTTP has. */
  static final int STATUSES = 600;

  final String method;
  final String route;
  final @Nullable DurationHistogram[] byStatus = new DurationHistogram[STATUSES];

  EndpointSeries(String method, String route) {
    this.method = method;
    this.route = route;
  }

  /** Request method; {@code _OTHER} where no name was told, OpenTelemetry's word for it. */
  public String method() {
    return method;
  }

  /** Route template; empty where no name was told. */
  public String route() {
    return route;
  }

  /** The histogram of a status; any number that is no status code shares one. */
  DurationHistogram histogram(int status) {
    int index = status >= 100 && status < STATUSES ? status : 0;
    DurationHistogram histogram = byStatus[index];
    if (histogram == null) {
      histogram = new DurationHistogram(DurationHistogram.REQUEST);
      byStatus[index] = histogram;
    }
    return histogram;
  }
}
