package dev.preforklab.experiment;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class PaceClockTest {
  private static final long SECOND = 1_000_000_000L;
  private static final long MS = 1_000_000L;

  @Test
  void followsTheWallClockTimesTheSpeed() {
    PaceClock clock = new PaceClock(1, 2, 0, 0);
    long now = 0;
    for (int step = 1; step <= 100; step++) {
      now = clock.target(0, now, step * 10L * MS);
    }
    assertThat(now).isEqualTo(2 * SECOND);
  }

  @Test
  void waitsForTheSlowestHost() {
    PaceClock clock = new PaceClock(2, 1, 0, 0);
    long fast = 0;
    long slow = 0;
    for (int step = 1; step <= 1_000; step++) {
      long wallNs = step * 10L * MS;
      fast = clock.target(0, fast, wallNs);
      // this one manages half of what passes
      slow = Math.min(clock.target(1, slow, wallNs), slow + 5 * MS);
    }
    assertThat(slow).isEqualTo(5 * SECOND);
    assertThat(fast - slow).isBetween(0L, 260 * MS);
    assertThat(clock.slowestNs()).isLessThanOrEqualTo(slow);
  }

  @Test
  void doesNotRushAfterAPause() {
    PaceClock clock = new PaceClock(1, 1, 0, 0);
    long first = clock.target(0, 0, 10 * MS);
    // the machine was suspended for an hour
    long after = clock.target(0, first, 3_600 * SECOND);
    assertThat(after - first).isLessThanOrEqualTo(250 * MS);
  }

  @Test
  void hostThatHasEndedHoldsNobodyBack() {
    PaceClock clock = new PaceClock(2, 1, 0, 0);
    clock.ended(1);
    long now = 0;
    for (int step = 1; step <= 100; step++) {
      now = clock.target(0, now, step * 100L * MS);
    }
    assertThat(now).isEqualTo(10 * SECOND);
  }

  @Test
  void newSpeedHoldsFromItsMomentOn() {
    PaceClock clock = new PaceClock(1, 1, 0, 0);
    long now = clock.target(0, 0, 100 * MS);
    clock.setSpeed(10, 100 * MS);
    now = clock.target(0, now, 200 * MS);
    assertThat(now).isEqualTo(1_100 * MS);
    assertThat(clock.speed()).isEqualTo(10);
  }
}
