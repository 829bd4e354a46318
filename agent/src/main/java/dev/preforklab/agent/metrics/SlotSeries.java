package dev.preforklab.agent.metrics;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What is known of one worker slot (or the master) of one host.
 *
 * <p>The arrays that hot probes increment have one writer, the thread that runs the host. All that
 * sampling and life-cycle probes set is guarded by the lock of the {@link HostSeries}.
 */
public final class SlotSeries {
  /** Generations a collection can have; 3 is kept for releases that count one more. */
  static final int GENERATIONS = 4;

  static final int FAULT_KINDS = 8;

  /** Passes remembered within one request; a request with more has its later ones counted only. */
  public static final int MAX_PASSES = 16;

  // Indices into memory.
  static final int RSS = 0;
  static final int PSS = 1;
  static final int SHARED_CLEAN = 2;
  static final int SHARED_DIRTY = 3;
  static final int PRIVATE_CLEAN = 4;
  static final int PRIVATE_DIRTY = 5;
  static final int VIRTUAL = 6;

  // Indices into counters.
  static final int CPU_NS = 0;
  static final int MINOR_FAULTS = 1;
  static final int MAJOR_FAULTS = 2;
  static final int INCREF_SHARED = 3;
  static final int INCREF_PRIVATE = 4;
  static final int DECREF_SHARED = 5;
  static final int DECREF_PRIVATE = 6;
  static final int COW_CAUSES = 7;
  static final int COW_CAUSE_COUNT = 5;

  // Indices into gcStats: generation * 3 + one of these.
  static final int COLLECTIONS = 0;
  static final int COLLECTED = 1;
  static final int UNCOLLECTABLE = 2;

  final List<String> labels;

  int pid;
  boolean alive;
  int lastExitedPid;
  long exitNs = -1;

  final long[] memory = new long[7];
  boolean memorySampled;
  long startTimeNs;
  boolean started;
  final RespawnCounters counters = new RespawnCounters(COW_CAUSES + COW_CAUSE_COUNT);

  /** Counts of generations 0-2, thresholds 0-2, tracked objects of 0-2, permanent. */
  final long[] gc = new long[10];

  boolean gcSampled;
  final RespawnCounters gcStats = new RespawnCounters(GENERATIONS * 3);
  private final boolean[] inheritanceDue = new boolean[GENERATIONS];
  private final long[] inherited = new long[GENERATIONS * 3];

  final long[] faultKinds = new long[FAULT_KINDS];
  final long[] arenas = new long[2];
  final long[] restarts = new long[4];
  final @Nullable DurationHistogram[] gcPauses = new DurationHistogram[GENERATIONS];

  // The request in flight; written and read by the host's thread alone.
  long requestId = -1;
  long requestStartNs;
  int passes;
  final int[] passGeneration = new int[MAX_PASSES];
  final long[] passStartNs = new long[MAX_PASSES];
  final long[] passDurationNs = new long[MAX_PASSES];
  final long[] passCollected = new long[MAX_PASSES];

  SlotSeries(String scenario, String gcSetting, String worker) {
    labels = List.of(scenario, gcSetting, worker);
  }

  /** The labels scenario, gc, worker and one more. */
  List<String> labels(String more) {
    List<String> all = new ArrayList<>(labels.size() + 1);
    all.addAll(labels);
    all.add(more);
    return all;
  }

  /** The labels scenario, gc, worker and two more. */
  List<String> labels(String more, String evenMore) {
    List<String> all = labels(more);
    all.add(evenMore);
    return all;
  }

  /** Worker slot as the label says it: {@code 0}, {@code 1}, ... or {@code master}. */
  public String worker() {
    return labels.get(2);
  }

  /** Process id of the slot's present process. */
  public int pid() {
    return pid;
  }

  /** Garbage collection passes recorded within the request that has just ended. */
  public int passes() {
    return Math.min(passes, MAX_PASSES);
  }

  /** Generation of a recorded pass. */
  public int passGeneration(int pass) {
    return passGeneration[pass];
  }

  /** Start of a recorded pass, in simulated nanoseconds. */
  public long passStartNs(int pass) {
    return passStartNs[pass];
  }

  /** Duration of a recorded pass, in nanoseconds. */
  public long passDurationNs(int pass) {
    return passDurationNs[pass];
  }

  /** Objects a recorded pass freed. */
  public long passCollected(int pass) {
    return passCollected[pass];
  }

  /** A new process took the slot; what its collector counted before the fork is the master's. */
  void forked(int newPid, @Nullable SlotSeries master) {
    if (newPid != pid && counters.seen()) {
      counters.respawn();
    }
    if (gcStats.seen() && newPid != pid) {
      gcStats.respawn();
      for (int generation = 0; generation < GENERATIONS; generation++) {
        inheritanceDue[generation] = true;
      }
      for (int i = 0; i < inherited.length; i++) {
        inherited[i] = master == null ? 0 : master.gcStats.ofProcess(i);
      }
    }
    pid = newPid;
    alive = true;
    memorySampled = false;
    gcSampled = false;
    started = false;
  }

  void exited() {
    alive = false;
    memorySampled = false;
    gcSampled = false;
    started = false;
  }

  /** One generation's statistics of the slot's present process. */
  void sampleGcStats(int generation, long collections, long collected, long uncollectable) {
    int first = generation * 3;
    if (inheritanceDue[generation]) {
      inheritanceDue[generation] = false;
      gcStats.sampleInherited(first, collections, inherited[first]);
      gcStats.sampleInherited(first + 1, collected, inherited[first + 1]);
      gcStats.sampleInherited(first + 2, uncollectable, inherited[first + 2]);
    } else {
      gcStats.sample(first, collections);
      gcStats.sample(first + 1, collected);
      gcStats.sample(first + 2, uncollectable);
    }
  }
}
