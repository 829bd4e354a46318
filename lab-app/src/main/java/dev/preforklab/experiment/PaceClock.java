package dev.preforklab.experiment;

/**
 * How far simulated time may have come at a moment of wall time. All hosts follow one clock, so
 * that they can be compared at any moment; when one of them cannot keep up, the clock waits for it
 * and the lab as a whole runs slower than asked. Safe for use by several threads.
 */
final class PaceClock {
  /** The clock is never further ahead of the slowest host than it moves in this much wall time. */
  private static final double LEAD_WALL_SECONDS = 0.25;

  private final long[] hostNs;
  private double speed;
  private double targetNs;
  private long lastWallNs;

  PaceClock(int hosts, double speed, long startNs, long wallNs) {
    this.hostNs = new long[hosts];
    java.util.Arrays.fill(hostNs, startNs);
    this.speed = speed;
    this.targetNs = startNs;
    this.lastWallNs = wallNs;
  }

  /**
   * A host asks how far it may go.
   *
   * @param nowNs how far it has come
   * @param wallNs wall time now
   */
  synchronized long target(int host, long nowNs, long wallNs) {
    hostNs[host] = nowNs;
    advance(wallNs);
    return (long) targetNs;
  }

  private void advance(long wallNs) {
    long slowest = Long.MAX_VALUE;
    for (long each : hostNs) {
      slowest = Math.min(slowest, each);
    }
    double wanted = targetNs + Math.max(0, wallNs - lastWallNs) * speed;
    double furthest = slowest + LEAD_WALL_SECONDS * 1e9 * speed;
    targetNs = Math.max(targetNs, Math.min(wanted, furthest));
    lastWallNs = wallNs;
  }

  /** Takes a host out of the reckoning: it has ended and nobody waits for it. */
  synchronized void ended(int host) {
    hostNs[host] = Long.MAX_VALUE;
  }

  synchronized void setSpeed(double factor, long wallNs) {
    advance(wallNs);
    speed = factor;
  }

  synchronized double speed() {
    return speed;
  }

  /** How far the slowest host has come. */
  synchronized long slowestNs() {
    long slowest = Long.MAX_VALUE;
    for (long each : hostNs) {
      slowest = Math.min(slowest, each);
    }
    return slowest == Long.MAX_VALUE ? (long) targetNs : slowest;
  }
}
