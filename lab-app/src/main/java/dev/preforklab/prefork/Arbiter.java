package dev.preforklab.prefork;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.MachineHost;
import dev.preforklab.machine.Kernel;
import dev.preforklab.machine.process.Process;
import dev.preforklab.machine.sched.Scheduler;
import dev.preforklab.prefork.profile.Profile;
import dev.preforklab.prefork.profile.RequestReplayer;
import dev.preforklab.probe.Probes;
import dev.preforklab.sim.Event;
import dev.preforklab.sim.EventQueue;
import dev.preforklab.sim.Prng;
import dev.preforklab.sim.PrngStreams;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The master's part of a prefork service: it loads the application, forks a worker for each slot,
 * and replaces workers that have served enough, grown too large, were killed or are to be reloaded.
 *
 * <p>What a request does to memory happens at the moment it is taken; the CPU time that costs is
 * then given to the scheduler, and the request is over when the worker has had it. All callbacks
 * come from events of the run's queue, never from inside a call.
 */
public final class Arbiter {
  /** HTTP status of a request whose worker was killed. */
  private static final int BAD_GATEWAY = 502;

  private static final int OK = 200;

  /** What the service tells its surroundings. Calls back into the arbiter are allowed. */
  public interface Listener {
    /** A worker can take a request: it has booted, or has answered. */
    void workerReady(int slot);

    /** A worker takes no more requests. */
    void workerGone(int slot);

    /** A request given to {@link #serve} is over; {@code status} is that of HTTP. */
    void requestEnded(long requestId, int status);

    /** A collection has paused a worker; told while its request is computed. */
    void collected(int slot, int generation, long durationNs);

    /** A worker is about to leave: the last look at it. A killed one has no memory any more. */
    void workerEnded(Worker worker, ExitReason reason);
  }

  private final PreforkSettings settings;
  private final GcPolicy policy;
  private final Kernel kernel;
  private final EventQueue queue;
  private final Scheduler scheduler;
  private final PrngStreams streams;
  private final Listener listener;
  private final Master master;
  private final @Nullable Worker[] workers;
  private final long[] restarts = new long[ExitReason.values().length];
  private final ArrayDeque<Integer> rolling = new ArrayDeque<>();
  private int rollingSlot = -1;
  private int forks;

  /**
   * Loads the application; nothing is forked yet.
   *
   * @param profile the application as captured; for a policy that loads without the collector its
   *     image without one, see {@link dev.preforklab.prefork.profile.ProfilePair}
   * @throws dev.preforklab.prefork.profile.ProfileException if the heap can't be laid out
   * @throws Host.OutOfMemory if the machine is too small for the master
   */
  public Arbiter(
      Profile profile,
      GcPolicy policy,
      PreforkSettings settings,
      Kernel kernel,
      EventQueue queue,
      Scheduler scheduler,
      PrngStreams streams,
      Listener listener) {
    this.settings = settings;
    this.policy = policy;
    this.kernel = kernel;
    this.queue = queue;
    this.scheduler = scheduler;
    this.streams = streams;
    this.listener = listener;
    workers = new @Nullable Worker[settings.workers()];
    kernel.setOomListener(this::killed);
    master = Master.load(profile, policy, kernel, queue.now());
    Probes.processForked(
        kernel.hostIndex(), Probes.MASTER, master.pid(), 0, master.process().startNs());
  }

  /** Forks all workers; they report ready in simulated time. */
  public void start() {
    for (int slot = 0; slot < workers.length; slot++) {
      spawnWorker(slot);
    }
  }

  /** The master. */
  public ServerProcess master() {
    return master;
  }

  /** The slot's worker; null between two. */
  public @Nullable Worker worker(int slot) {
    return workers[slot];
  }

  /** The workers there are, by slot. */
  public List<Worker> workers() {
    List<Worker> present = new ArrayList<>();
    for (Worker worker : workers) {
      if (worker != null) {
        present.add(worker);
      }
    }
    return present;
  }

  /** What a slot is doing. */
  public WorkerState state(int slot) {
    Worker worker = workers[slot];
    return worker == null ? WorkerState.DEAD : worker.state;
  }

  /** Workers replaced for a reason so far. */
  public long restarts(ExitReason reason) {
    return restarts[reason.probeCode()];
  }

  /** Whether the master runs: without it no worker is replaced any more. */
  public boolean isRunning() {
    return master.process().isRunning();
  }

  /**
   * A ready worker takes a request now.
   *
   * @param intendedNs when the request was due
   * @throws IllegalStateException if the slot's worker is not idle
   */
  public void serve(int slot, long requestId, int endpoint, long intendedNs) {
    Worker worker = workers[slot];
    if (worker == null || worker.state != WorkerState.IDLE) {
      throw new IllegalStateException("worker " + slot + " is " + state(slot) + ", not idle");
    }
    long now = queue.now();
    worker.state = WorkerState.BUSY;
    worker.requestId = requestId;
    worker.endpoint = endpoint;
    worker.intendedNs = intendedNs;
    worker.minorFaultsBefore = worker.faults().minor();
    worker.cowCopiesBefore = worker.faults().cowCopies();
    worker.gcPauseBefore = worker.gcPauseNs();
    Probes.requestStart(kernel.hostIndex(), slot, endpoint, requestId, intendedNs, now);
    long burstNs = work(worker, () -> worker.replay.serve(endpoint, requestId));
    if (worker.process().isRunning()) {
      submit(worker, worker.process(), burstNs, end -> answered(worker, end));
    }
  }

  /**
   * Gives a worker CPU time and goes on when it has had it. A worker that was killed at that very
   * instant, while {@link #buryKilled} is still queued, does not go on: it would end twice.
   */
  private void submit(Worker worker, Process payer, long burstNs, Event next) {
    worker.burst =
        scheduler.submit(
            payer,
            burstNs,
            now -> {
              worker.burst = null;
              if (worker.process().isRunning()) {
                next.run(now);
              }
            });
  }

  private void answered(Worker worker, long nowNs) {
    tellEnd(worker, OK, nowNs);
    ExitReason reason = reasonToLeave(worker);
    if (reason != null) {
      leave(worker, reason);
    } else {
      worker.state = WorkerState.IDLE;
      listener.workerReady(worker.slot());
    }
  }

  private void tellEnd(Worker worker, int status, long nowNs) {
    Probes.requestEnd(
        kernel.hostIndex(),
        worker.slot(),
        worker.endpoint,
        worker.requestId,
        worker.intendedNs,
        nowNs,
        status,
        worker.faults().minor() - worker.minorFaultsBefore,
        worker.faults().cowCopies() - worker.cowCopiesBefore,
        worker.gcPauseNs() - worker.gcPauseBefore);
    listener.requestEnded(worker.requestId, status);
  }

  private @Nullable ExitReason reasonToLeave(Worker worker) {
    if (worker.leaving != null) {
      return worker.leaving;
    }
    if (worker.requestsMax > 0 && worker.requests() >= worker.requestsMax) {
      return ExitReason.MAX_REQUESTS;
    }
    boolean large =
        settings.reloadOnRssBytes() > 0 && worker.rssBytes() > settings.reloadOnRssBytes();
    return large ? ExitReason.RSS_LIMIT : null;
  }

  /**
   * Replaces all workers. One that serves a request finishes it first.
   *
   * @param oneByOne each only when its predecessor's successor is ready, else all at once
   */
  public void restart(boolean oneByOne) {
    rolling.clear();
    if (oneByOne) {
      for (int slot = 0; slot < workers.length; slot++) {
        rolling.add(slot);
      }
      rollingSlot = -1;
      continueRolling();
    } else {
      for (int slot = 0; slot < workers.length; slot++) {
        reload(slot);
      }
    }
  }

  private void continueRolling() {
    Integer slot = rolling.poll();
    rollingSlot = slot == null ? -1 : slot;
    if (slot != null) {
      reload(slot);
    }
  }

  private void reload(int slot) {
    Worker worker = workers[slot];
    if (worker == null || worker.leaving != null) {
      return;
    }
    worker.leaving = ExitReason.RELOAD;
    switch (worker.state) {
      case IDLE -> {
        listener.workerGone(slot);
        leave(worker, ExitReason.RELOAD);
      }
      case BUSY -> worker.state = WorkerState.DRAINING;
      case BOOTING, DRAINING, DEAD -> {}
    }
  }

  private void leave(Worker worker, ExitReason reason) {
    worker.leaving = reason;
    worker.exiting = true;
    worker.state = WorkerState.DRAINING;
    long burstNs =
        work(
            worker,
            () -> {
              if (settings.exitMode() == ExitMode.NORMAL) {
                master.heap().finalizeInterpreter(worker.interpreter());
              }
            });
    if (!worker.process().isRunning()) {
      return;
    }
    submit(worker, worker.process(), burstNs, end -> exit(worker, reason));
  }

  /** The worker has finalised; the kernel takes its memory back. */
  private void exit(Worker worker, ExitReason reason) {
    listener.workerEnded(worker, reason);
    long before = worker.cpuNs();
    kernel.exit(worker.process());
    scheduler.submit(worker.process(), worker.cpuNs() - before, end -> ended(worker, reason, end));
  }

  private void ended(Worker worker, ExitReason reason, long nowNs) {
    restarts[reason.probeCode()]++;
    worker.state = WorkerState.DEAD;
    workers[worker.slot()] = null;
    Probes.processExited(
        kernel.hostIndex(), worker.slot(), worker.pid(), reason.probeCode(), nowNs, -1);
    spawnWorker(worker.slot());
  }

  private void spawnWorker(int slot) {
    if (!isRunning()) {
      return;
    }
    master.process().setNow(queue.now());
    long before = master.cpuNs();
    MachineHost child;
    try {
      child = master.fork(slot);
    } catch (Host.OutOfMemory e) {
      return;
    }
    long forkNs = master.cpuNs() - before;
    Interpreter interpreter = master.interpreter().forked(child);
    Prng draws = streams.stream("worker " + slot + " fork " + forks++);
    RequestReplayer.Worker replay =
        master.replayer().newWorker(interpreter, draws, !policy.immortalizes());
    long requestsMax = settings.maxRequests();
    if (requestsMax > 0 && settings.maxRequestsJitter() > 0) {
      requestsMax += draws.nextInt(settings.maxRequestsJitter() + 1);
    }
    Worker worker =
        new Worker(
            child,
            interpreter,
            slot,
            replay,
            requestsMax,
            (generation, ns) -> listener.collected(slot, generation, ns));
    workers[slot] = worker;
    Probes.processForked(kernel.hostIndex(), slot, worker.pid(), master.pid(), worker.startNs());
    submit(worker, master.process(), forkNs, forked -> boot(worker));
  }

  private void boot(Worker worker) {
    long burstNs = work(worker, worker.replay::boot);
    if (worker.process().isRunning()) {
      submit(worker, worker.process(), burstNs, now -> booted(worker));
    }
  }

  private void booted(Worker worker) {
    if (worker.leaving != null) {
      leave(worker, worker.leaving);
      return;
    }
    worker.state = WorkerState.IDLE;
    if (worker.slot() == rollingSlot) {
      continueRolling();
    }
    if (worker.state == WorkerState.IDLE) {
      listener.workerReady(worker.slot());
    }
  }

  /** Does a piece of a worker's work now; returns the CPU time it takes, in nanoseconds. */
  private long work(Worker worker, Runnable piece) {
    Process process = worker.process();
    process.setNow(queue.now());
    long before = process.cpuNs();
    try {
      piece.run();
    } catch (Host.OutOfMemory e) {
      if (process.isRunning()) {
        // no victim was left to kill: the process itself can't go on
        kernel.exit(process);
        killed(process);
      }
    }
    return process.cpuNs() - before;
  }

  /** The out-of-memory killer has struck, maybe inside another worker's work: answer later. */
  private void killed(Process victim) {
    queue.scheduleAfter(0, now -> buryKilled(victim, now));
  }

  private void buryKilled(Process victim, long nowNs) {
    for (Worker worker : workers) {
      if (worker == null || worker.process() != victim) {
        continue;
      }
      Scheduler.Burst burst = worker.burst;
      if (burst != null) {
        scheduler.cancel(burst);
        worker.burst = null;
      }
      boolean serving =
          !worker.exiting
              && (worker.state == WorkerState.BUSY || worker.state == WorkerState.DRAINING);
      if (worker.state == WorkerState.IDLE) {
        listener.workerGone(worker.slot());
      }
      listener.workerEnded(worker, ExitReason.OOM);
      if (serving) {
        tellEnd(worker, BAD_GATEWAY, nowNs);
      }
      ended(worker, ExitReason.OOM, nowNs);
      return;
    }
  }
}
