package dev.preforklab.experiment;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.gc.GcState;
import dev.preforklab.machine.HostConfig;
import dev.preforklab.machine.Kernel;
import dev.preforklab.machine.process.FaultCounts;
import dev.preforklab.machine.sched.Scheduler;
import dev.preforklab.prefork.Arbiter;
import dev.preforklab.prefork.ExitReason;
import dev.preforklab.prefork.GcPolicy;
import dev.preforklab.prefork.ServerProcess;
import dev.preforklab.prefork.Worker;
import dev.preforklab.prefork.WorkerState;
import dev.preforklab.prefork.profile.HeapLoader;
import dev.preforklab.prefork.profile.Profile;
import dev.preforklab.scenario.Scenario;
import dev.preforklab.sim.CostModel;
import dev.preforklab.sim.EventQueue;
import dev.preforklab.sim.PrngStreams;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The prefork service on its own simulated machine, as a run sees it. */
final class ArbiterService implements PreforkService, Arbiter.Listener {
  private static final long LEAST_GROWTH_BYTES = 1L << 30;

  /** Of the recommended address space, the pages above the loaded heap. */
  private static final long RECOMMENDED_GROWTH_PAGES = (4L << 30) >>> Host.LOG_BYTES_IN_PAGE;

  private final Kernel kernel;
  private final Arbiter arbiter;
  private final RetiredWorkers retired = new RetiredWorkers();
  private @Nullable Listener listener;

  /**
   * Boots a machine and loads the application on it.
   *
   * @throws dev.preforklab.cpython.Host.OutOfMemory if the machine is too small for the master
   */
  ArbiterService(
      Scenario scenario,
      GcPolicy policy,
      Profile profile,
      int hostIndex,
      EventQueue events,
      PrngStreams streams) {
    CostModel costs = CostModel.defaults();
    HostConfig config =
        new HostConfig(
            scenario.host().ramBytes(),
            scenario.host().cores(),
            virtualPages(profile, scenario.host().ramBytes()));
    kernel = new Kernel(config, costs, hostIndex);
    Scheduler scheduler =
        new Scheduler(events, config.cores(), Scheduler.DEFAULT_SLICE_NS, costs.contextSwitchNs());
    arbiter =
        new Arbiter(
            profile,
            policy,
            scenario.service().prefork(),
            kernel,
            events,
            scheduler,
            streams,
            this);
  }

  /**
   * Pages of each process's address space: what the loader recommends is meant for any machine; a
   * process that cannot have more memory than there is needs less, and page tables are flat.
   */
  private static int virtualPages(Profile profile, long ramBytes) {
    long growthPages = Math.max(LEAST_GROWTH_BYTES, 2 * ramBytes) >>> Host.LOG_BYTES_IN_PAGE;
    long recommended = HeapLoader.virtualPages(profile);
    return (int) Math.min(recommended, recommended - RECOMMENDED_GROWTH_PAGES + growthPages);
  }

  @Override
  public void start(Listener runListener) {
    listener = runListener;
    arbiter.start();
  }

  private Listener listener() {
    Listener known = listener;
    if (known == null) {
      throw new IllegalStateException("the service has not been started");
    }
    return known;
  }

  @Override
  public void workerReady(int slot) {
    listener().workerReady(slot);
  }

  @Override
  public void workerGone(int slot) {
    listener().workerGone(slot);
  }

  @Override
  public void requestEnded(long requestId, int status) {
    listener().requestEnded(requestId, status);
  }

  @Override
  public void collected(int slot, int generation, long durationNs) {
    listener().collected(generation, durationNs);
  }

  @Override
  public void workerEnded(Worker worker, ExitReason reason) {
    retired.add(readout(worker, worker.state().name(), worker.requests()));
  }

  @Override
  public void serve(int slot, long requestId, int endpoint, long intendedNs) {
    arbiter.serve(slot, requestId, endpoint, intendedNs);
  }

  @Override
  public void restart(boolean rolling) {
    arbiter.restart(rolling);
  }

  @Override
  public boolean isRunning() {
    return arbiter.isRunning();
  }

  @Override
  public List<ProcessReadout> processes() {
    List<ProcessReadout> processes = new ArrayList<>();
    if (arbiter.isRunning()) {
      processes.add(readout(arbiter.master(), WorkerState.IDLE.name(), 0));
    }
    for (Worker worker : arbiter.workers()) {
      if (worker.process().isRunning()) {
        processes.add(readout(worker, worker.state().name(), worker.requests()));
      }
    }
    return processes;
  }

  @Override
  public long[] trackedObjects(int slot) {
    ServerProcess process = slot < 0 ? arbiter.master() : arbiter.worker(slot);
    long[] tracked = new long[GcState.GENERATIONS + 1];
    for (int generation = 0; process != null && generation < tracked.length; generation++) {
      tracked[generation] = process.tracked(generation);
    }
    return tracked;
  }

  private static ProcessReadout readout(ServerProcess process, String state, long requests) {
    FaultCounts faults = process.faults();
    long[] cow = new long[FaultCounts.CAUSES];
    for (int cause = 0; cause < cow.length; cause++) {
      cow[cause] = faults.cowCopies(cause);
    }
    long[] counts = new long[GcState.GENERATIONS];
    long[] thresholds = new long[GcState.GENERATIONS];
    long[][] stats = new long[GcState.GENERATIONS][];
    long[][] statsAtFork = new long[GcState.GENERATIONS][];
    for (int generation = 0; generation < GcState.GENERATIONS; generation++) {
      counts[generation] = process.gcCount(generation);
      thresholds[generation] = process.gcThreshold(generation);
      stats[generation] = process.stats(generation);
      statsAtFork[generation] = process.statsAtFork(generation);
    }
    return new ProcessReadout(
        process.slot(),
        process.pid(),
        state,
        requests,
        process.memory(),
        process.virtualBytes(),
        process.startNs(),
        process.cpuNs(),
        faults.minor(),
        faults.major(),
        cow,
        process.increfsShared(),
        process.increfsPrivate(),
        process.decrefsShared(),
        process.decrefsPrivate(),
        counts,
        thresholds,
        process.longLived(),
        stats,
        statsAtFork);
  }

  @Override
  public RetiredWorkers retired() {
    return retired;
  }

  @Override
  public List<Long> restarts() {
    return List.of(
        arbiter.restarts(ExitReason.RSS_LIMIT),
        arbiter.restarts(ExitReason.MAX_REQUESTS),
        arbiter.restarts(ExitReason.RELOAD),
        arbiter.restarts(ExitReason.OOM));
  }

  @Override
  public long hostTotalBytes() {
    return kernel.totalBytes();
  }

  @Override
  public long hostAvailableBytes() {
    return kernel.availableBytes();
  }
}
