package dev.preforklab.prefork;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.preforklab.machine.HostConfig;
import dev.preforklab.machine.Kernel;
import dev.preforklab.machine.SmapsRollup;
import dev.preforklab.machine.sched.Scheduler;
import dev.preforklab.prefork.profile.HeapLoader;
import dev.preforklab.prefork.profile.Profile;
import dev.preforklab.sim.CostModel;
import dev.preforklab.sim.EventQueue;
import dev.preforklab.sim.Prng;
import dev.preforklab.sim.PrngStreams;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Queue;
import java.util.stream.Stream;
import org.assertj.core.api.SoftAssertions;

/**
 * Each worker serves the endpoints that the real one did, in its order, where the table tells them.
 * Else requests come in the order of the endpoints, from as many clients as the real ones had:
 * which of their requests is taken first is chance. Without it the lab's workers, whose requests
 * take always the same time, would share them out by endpoint.
 */
final class ServiceRun implements Arbiter.Listener {
  private static final int CLIENTS = 8;

  private static final double RATIO_BOUND = 0.03;

  private static final double PSS_BOUND = 0.06;
  private static final double FAULTS_BOUND = 0.10;

  private static final double COLLECTIONS_BOUND = 0.05;

  /** Few collections of a generation are told apart no finer than this. */
  private static final double COLLECTIONS_LEAST = 2;

  /** What was measured of the lab's workers: a worker's PSS, faults since all had started. */
  record Figures(double sharedRatio, double pssKb, long minorFaults, List<Integer> collections) {
    static final String COLUMNS =
        "requests,share_ratio,lab,pss_kb,lab,minflt_sum,lab,gen0_sum,lab,gen1_sum,lab,gen2_sum,lab\n";

    String row(ServiceCheckpoint real) {
      StringBuilder row =
          new StringBuilder(
              String.format(
                  Locale.ROOT,
                  "%d,%.4f,%.4f,%.1f,%.1f,%.0f,%d",
                  real.requests(),
                  real.sharedRatio(),
                  sharedRatio,
                  real.pssKb(),
                  pssKb,
                  real.minorFaults(),
                  minorFaults));
      for (int generation = 0; generation < collections.size(); generation++) {
        row.append(',').append(real.collections().get(generation));
        row.append(',').append(collections.get(generation));
      }
      return row.append('\n').toString();
    }
  }

  private final EventQueue queue = new EventQueue();
  private final Kernel kernel;
  private final Arbiter arbiter;
  private final int endpoints;
  private final List<Integer> idle = new ArrayList<>();
  private final List<Integer> waiting = new ArrayList<>();
  private final Prng arrival = new Prng(1);

  boolean comparePss = true;

  /** Requests from which faults are compared. */
  int faultsFrom = 1;

  private long faultsOfStart;
  private int sent;
  private int limit;

  /** By slot: requests served, and how many they may be; empty if any. */
  private final int[] served;

  private int[] quotas = {};

  /** By slot: endpoints to serve; by endpoint: requests of it so far. */
  private final List<Queue<Integer>> orders;

  private final int[] ofEndpoint;

  ServiceRun(Profile profile, GcPolicy policy, int workers) {
    endpoints = profile.endpoints().size();
    served = new int[workers];
    ofEndpoint = new int[endpoints];
    orders =
        Stream.generate(() -> (Queue<Integer>) new ArrayDeque<Integer>()).limit(workers).toList();
    HostConfig config = new HostConfig(2L << 30, 2, HeapLoader.virtualPages(profile));
    kernel = new Kernel(config, CostModel.defaults(), 0);
    arbiter =
        new Arbiter(
            profile,
            policy,
            PreforkSettings.of(workers),
            kernel,
            queue,
            new Scheduler(queue, 2, Scheduler.DEFAULT_SLICE_NS, 0),
            new PrngStreams(1),
            this);
    arbiter.start();
  }

  /** Serves until all workers together have served so many, each as many as the real one had. */
  void serveUpTo(ServiceCheckpoint checkpoint) {
    quotas = checkpoint.served();
    for (int slot = 0; slot < checkpoint.endpoints().size(); slot++) {
      String told = checkpoint.endpoints().get(slot);
      for (int i = 0; i < told.length() && told.charAt(i) != '-'; i++) {
        orders.get(slot).add(Character.digit(told.charAt(i), Character.MAX_RADIX));
      }
    }
    serveUpTo(checkpoint.requests());
    if (checkpoint.requests() == 0) {
      // the real ones were counted from here, with all workers started
      faultsOfStart = figures().minorFaults;
    }
  }

  void serveUpTo(int requests) {
    limit = requests;
    List<Integer> ready = List.copyOf(idle);
    idle.clear();
    ready.forEach(this::workerReady);
    while (queue.runNext()) {}
  }

  Figures figures() {
    long rss = 0;
    long pss = 0;
    long shared = 0;
    long faults = -faultsOfStart;
    int[] collections = new int[3];
    for (Worker worker : arbiter.workers()) {
      SmapsRollup memory = worker.memory();
      rss += memory.rss();
      pss += memory.pss();
      shared += memory.shared();
      faults += worker.faults().minor();
      for (int generation = 0; generation < collections.length; generation++) {
        collections[generation] += (int) worker.collections(generation);
      }
    }
    return new Figures(
        (double) shared / rss,
        pss / 1024.0 / served.length,
        faults,
        Arrays.stream(collections).boxed().toList());
  }

  void compareWith(ServiceCheckpoint checkpoint, SoftAssertions soft) {
    Figures lab = figures();
    String at = "after " + checkpoint.requests() + " requests";
    soft.assertThat(lab.sharedRatio)
        .as("shared ratio " + at)
        .isCloseTo(checkpoint.sharedRatio(), within(RATIO_BOUND));
    if (comparePss) {
      soft.assertThat(lab.pssKb)
          .as("PSS in kB of a worker " + at)
          .isCloseTo(checkpoint.pssKb(), within(PSS_BOUND * checkpoint.pssKb()));
    }
    if (checkpoint.requests() >= faultsFrom) {
      soft.assertThat((double) lab.minorFaults)
          .as("minor faults " + at)
          .isCloseTo(checkpoint.minorFaults(), within(FAULTS_BOUND * checkpoint.minorFaults()));
    }
  }

  void compareCollections(ServiceCheckpoint last, SoftAssertions soft) {
    List<Integer> collections = figures().collections;
    for (int generation = 0; generation < collections.size(); generation++) {
      double real = last.collections().get(generation);
      soft.assertThat((double) collections.get(generation))
          .as("collections of generation " + generation + " after " + last.requests())
          .isCloseTo(real, within(Math.max(COLLECTIONS_LEAST, COLLECTIONS_BOUND * real)));
    }
  }

  @Override
  public void workerReady(int slot) {
    Integer told = orders.get(slot).poll();
    if (told != null) {
      int request = told + endpoints * ofEndpoint[told]++;
      sent++;
      served[slot]++;
      arbiter.serve(slot, request, told, queue.now());
      return;
    }
    while (sent < limit && waiting.size() < CLIENTS) {
      waiting.add(sent++);
    }
    boolean hasDone = quotas.length > 0 && served[slot] >= quotas[slot];
    if (!waiting.isEmpty() && !hasDone) {
      served[slot]++;
      int request = waiting.remove(arrival.nextInt(waiting.size()));
      arbiter.serve(slot, request, request % endpoints, queue.now());
    } else {
      idle.add(slot);
    }
  }

  @Override
  public void workerGone(int slot) {
    throw new AssertionError("no worker goes");
  }

  @Override
  public void requestEnded(long requestId, int status) {
    assertThat(status).isEqualTo(200);
  }

  @Override
  public void collected(int slot, int generation, long durationNs) {}

  @Override
  public void workerEnded(Worker worker, ExitReason reason) {
    throw new AssertionError("no worker ends");
  }

  Worker worker(int slot) {
    return arbiter.workers().get(slot);
  }
}
