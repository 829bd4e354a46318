package dev.preforklab.prefork;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.preforklab.machine.HostConfig;
import dev.preforklab.machine.Kernel;
import dev.preforklab.machine.sched.Scheduler;
import dev.preforklab.prefork.profile.HeapLoader;
import dev.preforklab.prefork.profile.Profile;
import dev.preforklab.prefork.profile.TestProfiles;
import dev.preforklab.sim.CostModel;
import dev.preforklab.sim.EventQueue;
import dev.preforklab.sim.PrngStreams;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ArbiterTest {
  @TempDir Path directory = Path.of(".");

  /** A service that is given a request whenever a worker is ready, up to a number. */
  private static final class Service implements Arbiter.Listener {
    final EventQueue queue = new EventQueue();
    final Kernel kernel;
    final List<String> log = new ArrayList<>();
    @Nullable Arbiter arbiter;
    long requests;
    long answered;
    long limit;

    Service(Profile profile, long ramBytes) {
      HostConfig config = new HostConfig(ramBytes, 2, HeapLoader.virtualPages(profile));
      kernel = new Kernel(config, CostModel.defaults(), 0);
    }

    Arbiter start(Profile profile, GcPolicy policy, PreforkSettings settings) {
      Arbiter made =
          new Arbiter(
              profile,
              policy,
              settings,
              kernel,
              queue,
              new Scheduler(queue, 2, Scheduler.DEFAULT_SLICE_NS, 0),
              new PrngStreams(1),
              this);
      arbiter = made;
      made.start();
      return made;
    }

    void run() {
      while (queue.runNext()) {}
    }

    @Override
    public void workerReady(int slot) {
      Arbiter service = arbiter;
      if (requests < limit && service != null) {
        service.serve(slot, requests++, 0, queue.now());
      }
    }

    @Override
    public void workerGone(int slot) {
      log.add("gone " + slot);
    }

    @Override
    public void requestEnded(long requestId, int status) {
      assertThat(status).isEqualTo(200);
      answered++;
    }

    @Override
    public void collected(int slot, int generation, long durationNs) {
      assertThat(durationNs).isPositive();
    }

    @Override
    public void workerEnded(Worker worker, ExitReason reason) {
      log.add("ended " + worker.slot() + " " + reason + " " + worker.requests());
    }
  }

  private Profile profile() {
    return TestProfiles.small(directory);
  }

  @Test
  void allWorkersBootAndServe() {
    Profile profile = profile();
    Service service = new Service(profile, 64 << 20);
    service.limit = 1000;
    Arbiter arbiter = service.start(profile, GcPolicy.DEFAULT, PreforkSettings.of(3));
    assertThat(arbiter.state(0)).isEqualTo(WorkerState.BOOTING);
    service.run();
    assertThat(service.answered).isEqualTo(1000);
    assertThat(arbiter.workers()).hasSize(3);
    long sum = 0;
    for (Worker worker : arbiter.workers()) {
      assertThat(worker.state()).isEqualTo(WorkerState.IDLE);
      assertThat(worker.collections(0)).isEqualTo(worker.stats(0)[0] - worker.statsAtFork(0)[0]);
      sum += worker.requests();
    }
    assertThat(sum).isEqualTo(1000);
    assertThatThrownBy(() -> service.start(profile, GcPolicy.DEFAULT, PreforkSettings.of(0)))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void workersAreReplacedAfterMaxRequests() {
    Profile profile = profile();
    Service service = new Service(profile, 64 << 20);
    service.limit = 100;
    PreforkSettings settings = new PreforkSettings(2, 10, 0, 0, ExitMode.NORMAL);
    Arbiter arbiter = service.start(profile, GcPolicy.FREEZE, settings);
    service.run();
    assertThat(service.answered).isEqualTo(100);
    assertThat(arbiter.restarts(ExitReason.MAX_REQUESTS)).isEqualTo(10);
    assertThat(service.log).hasSize(10).allMatch(line -> line.endsWith("MAX_REQUESTS 10"));
    assertThat(arbiter.workers()).hasSize(2);
    assertThat(service.kernel.processes()).hasSize(3);
  }

  @Test
  void rollingRestartKeepsTheOtherWorkers() {
    Profile profile = profile();
    Service service = new Service(profile, 64 << 20);
    Arbiter arbiter = service.start(profile, GcPolicy.DEFAULT, PreforkSettings.of(3));
    service.run();
    arbiter.restart(true);
    assertThat(arbiter.workers()).filteredOn(w -> w.state() == WorkerState.IDLE).hasSize(2);
    service.run();
    assertThat(arbiter.restarts(ExitReason.RELOAD)).isEqualTo(3);
    arbiter.restart(false);
    assertThat(arbiter.workers()).filteredOn(w -> w.state() == WorkerState.IDLE).isEmpty();
    service.run();
    assertThat(arbiter.restarts(ExitReason.RELOAD)).isEqualTo(6);
    assertThat(arbiter.workers()).filteredOn(w -> w.state() == WorkerState.IDLE).hasSize(3);
  }

  @Test
  void anIdleWorkerThatIsKilledForMemoryIsReplaced() {
    Profile profile = profile();
    Service service = new Service(profile, 64 << 20);
    Arbiter arbiter = service.start(profile, GcPolicy.DISABLED, PreforkSettings.of(2));
    service.run();
    // another process fills the machine, until the killer has taken someone
    dev.preforklab.machine.process.Process hog = service.kernel.spawn(7);
    long bytes = 128 << 20;
    long start = service.kernel.mmap(hog, bytes, 4096);
    try {
      for (long at = start; at < start + bytes; at += 4096) {
        service.kernel.fault(hog, at, true, -1);
      }
    } catch (dev.preforklab.machine.memory.OutOfMemory e) {
      assertThat(hog.isRunning()).isFalse();
    }
    service.limit = 10;
    service.run();
    assertThat(arbiter.isRunning()).isTrue();
    assertThat(arbiter.workers()).hasSize(2);
  }
}
