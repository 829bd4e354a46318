package dev.preforklab.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.junit.jupiter.api.Test;

class EventQueueTest {
  private record Planned(long timeNs, long serial, int name) {}

  @Test
  void runsInTheOrderOfASortedListWhateverIsScheduledOrCancelled() {
    for (long seed = 1; seed <= 50; seed++) {
      Prng prng = new Prng(seed);
      EventQueue queue = new EventQueue();
      List<Planned> planned = new ArrayList<>();
      List<Integer> expected = new ArrayList<>();
      List<Integer> ran = new ArrayList<>();
      for (int i = 0; i < 600; i++) {
        int name = i;
        switch (prng.nextInt(4)) {
          case 0, 1 -> {
            long time = queue.now() + prng.nextInt(20);
            planned.add(new Planned(time, queue.schedule(time, now -> ran.add(name)), name));
          }
          case 2 -> {
            if (!planned.isEmpty()) {
              Planned gone = planned.remove(prng.nextInt(planned.size()));
              assertThat(queue.cancel(gone.serial)).isTrue();
              assertThat(queue.cancel(gone.serial)).isFalse();
            }
          }
          default -> runFirst(queue, planned, expected);
        }
        assertThat(queue.size()).isEqualTo(planned.size());
      }
      while (!planned.isEmpty()) {
        runFirst(queue, planned, expected);
      }
      assertThat(ran).as("seed %d", seed).isEqualTo(expected);
      assertThat(queue.runNext()).isFalse();
    }
  }

  private static void runFirst(EventQueue queue, List<Planned> planned, List<Integer> expected) {
    planned.sort(Comparator.comparingLong(Planned::timeNs).thenComparingLong(Planned::serial));
    if (!planned.isEmpty()) {
      Planned first = planned.remove(0);
      expected.add(first.name);
      assertThat(queue.nextTime()).isEqualTo(first.timeNs);
      assertThat(queue.runNext()).isTrue();
      assertThat(queue.now()).isEqualTo(first.timeNs);
    }
  }

  @Test
  void runUntilIncludesItsTimeAndMovesThePresentOn() {
    EventQueue queue = new EventQueue();
    List<Long> ran = new ArrayList<>();
    queue.schedule(10, ran::add);
    queue.schedule(10, now -> queue.scheduleAfter(0, ran::add));
    queue.schedule(11, ran::add);
    queue.runUntil(10);
    assertThat(ran).containsExactly(10L, 10L);
    queue.runUntil(10);
    assertThat(queue.size()).isEqualTo(1);
    queue.runUntil(50);
    assertThat(queue.now()).isEqualTo(50);
    assertThat(queue.nextTime()).isEqualTo(Long.MAX_VALUE);
    assertThatThrownBy(() -> queue.schedule(49, ran::add))
        .hasMessage("event at 49 ns lies before the present, 50 ns");
  }
}
