package dev.preforklab.prefork;

import dev.preforklab.probe.Probes;

/** Why a worker ended. */
public enum ExitReason {
  RSS_LIMIT(Probes.EXIT_RSS_LIMIT),
  MAX_REQUESTS(Probes.EXIT_MAX_REQUESTS),
  RELOAD(Probes.EXIT_RELOAD),
  OOM(Probes.EXIT_OOM),
  SHUTDOWN(Probes.EXIT_SHUTDOWN);

  private final int probeCode;

  ExitReason(int probeCode) {
    this.probeCode = probeCode;
  }

  /** The constant that the probe {@code processExited} is told. */
  public int probeCode() {
    return probeCode;
  }
}
