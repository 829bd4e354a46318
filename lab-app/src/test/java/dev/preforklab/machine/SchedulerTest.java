package dev.preforklab.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.preforklab.machine.process.Process;
import dev.preforklab.machine.sched.Scheduler;
import dev.preforklab.sim.CostModel;
import dev.preforklab.sim.EventQueue;
import dev.preforklab.sim.Prng;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class SchedulerTest {
  private final EventQueue queue = new EventQueue();
  private final Kernel kernel = new Kernel(HostConfig.DEFAULT, CostModel.defaults(), 0);
  private final List<String> done = new ArrayList<>();

  private Scheduler.Burst submit(Scheduler scheduler, Process process, long ns, String name) {
    return scheduler.submit(process, ns, now -> done.add(name + "@" + now));
  }

  private void runAll() {
    while (queue.runNext()) {}
  }

  @Test
  void aBurstAloneTakesItsTimeAndTheSwitch() {
    Scheduler scheduler = new Scheduler(queue, 1, 10, 2);
    Process process = kernel.spawn(0);
    submit(scheduler, process, 35, "a");
    runAll();
    submit(scheduler, process, 5, "b");
    runAll();
    assertThat(done).containsExactly("a@37", "b@42");
    assertThat(scheduler.busyNs()).isEqualTo(42);
    assertThat(scheduler.contextSwitches()).isEqualTo(1);
  }

  @Test
  void waitingBurstsTakeTurnsBySlices() {
    Scheduler scheduler = new Scheduler(queue, 1, 10, 0);
    submit(scheduler, kernel.spawn(0), 25, "long");
    submit(scheduler, kernel.spawn(1), 5, "short");
    submit(scheduler, kernel.spawn(2), 10, "even");
    assertThat(scheduler.waiting()).isEqualTo(2);
    runAll();
    // long 0-10, short 10-15, even 15-25, long 25-40
    assertThat(done).containsExactly("short@15", "even@25", "long@40");
  }

  @Test
  void coresWorkSideBySide() {
    Scheduler scheduler = new Scheduler(queue, 2, 10, 0);
    submit(scheduler, kernel.spawn(0), 30, "a");
    submit(scheduler, kernel.spawn(1), 30, "b");
    submit(scheduler, kernel.spawn(2), 10, "c");
    assertThat(scheduler.busyCores()).isEqualTo(2);
    runAll();
    // at 10 the first core takes c and the second, nobody else waiting but a, takes a; then a and b
    // share what is left: b 0-10, 20-40; a 0-10, 10-30
    assertThat(done).containsExactly("c@20", "a@30", "b@40");
  }

  @Test
  void aCancelledBurstNeverCompletes() {
    Scheduler scheduler = new Scheduler(queue, 1, 10, 0);
    Scheduler.Burst running = submit(scheduler, kernel.spawn(0), 30, "running");
    Scheduler.Burst waiting = submit(scheduler, kernel.spawn(1), 30, "waiting");
    submit(scheduler, kernel.spawn(2), 5, "other");
    scheduler.cancel(running);
    scheduler.cancel(waiting);
    runAll();
    assertThat(done).containsExactly("other@15");
    assertThat(scheduler.busyCores()).isZero();
  }

  /** No core idles while a burst waits: with one process a core the work is conserved. */
  @Test
  void workIsConserved() {
    for (long seed = 1; seed <= 20; seed++) {
      Prng prng = new Prng(seed);
      EventQueue q = new EventQueue();
      int cores = 1 + prng.nextInt(4);
      Scheduler scheduler = new Scheduler(q, cores, 7, 0);
      long total = 0;
      int bursts = cores + prng.nextInt(30);
      long longest = 0;
      int[] completed = {0};
      for (int i = 0; i < bursts; i++) {
        long ns = prng.nextInt(50);
        total += ns;
        longest = Math.max(longest, ns);
        scheduler.submit(kernel.spawn(i), ns, now -> completed[0]++);
      }
      while (q.runNext()) {}
      assertThat(completed[0]).as("seed %d", seed).isEqualTo(bursts);
      assertThat(scheduler.busyNs()).isEqualTo(total);
      // list scheduling's bound: the ideal time and at most the longest burst more
      assertThat(q.now())
          .as("seed %d", seed)
          .isBetween((total + cores - 1) / cores, total / cores + longest + 7);
    }
  }

  @Test
  void wrongNumbersAreRefused() {
    assertThatThrownBy(() -> new Scheduler(queue, 0, 1, 0)).hasMessageContaining("cores (0)");
    Scheduler scheduler = new Scheduler(queue, 1, 1, 0);
    assertThatThrownBy(() -> scheduler.submit(kernel.spawn(0), -1, now -> {}))
        .hasMessage("a burst cannot take -1 ns");
  }
}
