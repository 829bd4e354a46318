package dev.preforklab.agent.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class RespawnCountersTest {
  private final RespawnCounters counters = new RespawnCounters(2);

  @Test
  void aProcessCountsAsItSays() {
    assertThat(counters.seen()).isFalse();
    counters.sample(0, 5);
    counters.sample(0, 9);
    assertThat(counters.seen()).isTrue();
    assertThat(counters.total(0)).isEqualTo(9);
    assertThat(counters.total(1)).isZero();
  }

  @Test
  void aRespawnAddsOnTop() {
    counters.sample(0, 9);
    counters.respawn();
    assertThat(counters.total(0)).isEqualTo(9);
    counters.sample(0, 2);
    assertThat(counters.total(0)).isEqualTo(11);
  }

  @Test
  void aRespawnNobodyAnnouncedAddsOnTopToo() {
    counters.sample(0, 9);
    counters.sample(0, 2);
    assertThat(counters.total(0)).isEqualTo(11);
  }

  @Test
  void whatWasInheritedCountsOnce() {
    counters.sample(0, 45);
    counters.respawn();
    counters.sampleInherited(0, 41, 40);
    assertThat(counters.total(0)).isEqualTo(46);
    counters.sample(0, 43);
    assertThat(counters.total(0)).isEqualTo(48);
  }

  @Test
  void aProcessThatStartsFromZeroInheritedNothing() {
    counters.sample(0, 45);
    counters.respawn();
    counters.sampleInherited(0, 3, 40);
    assertThat(counters.total(0)).isEqualTo(48);
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5})
  void neverGoesBackwardsAndMissesNothing(long seed) {
    Random random = new Random(seed);
    long expected = 0;
    long ofProcess = 0;
    long before = 0;
    for (int i = 0; i < 1000; i++) {
      if (random.nextInt(10) == 0) {
        counters.respawn();
        ofProcess = 0;
      }
      int more = random.nextInt(50);
      ofProcess += more;
      expected += more;
      counters.sample(0, ofProcess);
      assertThat(counters.total(0)).as("seed %d step %d", seed, i).isGreaterThanOrEqualTo(before);
      before = counters.total(0);
    }
    assertThat(counters.total(0)).as("seed %d", seed).isEqualTo(expected);
  }
}
