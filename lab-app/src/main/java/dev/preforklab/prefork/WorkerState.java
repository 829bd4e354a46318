package dev.preforklab.prefork;

/** What a worker slot is doing. */
public enum WorkerState {
  /** Forked, its after-fork actions not over yet. */
  BOOTING,
  /** Waits for a request. */
  IDLE,
  /** Serves a request. */
  BUSY,
  /** Serves its last request; a successor follows. */
  DRAINING,
  /** Gone; no successor yet. */
  DEAD
}
