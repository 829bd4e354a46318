package dev.preforklab.experiment;

import dev.preforklab.experiment.live.HostSnapshot;
import dev.preforklab.experiment.live.LabSnapshot;
import dev.preforklab.experiment.live.LiveControl;
import dev.preforklab.scenario.Scenario;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Couples simulated to wall time for a live run: one thread a host runs its events when their time
 * has come, a further one puts a snapshot together each second. The only class below the page that
 * reads the wall clock; what a host computes depends on it in nothing but how far it is.
 */
public final class Pacer implements LiveControl, AutoCloseable {
  /** Longest sleep of a host that has nothing due. */
  private static final long NAP_NS = 10_000_000;

  private static final long SNAPSHOT_EVERY_NS = 1_000_000_000;

  /** Fifteen minutes. */
  private static final int HISTORY = 900;

  /** A simulated second is run in no fewer steps than this, so that requests from outside wait. */
  private static final long STEP_NS = 50_000_000;

  private final Lab lab;
  private final List<Simulation> hosts = new ArrayList<>();
  private final List<Queue<Consumer<Simulation>>> requests = new ArrayList<>();
  private final AtomicReferenceArray<HostSnapshot> hostSnapshots;
  private final List<Thread> threads = new ArrayList<>();
  private final CountDownLatch running;
  private final PaceClock clock;
  private final long startWallNs;
  private final ArrayDeque<LabSnapshot> history = new ArrayDeque<>();
  private volatile LabSnapshot newest;
  private volatile double rate;
  private volatile boolean stopped;
  private volatile @Nullable Throwable failure;
  private long lastSnapshotWallNs;
  private long lastSnapshotNs;

  /** Boots all hosts; they stand still until {@link #start}. */
  public Pacer(Lab lab) {
    this.lab = lab;
    Scenario scenario = lab.scenario();
    int count = scenario.gc().size();
    hostSnapshots = new AtomicReferenceArray<>(count);
    for (int i = 0; i < count; i++) {
      Simulation host = lab.host(i);
      hosts.add(host);
      requests.add(new ConcurrentLinkedQueue<>());
      hostSnapshots.set(i, new SnapshotBuilder(host).build());
    }
    running = new CountDownLatch(count);
    rate = scenario.load().rate();
    startWallNs = System.nanoTime();
    lastSnapshotWallNs = startWallNs;
    clock = new PaceClock(count, scenario.run().speed(), 0, startWallNs);
    newest = assemble(startWallNs);
    history.add(newest);
  }

  /** Lets the clock run. */
  public void start() {
    for (int i = 0; i < hosts.size(); i++) {
      int index = i;
      startThread("host-" + hosts.get(i).gc(), () -> pace(index));
    }
    startThread("snapshots", this::takeSnapshots);
  }

  private void startThread(String name, Runnable work) {
    Thread thread = new Thread(work, name);
    thread.setDaemon(true);
    threads.add(thread);
    thread.start();
  }

  private void pace(int index) {
    Simulation host = hosts.get(index);
    SnapshotBuilder snapshots = new SnapshotBuilder(host);
    long snapshotDueNs = System.nanoTime();
    try {
      setSampling(host, clock.speed());
      while (!stopped && !host.isFinished()) {
        for (Consumer<Simulation> request = requests.get(index).poll();
            request != null;
            request = requests.get(index).poll()) {
          request.accept(host);
        }
        long wallNs = System.nanoTime();
        long target = clock.target(index, host.nowNs(), wallNs);
        if (wallNs >= snapshotDueNs) {
          hostSnapshots.set(index, snapshots.build());
          snapshotDueNs = wallNs + SNAPSHOT_EVERY_NS;
        }
        if (target > host.nowNs()) {
          host.runUntil(Math.min(target, host.nowNs() + STEP_NS));
        }
        if (target <= host.nowNs()) {
          LockSupport.parkNanos(NAP_NS);
        }
      }
      hostSnapshots.set(index, snapshots.build());
    } catch (Throwable e) {
      // whatever ends a host ends the run; the main thread reports it
      failure = e;
      stopped = true;
    } finally {
      clock.ended(index);
      running.countDown();
      if (failure != null) {
        while (running.getCount() > 0) {
          running.countDown();
        }
      }
    }
  }

  /** At high speeds a sample a simulated second would be many a second; one suffices. */
  private void setSampling(Simulation host, double speed) {
    host.setSampleEvery(
        (long) Math.max((double) lab.scenario().run().sampleEveryNs(), SNAPSHOT_EVERY_NS * speed));
  }

  private void takeSnapshots() {
    while (!stopped && running.getCount() > 0) {
      LockSupport.parkNanos(SNAPSHOT_EVERY_NS);
      publish(assemble(System.nanoTime()));
    }
  }

  private LabSnapshot assemble(long wallNs) {
    List<HostSnapshot> each = new ArrayList<>();
    for (int i = 0; i < hostSnapshots.length(); i++) {
      each.add(hostSnapshots.get(i));
    }
    long nowNs = clock.slowestNs();
    double wallSeconds = Math.max(1, wallNs - lastSnapshotWallNs) / 1e9;
    double achieved = Math.max(0, nowNs - lastSnapshotNs) / 1e9 / wallSeconds;
    lastSnapshotWallNs = wallNs;
    lastSnapshotNs = nowNs;
    return new LabSnapshot(
        lab.scenario().name(),
        lab.profile().name(),
        lab.python(),
        lab.scenario().seed(),
        nowNs / 1e9,
        (wallNs - startWallNs) / 1e9,
        clock.speed(),
        achieved,
        rate,
        each);
  }

  private void publish(LabSnapshot snapshot) {
    newest = snapshot;
    synchronized (history) {
      history.add(snapshot);
      if (history.size() > HISTORY) {
        history.removeFirst();
      }
    }
  }

  @Override
  public LabSnapshot snapshot() {
    return newest;
  }

  @Override
  public List<LabSnapshot> history() {
    synchronized (history) {
      return List.copyOf(history);
    }
  }

  @Override
  public boolean restart(String gcSetting, boolean rolling) {
    boolean found = false;
    for (int i = 0; i < hosts.size(); i++) {
      if (gcSetting.equals("all") || hosts.get(i).gc().equals(gcSetting)) {
        requests.get(i).add(host -> host.restart(rolling));
        found = true;
      }
    }
    return found;
  }

  @Override
  public void setRate(double requestsPerSecond) {
    rate = requestsPerSecond;
    requests.forEach(queue -> queue.add(host -> host.setRate(requestsPerSecond)));
  }

  @Override
  public void setSpeed(double factor) {
    clock.setSpeed(factor, System.nanoTime());
    requests.forEach(queue -> queue.add(host -> setSampling(host, factor)));
  }

  /**
   * Waits until every host has come to the end of its run, or one has failed.
   *
   * @throws ExecutionException the cause is what a host failed with
   */
  public void awaitEnd() throws InterruptedException, ExecutionException {
    boolean unused = awaitEnd(Long.MAX_VALUE, TimeUnit.NANOSECONDS);
  }

  /** Waits no longer than that; returns whether the run is over. */
  public boolean awaitEnd(long timeout, TimeUnit unit)
      throws InterruptedException, ExecutionException {
    boolean over = running.await(timeout, unit);
    Throwable cause = failure;
    if (cause != null) {
      throw new ExecutionException(cause);
    }
    return over;
  }

  /** What each host has come to; call it when the run has ended. */
  public ComparisonResult result() {
    return new ComparisonResult(
        lab.scenario(),
        lab.profile().name(),
        lab.python(),
        hosts.stream().map(Simulation::result).toList(),
        lab.notes());
  }

  @Override
  public void close() {
    stopped = true;
    for (Thread thread : threads) {
      LockSupport.unpark(thread);
      try {
        thread.join(TimeUnit.SECONDS.toMillis(5));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
    }
  }
}
