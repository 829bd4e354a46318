package dev.preforklab.prefork;

import static org.assertj.core.api.Assertions.assertThat;

import dev.preforklab.machine.HostConfig;
import dev.preforklab.machine.Kernel;
import dev.preforklab.machine.memory.OutOfMemory;
import dev.preforklab.machine.process.Process;
import dev.preforklab.machine.sched.Scheduler;
import dev.preforklab.prefork.profile.HeapLoader;
import dev.preforklab.prefork.profile.Profile;
import dev.preforklab.prefork.profile.TestProfiles;
import dev.preforklab.sim.CostModel;
import dev.preforklab.sim.EventQueue;
import dev.preforklab.sim.PrngStreams;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The out-of-memory killer may take a worker at any moment of another one's life: in the middle of
 * an event whose successors of the same simulated instant are queued already. Each such moment of a
 * short run is tried, and all processes are read after every event.
 */
class KilledWorkerTest {
  private static final int WORKERS = 3;
  private static final int REQUESTS = 40;
  private static final long PAGE = 4096;

  @TempDir Path directory = Path.of(".");

  /** A service whose listener, at its n-th call, has the killer take a worker. */
  private static final class Service implements Arbiter.Listener {
    final EventQueue queue = new EventQueue();
    final Kernel kernel;
    final Arbiter arbiter;
    final int moment;
    final int victim;
    final Set<Integer> ended = new HashSet<>();
    final List<Long> over = new ArrayList<>();
    int calls;
    boolean killed;
    long requests;

    Service(Profile profile, ExitMode exit, int moment, int victim) {
      this.moment = moment;
      this.victim = victim;
      HostConfig config = new HostConfig(16 << 20, 2, HeapLoader.virtualPages(profile));
      kernel = new Kernel(config, CostModel.defaults(), 0);
      arbiter =
          new Arbiter(
              profile,
              GcPolicy.FREEZE,
              new PreforkSettings(WORKERS, 3, 0, 0, exit),
              kernel,
              queue,
              new Scheduler(queue, 2, Scheduler.DEFAULT_SLICE_NS, 0),
              new PrngStreams(1),
              this);
      arbiter.start();
    }

    /** Lets the worker fill the machine, so that it is the largest process and is killed. */
    private void call() {
      Worker worker = arbiter.worker(victim);
      if (calls++ != moment || worker == null || !worker.process().isRunning()) {
        return;
      }
      Process process = worker.process();
      long bytes = 32 << 20;
      long start = kernel.mmap(process, bytes, PAGE);
      try {
        for (long at = start; at < start + bytes; at += PAGE) {
          kernel.fault(process, at, true, -1);
        }
      } catch (OutOfMemory e) {
        killed = !process.isRunning();
      }
      assertThat(killed).isTrue();
    }

    void run() {
      while (queue.runNext()) {
        readAll();
      }
    }

    /** What a sampler reads. */
    private void readAll() {
      readOne(arbiter.master());
      arbiter.workers().forEach(this::readOne);
    }

    private void readOne(ServerProcess process) {
      for (int generation = 0; generation < 4; generation++) {
        assertThat(process.tracked(generation)).isNotNegative();
      }
      assertThat(process.memory().rss()).isEqualTo(process.rssBytes());
      assertThat(process.gcCount(0) + process.longLivedTotal()).isNotNegative();
    }

    @Override
    public void workerReady(int slot) {
      call();
      if (requests < REQUESTS && arbiter.state(slot) == WorkerState.IDLE) {
        arbiter.serve(slot, requests++, 0, queue.now());
      }
    }

    @Override
    public void workerGone(int slot) {
      call();
    }

    @Override
    public void requestEnded(long requestId, int status) {
      call();
      over.add(requestId);
    }

    @Override
    public void collected(int slot, int generation, long durationNs) {}

    @Override
    public void workerEnded(Worker worker, ExitReason reason) {
      assertThat(ended.add(worker.pid())).as("worker %s ends once", worker.pid()).isTrue();
      if (worker.slot() != victim) {
        call();
      }
    }
  }

  @Test
  void isReplacedOnceWheneverItIsKilled() {
    Profile profile = TestProfiles.small(directory);
    int kills = 0;
    for (ExitMode exit : ExitMode.values()) {
      for (int victim = 0; victim < WORKERS; victim++) {
        for (int moment = 0; moment < 2 * REQUESTS; moment++) {
          Service service = new Service(profile, exit, moment, victim);
          service.run();
          String when = exit + ", worker " + victim + ", moment " + moment;
          assertThat(service.over).as(when).doesNotHaveDuplicates().hasSize(REQUESTS);
          assertThat(service.kernel.processes()).as(when).hasSize(WORKERS + 1);
          assertThat(service.arbiter.workers())
              .as(when)
              .hasSize(WORKERS)
              .allMatch(w -> w.process().isRunning() && w.state() == WorkerState.IDLE);
          kills += service.killed ? 1 : 0;
        }
      }
    }
    assertThat(kills).isGreaterThan(REQUESTS);
  }
}
