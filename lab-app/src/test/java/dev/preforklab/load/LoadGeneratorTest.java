package dev.preforklab.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.preforklab.sim.EventQueue;
import dev.preforklab.sim.Prng;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Oracles: closed forms of queueing theory and hand-made schedules. */
class LoadGeneratorTest {
  private static final long MS = 1_000_000L;
  private static final long SECOND = 1_000 * MS;

  private final EventQueue events = new EventQueue();
  private final List<Integer> endpoints = new ArrayList<>();
  private final List<Integer> slots = new ArrayList<>();
  private final List<Long> starts = new ArrayList<>();

  /** A service whose requests all take the same or a drawn time. */
  private LoadGenerator service(
      ArrivalProcess arrivals,
      RequestMix mix,
      int workers,
      int backlog,
      java.util.function.LongSupplier serviceNs) {
    LatencyRecorder latency = new LatencyRecorder(16);
    LoadGenerator[] self = new LoadGenerator[1];
    self[0] =
        new LoadGenerator(
            events,
            arrivals,
            mix,
            new AcceptQueue(backlog, WorkerChoice.longestIdle(workers)),
            latency,
            (slot, request) -> {
              endpoints.add(request.endpoint());
              slots.add(slot);
              starts.add(events.now());
              events.scheduleAfter(
                  serviceNs.getAsLong(),
                  now -> {
                    self[0].ended(request, LoadGenerator.STATUS_OK);
                    self[0].workerReady(slot);
                  });
            });
    for (int slot = 0; slot < workers; slot++) {
      self[0].workerReady(slot);
    }
    return self[0];
  }

  @Test
  void latencyCountsFromTheDueTimeWhenTheServiceStalls() {
    // One worker, a request each 10 ms, each takes 1 ms, but the third stalls for 100 ms: those
    // that
    // were due meanwhile waited 90, 81, 72, ... ms. A recorder with coordinated omission sees one.
    int[] served = {0};
    LoadGenerator load =
        service(
            ArrivalProcess.constant(100),
            RequestMix.inTurn(new int[] {1}),
            1,
            100,
            () -> ++served[0] == 3 ? 100 * MS : MS);
    load.start();
    events.runUntil(SECOND);
    long over50Ms = load.latency().all().getCountBetweenValues(50 * MS, 200 * MS);
    assertThat(over50Ms).isEqualTo(6); // 100, 91, 82, 73, 64, 55
    assertThat(load.latency().all().getMaxValue()).isCloseTo(100 * MS, within(MS));
  }

  @Test
  void waitingTimeOfMm1IsTheClosedForm() {
    // M/M/1 with load 0.5: mean response time = 1 / (mu - lambda) = 20 ms.
    Prng gaps = new Prng(1);
    Prng service = new Prng(2);
    LoadGenerator load =
        service(
            ArrivalProcess.poisson(50, gaps::nextDouble),
            RequestMix.inTurn(new int[] {1}),
            1,
            1_000_000,
            () -> (long) service.nextExponential(10 * MS));
    load.start();
    events.runUntil(4_000 * SECOND);
    assertThat((double) load.answered()).isCloseTo(200_000, within(2_000.0));
    assertThat(load.latency().all().getMean()).isCloseTo(20.0 * MS, within(0.8 * MS));
  }

  @Test
  void closedLoopFollowsLittlesLaw() {
    // 8 users, 4 workers of 20 ms, no thinking: 200 requests a second, each there for 40 ms.
    LoadGenerator load =
        service(
            ArrivalProcess.closed(8, 0),
            RequestMix.inTurn(new int[] {1, 2, 1}),
            4,
            64,
            () -> 20 * MS);
    load.start();
    events.runUntil(10 * SECOND);
    assertThat(load.answered()).isEqualTo(2_000);
    assertThat(load.latency().all().getValueAtPercentile(50)).isCloseTo(40 * MS, within(MS / 10));
    assertThat(endpoints.subList(0, 8)).containsExactly(0, 1, 1, 2, 0, 1, 1, 2);
  }

  @Test
  void limitStopsThenGoesOn() {
    LoadGenerator load =
        service(ArrivalProcess.closed(3, 0), RequestMix.inTurn(new int[] {1}), 2, 64, () -> MS);
    List<Long> reached = new ArrayList<>();
    load.limit(
        7,
        () -> {
          reached.add(load.answered());
          events.scheduleAfter(SECOND, now -> load.limit(10, () -> reached.add(load.answered())));
        });
    load.start();
    events.runUntil(10 * SECOND);
    assertThat(reached).containsExactly(7L, 10L);
    assertThat(load.issued()).isEqualTo(10);
    assertThat(load.latency().all().getMaxValue()).isLessThan(5 * MS);
  }

  @Test
  void fullBacklogRefuses() {
    LoadGenerator load =
        service(
            ArrivalProcess.bursts(10, 10), RequestMix.inTurn(new int[] {1}), 2, 3, () -> 10 * MS);
    load.start();
    events.runUntil(SECOND + 500 * MS);
    assertThat(load.issued()).isEqualTo(10);
    assertThat(load.answered()).isEqualTo(5);
    assertThat(load.errors()).isEqualTo(5);
  }

  @Test
  void refusedUserDoesNotSpin() {
    LoadGenerator load =
        service(ArrivalProcess.closed(3, 0), RequestMix.inTurn(new int[] {1}), 1, 0, () -> 10 * MS);
    load.start();
    events.runUntil(SECOND);
    assertThat(load.answered()).isBetween(95L, 100L);
    assertThat(load.errors()).isLessThan(250);
  }

  @Test
  void lightLoadIsSharedAsTheChoiceSays() {
    LoadGenerator load =
        service(ArrivalProcess.constant(10), RequestMix.inTurn(new int[] {1}), 3, 64, () -> 5 * MS);
    load.start();
    events.runUntil(SECOND);
    assertThat(slots).startsWith(0, 1, 2, 0, 1, 2);
  }

  @Test
  void choicesTakeWhomTheyName() {
    assertThat(taken(WorkerChoice.lastIdle(3))).containsExactly(1, 0, 2, -1);
    assertThat(taken(WorkerChoice.longestIdle(3))).containsExactly(2, 0, 1, -1);
    assertThat(taken(WorkerChoice.lowestSlot(3))).containsExactly(0, 1, 2, -1);
    Prng prng = new Prng(1);
    assertThat(taken(WorkerChoice.random(3, () -> prng.nextInt(1 << 30))))
        .containsExactlyInAnyOrder(0, 1, 2, -1);
  }

  private static List<Integer> taken(WorkerChoice choice) {
    choice.idle(2);
    choice.idle(0);
    choice.idle(1);
    return List.of(choice.take(), choice.take(), choice.take(), choice.take());
  }

  @Test
  void poissonCountsAreDispersedAsTheyShouldBe() {
    // The number of arrivals in windows of equal length: variance = mean.
    Prng prng = new Prng(7);
    ArrivalProcess poisson = ArrivalProcess.poisson(100, prng::nextDouble);
    long windows = 2_000;
    long[] counts = new long[(int) windows];
    long due = poisson.first(0, 0);
    while (due < windows * 100 * MS) {
      counts[(int) (due / (100 * MS))]++;
      due = poisson.afterArrival(0, due);
    }
    double mean = java.util.Arrays.stream(counts).average().orElseThrow();
    double variance =
        java.util.Arrays.stream(counts).mapToDouble(c -> (c - mean) * (c - mean)).sum() / windows;
    assertThat(mean).isCloseTo(10.0, within(0.3));
    assertThat(variance / mean).isCloseTo(1.0, within(0.12));
  }

  @Test
  void constantRateHasNoDrift() {
    ArrivalProcess arrivals = ArrivalProcess.constant(3);
    long due = arrivals.first(0, 0);
    for (int i = 1; i < 3_000; i++) {
      due = arrivals.afterArrival(0, due);
    }
    assertThat(due).isCloseTo(1_000 * SECOND, within(2L));
  }

  @Test
  void randomMixFollowsItsWeights() {
    Prng prng = new Prng(3);
    RequestMix mix = RequestMix.random(new int[] {1, 0, 3}, prng::nextDouble);
    int[] counts = new int[3];
    for (int i = 0; i < 40_000; i++) {
      counts[mix.next()]++;
    }
    assertThat(counts[0]).isCloseTo(10_000, within(300));
    assertThat(counts[1]).isZero();
  }
}
