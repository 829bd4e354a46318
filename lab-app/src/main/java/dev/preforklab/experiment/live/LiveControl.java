package dev.preforklab.experiment.live;

/**
 * A live run as seen from outside: what it shows and what may be asked of it. Safe to call from any
 * thread; requests take effect between two simulated events.
 */
public interface LiveControl {
  /** The newest snapshot; made at most once a second of wall time, never null after start. */
  LabSnapshot snapshot();

  /** Snapshots of the last minutes, oldest first, for charts. */
  java.util.List<LabSnapshot> history();

  /**
   * Restarts the workers of one host.
   *
   * @param gcSetting the host's GC setting, or "all"
   * @param rolling one worker after another, else all at once
   * @return false if there is no such host
   */
  boolean restart(String gcSetting, boolean rolling);

  /** Sets the arrival rate of every host, in requests a simulated second. */
  void setRate(double requestsPerSecond);

  /** Sets how many simulated seconds pass in a second of wall time. */
  void setSpeed(double factor);
}
