package dev.preforklab.machine.sched;

import dev.preforklab.machine.process.Process;
import dev.preforklab.sim.Event;
import dev.preforklab.sim.EventQueue;
import java.util.ArrayDeque;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The host's cores and their one run queue. Bursts of CPU time wait in the order they came; a core
 * runs one for a slice, then puts it behind the others (round robin). While nobody waits a burst
 * stays on its core. What a burst does to memory is known when it is submitted; the scheduler only
 * decides when it is over. A burst that begins on a core that ran another process before pays for
 * the context switch.
 */
public final class Scheduler {
  /** Linux's base slice, 3 ms with a handful of cores. */
  public static final long DEFAULT_SLICE_NS = 3_000_000;

  private final EventQueue queue;
  private final long sliceNs;
  private final long contextSwitchNs;
  private final ArrayDeque<Burst> runQueue = new ArrayDeque<>();
  private final @Nullable Burst[] running;
  private final int[] lastPid;
  private long busyNs;
  private long contextSwitches;

  /**
   * @param cores at least 1
   * @param sliceNs longest time on a core while another burst waits, more than 0
   * @param contextSwitchNs cost of giving a core to another process
   */
  public Scheduler(EventQueue queue, int cores, long sliceNs, long contextSwitchNs) {
    if (cores < 1 || sliceNs < 1 || contextSwitchNs < 0) {
      throw new IllegalArgumentException(
          "cores ("
              + cores
              + ") and slice ("
              + sliceNs
              + " ns) must be positive, the context switch ("
              + contextSwitchNs
              + " ns) not negative");
    }
    this.queue = queue;
    this.sliceNs = sliceNs;
    this.contextSwitchNs = contextSwitchNs;
    running = new @Nullable Burst[cores];
    lastPid = new int[cores];
    Arrays.fill(lastPid, -1);
  }

  /**
   * Gives a process so much CPU time, then runs the completion at the simulated time when it has
   * had it. A process may have several bursts pending; they run in turn like those of others.
   *
   * @return a handle for {@link #cancel}
   */
  public Burst submit(Process process, long burstNs, Event completion) {
    if (burstNs < 0) {
      throw new IllegalArgumentException("a burst cannot take " + burstNs + " ns");
    }
    Burst burst = new Burst(process, burstNs, completion);
    runQueue.addLast(burst);
    dispatch();
    return burst;
  }

  /** Takes a burst back, because its process has been killed; its completion will not run. */
  public void cancel(Burst burst) {
    burst.cancelled = true;
    runQueue.remove(burst);
  }

  /** Bursts that wait for a core. */
  public int waiting() {
    return runQueue.size();
  }

  /** Cores that run something. */
  public int busyCores() {
    int busy = 0;
    for (Burst burst : running) {
      busy += burst == null ? 0 : 1;
    }
    return busy;
  }

  /** Core time used since the start, all cores, context switches included, in nanoseconds. */
  public long busyNs() {
    return busyNs;
  }

  public long contextSwitches() {
    return contextSwitches;
  }

  private void dispatch() {
    for (int core = 0; core < running.length && !runQueue.isEmpty(); core++) {
      if (running[core] == null) {
        start(core, runQueue.removeFirst());
      }
    }
  }

  private void start(int core, Burst burst) {
    long switchNs = 0;
    if (lastPid[core] != burst.process.pid()) {
      lastPid[core] = burst.process.pid();
      switchNs = contextSwitchNs;
      contextSwitches++;
    }
    running[core] = burst;
    runSlice(core, burst, switchNs);
  }

  private void runSlice(int core, Burst burst, long switchNs) {
    long ns = Math.min(sliceNs, burst.remainingNs);
    burst.remainingNs -= ns;
    busyNs += ns + switchNs;
    queue.scheduleAfter(ns + switchNs, now -> sliceOver(core, burst, now));
  }

  private void sliceOver(int core, Burst burst, long nowNs) {
    if (!burst.cancelled && burst.remainingNs > 0 && runQueue.isEmpty()) {
      runSlice(core, burst, 0);
      return;
    }
    running[core] = null;
    if (!burst.cancelled && burst.remainingNs > 0) {
      runQueue.addLast(burst);
    }
    dispatch();
    if (!burst.cancelled && burst.remainingNs == 0) {
      burst.completion.run(nowNs);
    }
  }

  /** A submitted piece of CPU time. */
  public static final class Burst {
    private final Process process;
    private final Event completion;
    private long remainingNs;
    private boolean cancelled;

    private Burst(Process process, long burstNs, Event completion) {
      this.process = process;
      this.remainingNs = burstNs;
      this.completion = completion;
    }

    public Process process() {
      return process;
    }
  }
}
