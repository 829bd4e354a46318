package dev.preforklab.load;

import org.HdrHistogram.Histogram;

/**
 * Response times from the intended start of each request, over all and by endpoint, and over the
 * last ten windows for a live view. Values are nanoseconds, kept to three significant digits.
 */
public final class LatencyRecorder {
  private static final int SIGNIFICANT_DIGITS = 3;

  /** One microsecond: nothing shorter is told apart, which keeps the histograms small. */
  private static final long LOWEST_NS = 1_000;

  /** Windows kept for {@link #recent}. */
  public static final int WINDOWS = 10;

  private final Histogram all = newHistogram();
  private final Histogram[] byEndpoint;
  private final Histogram[] windows = new Histogram[WINDOWS];
  private int window;

  public LatencyRecorder(int endpoints) {
    byEndpoint = new Histogram[endpoints];
    for (int i = 0; i < endpoints; i++) {
      byEndpoint[i] = newHistogram();
    }
    for (int i = 0; i < WINDOWS; i++) {
      windows[i] = newHistogram();
    }
  }

  private static Histogram newHistogram() {
    Histogram histogram = new Histogram(LOWEST_NS, 10_000_000_000L, SIGNIFICANT_DIGITS);
    histogram.setAutoResize(true);
    return histogram;
  }

  /** An answer at {@code nowNs}. */
  public void record(Request request, long nowNs) {
    long latencyNs = nowNs - request.intendedNs();
    all.recordValue(latencyNs);
    byEndpoint[request.endpoint()].recordValue(latencyNs);
    windows[window].recordValue(latencyNs);
  }

  /** Begins the next window; the oldest is forgotten. */
  public void nextWindow() {
    window = (window + 1) % WINDOWS;
    windows[window].reset();
  }

  /** Every answer so far. */
  public Histogram all() {
    return all;
  }

  /** Every answer of one endpoint so far. */
  public Histogram endpoint(int endpoint) {
    return byEndpoint[endpoint];
  }

  /** The answers of the last windows, a new histogram. */
  public Histogram recent() {
    Histogram sum = newHistogram();
    for (Histogram each : windows) {
      sum.add(each);
    }
    return sum;
  }

  /** A percentile in nanoseconds, 0 if nothing was recorded. */
  public static long percentileNs(Histogram histogram, double percentile) {
    return histogram.getTotalCount() == 0 ? 0 : histogram.getValueAtPercentile(percentile);
  }
}
