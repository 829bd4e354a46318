package dev.preforklab.prefork;

import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.MachineHost;
import dev.preforklab.cpython.gc.GcListener;
import dev.preforklab.cpython.gc.GcState;
import dev.preforklab.machine.Kernel;
import dev.preforklab.machine.SmapsRollup;
import dev.preforklab.machine.memory.MachineConstants;
import dev.preforklab.machine.process.FaultCounts;
import dev.preforklab.machine.process.Process;
import dev.preforklab.probe.Probes;
import dev.preforklab.sim.CostModel;

/**
 * The master or a worker: a simulated process with an interpreter in it, and what can be read of it
 * from outside. Reading changes nothing in it.
 */
public class ServerProcess {
  private static final long TRACKED_COUNT_EVERY_NS = 1_000_000_000L;

  private final long[] tracked = new long[GcState.GENERATIONS + 1];
  private long trackedCountedAtChange = -1;
  private long trackedCountedAtNs;

  private final MachineHost host;
  private final Interpreter interpreter;
  private final int slot;
  private final long[] collections = new long[GcState.GENERATIONS];
  private final long[] collected = new long[GcState.GENERATIONS];
  private final long[][] statsAtFork = new long[GcState.GENERATIONS][3];
  private long gcPauseNs;

  ServerProcess(MachineHost host, Interpreter interpreter, int slot, GcPauses pauses) {
    this.host = host;
    this.interpreter = interpreter;
    this.slot = slot;
    GcState state = interpreter.gcState;
    for (int generation = 0; generation < GcState.GENERATIONS; generation++) {
      statsAtFork[generation][0] = state.collections(generation);
      statsAtFork[generation][1] = state.collected(generation);
      statsAtFork[generation][2] = state.uncollectable(generation);
    }
    interpreter.collector.setListener(new Pause(pauses));
  }

  /** Hears how long a collection paused its process. */
  interface GcPauses {
    void collected(int generation, long durationNs);
  }

  /** Charges each collection and tells the probes of it. */
  private final class Pause implements GcListener {
    private final GcPauses pauses;
    private long startCpuNs;

    Pause(GcPauses pauses) {
      this.pauses = pauses;
    }

    @Override
    public void started(int generation) {
      startCpuNs = process().cpuNs();
      Probes.gcStart(process().host(), slot, generation, process().nowNs());
    }

    @Override
    public void done(
        int generation, long found, long uncollectable, long objects, long references) {
      CostModel costs = kernel().costs();
      long old = interpreter.collector.oldObjectsVisited(generation);
      host.charge(
          costs.gcBaseNs()
              + old * costs.gcFullObjectNs()
              + (objects - old) * costs.gcYoungObjectNs());
      long durationNs = process().cpuNs() - startCpuNs;
      gcPauseNs += durationNs;
      collections[generation]++;
      collected[generation] += found;
      Probes.gcDone(
          process().host(), slot, generation, found, uncollectable, process().nowNs(), durationNs);
      pauses.collected(generation, durationNs);
    }
  }

  final MachineHost host() {
    return host;
  }

  final Kernel kernel() {
    return host.kernel();
  }

  /** The interpreter, for experiments that look inside. */
  public final Interpreter interpreter() {
    return interpreter;
  }

  /** The simulated process. */
  public final Process process() {
    return host.process();
  }

  /** Worker slot from 0, or {@link Probes#MASTER}. */
  public final int slot() {
    return slot;
  }

  public final int pid() {
    return process().pid();
  }

  /** When it was forked, in simulated nanoseconds. */
  public final long startNs() {
    return process().startNs();
  }

  /** CPU time so far, in simulated nanoseconds. */
  public final long cpuNs() {
    return process().cpuNs();
  }

  /** Its memory by the map counts of this moment. */
  public final SmapsRollup memory() {
    return kernel().smapsRollup(process());
  }

  /** Resident bytes; cheaper than {@link #memory}. */
  public final long rssBytes() {
    return (long) process().addressSpace().residentPages() * MachineConstants.BYTES_IN_PAGE;
  }

  public final long virtualBytes() {
    return process().addressSpace().virtualPages() * MachineConstants.BYTES_IN_PAGE;
  }

  /** Page faults since the fork, by kind and cause. */
  public final FaultCounts faults() {
    return process().faults();
  }

  /** Time its collections took since the fork, in simulated nanoseconds. */
  public final long gcPauseNs() {
    return gcPauseNs;
  }

  /** Collections of a generation since the fork. */
  public final long collections(int generation) {
    return collections[generation];
  }

  /** Objects that collections of a generation found unreachable since the fork. */
  public final long collected(int generation) {
    return collected[generation];
  }

  /** collections, collected and uncollectable of a generation when it was forked. */
  public final long[] statsAtFork(int generation) {
    return statsAtFork[generation].clone();
  }

  /** collections, collected and uncollectable of a generation, as gc.get_stats gives them. */
  public final long[] stats(int generation) {
    long[] stats = statsAtFork(generation);
    stats[0] += collections[generation];
    stats[1] += collected[generation];
    return stats;
  }

  /** A generation's count, as gc.get_count gives it; 0 once the process has ended. */
  public final int gcCount(int generation) {
    return process().isRunning() ? interpreter.collector.getCount(generation) : 0;
  }

  /** {@code long_lived_total} and {@code long_lived_pending}, in objects; 0 once it has ended. */
  public final long[] longLived() {
    return process().isRunning()
        ? new long[] {interpreter.gcState.longLivedTotal(), interpreter.gcState.longLivedPending()}
        : new long[2];
  }

  /** A generation's threshold; 0 once the process has ended. */
  public final int gcThreshold(int generation) {
    return process().isRunning() ? interpreter.gcState.threshold(generation) : 0;
  }

  /** Whether automatic collections are on. */
  public final boolean gcEnabled() {
    return process().isRunning() && interpreter.gcState.isEnabled();
  }

  public final long longLivedTotal() {
    return process().isRunning() ? interpreter.gcState.longLivedTotal() : 0;
  }

  public final long longLivedPending() {
    return process().isRunning() ? interpreter.gcState.longLivedPending() : 0;
  }

  /**
   * Tracked objects of a generation, 3 for the permanent one, counted at most once a simulated
   * second, or after a full collection or freeze: the interpreter keeps no such numbers, so its
   * lists are walked.
   */
  public final long tracked(int generation) {
    if (!process().isRunning()) {
      return 0;
    }
    long nowNs = process().nowNs();
    long changes = interpreter.collector.oldListChanges();
    if (changes != trackedCountedAtChange || nowNs - trackedCountedAtNs >= TRACKED_COUNT_EVERY_NS) {
      for (int i = 0; i < GcState.GENERATIONS; i++) {
        tracked[i] = interpreter.collector.generationSize(i);
      }
      tracked[GcState.GENERATIONS] = interpreter.collector.freezeCount();
      trackedCountedAtChange = changes;
      trackedCountedAtNs = nowNs;
    }
    return tracked[generation];
  }

  public final long increfsShared() {
    return interpreter.refCounts.increfsShared();
  }

  public final long increfsPrivate() {
    return interpreter.refCounts.increfsPrivate();
  }

  public final long decrefsShared() {
    return interpreter.refCounts.decrefsShared();
  }

  public final long decrefsPrivate() {
    return interpreter.refCounts.decrefsPrivate();
  }
}
