package dev.preforklab.agent.metrics;

/**
 * Counters of a worker slot over all processes that ever had it.
 *
 * <p>A process's own counters start again at zero with each respawn, the slot's must not: what an
 * ended process had counted stays as a base, and the next one's counts are added on top. What a
 * child inherits by fork (CPython's {@code gc.get_stats()} goes on from the parent's) counts once:
 * with the slot's first process.
 *
 * <p>Not thread-safe; guarded by the lock of its {@link HostSeries}.
 */
final class RespawnCounters {
  private final long[] base;
  private final long[] last;
  private boolean seen;

  RespawnCounters(int counters) {
    base = new long[counters];
    last = new long[counters];
  }

  /** Whether any process of the slot has been sampled. */
  boolean seen() {
    return seen;
  }

  /** The slot's process has ended or been replaced: its last counts become part of the base. */
  void respawn() {
    for (int i = 0; i < base.length; i++) {
      base[i] += last[i];
      last[i] = 0;
    }
  }

  /**
   * The present process's counter {@code index} stands at {@code value}. A value lower than its
   * last one means a process nobody announced, and is added on top.
   */
  void sample(int index, long value) {
    seen = true;
    if (value < last[index]) {
      base[index] += last[index];
    }
    last[index] = value;
  }

  /**
   * The first sample of counter {@code index} after a respawn, where the process started from
   * {@code inherited} instead of zero; later samples of the same process go to {@link #sample}.
   */
  void sampleInherited(int index, long value, long inherited) {
    if (value >= inherited) {
      base[index] -= inherited;
    }
    sample(index, value);
  }

  /** What the present process counted at its last sample. */
  long ofProcess(int index) {
    return last[index];
  }

  /** The slot's counter: never decreases. */
  long total(int index) {
    return base[index] + last[index];
  }
}
