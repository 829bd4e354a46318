package dev.preforklab.experiment;

import java.util.List;

/**
 * What a run needs of the service it loads: the master and its workers on one simulated host. All
 * times are those of the run's event queue.
 */
interface PreforkService {
  /** What the service tells the run. */
  interface Listener {
    /** A worker can take a request: it has started, or has answered. */
    void workerReady(int slot);

    /** A worker takes no more requests. */
    void workerGone(int slot);

    /** A request given to {@link #serve} is over. */
    void requestEnded(long requestId, int status);

    /** A worker's collector has paused it. */
    void collected(int generation, long durationNs);
  }

  /** Loads the application and forks all workers; they report ready in simulated time. */
  void start(Listener listener);

  /** A ready worker takes a request now. */
  void serve(int slot, long requestId, int endpoint, long intendedNs);

  /** Replaces all workers, one after another or all at once. */
  void restart(boolean rolling);

  /** Whether the master is there; without it no worker is replaced any more. */
  boolean isRunning();

  /** The master first, then each slot's worker. */
  List<ProcessReadout> processes();

  /**
   * Objects in generations 0, 1, 2 and the permanent one of the process in a slot (-1 the master).
   * Walks the lists, which takes milliseconds of real time; all 0 if there is no such process.
   */
  long[] trackedObjects(int slot);

  /** Sums over the workers that have ended. */
  RetiredWorkers retired();

  /** Workers replaced, by reason: rss_limit, max_requests, reload, oom. */
  List<Long> restarts();

  long hostTotalBytes();

  long hostAvailableBytes();
}
