package dev.preforklab.agent.metrics;

/** Receives the registrations of hosts. */
public final class HostMetrics {
  private HostMetrics() {}

  /** Receives {@code hostStarted}; simulated time zero is now. */
  public static void hostStarted(
      int host, String scenario, String gcSetting, String pythonVersion, int workers) {
    HostSeries.start(host, scenario, gcSetting, pythonVersion, workers, System.currentTimeMillis());
  }

  /** Receives {@code hostStopped}. */
  public static void hostStopped(int host) {
    HostSeries.stop(host);
  }
}
