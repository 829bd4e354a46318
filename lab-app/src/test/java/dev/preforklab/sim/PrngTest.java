package dev.preforklab.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class PrngTest {
  /** The first numbers of the authors' C program in the state 1, 2, 3, 4. */
  @Test
  void isXoshiro256StarStar() {
    Prng prng = new Prng(1, 2, 3, 4);
    for (String expected :
        new String[] {
          "11520",
          "0",
          "1509978240",
          "1215971899390074240",
          "1216172134540287360",
          "607988272756665600",
          "16172922978634559625",
          "8476171486693032832"
        }) {
      assertThat(Long.toUnsignedString(prng.nextLong())).isEqualTo(expected);
    }
  }

  /** The published first outputs for the seed 1234567. */
  @Test
  void isSeededBySplitMix64() {
    long state = 1234567;
    for (String expected :
        new String[] {"6457827717110365317", "3203168211198807973", "9817491932198370423"}) {
      state += 0x9E3779B97F4A7C15L;
      assertThat(Long.toUnsignedString(Prng.splitMix64(state))).isEqualTo(expected);
    }
  }

  @Test
  void drawsHaveTheMeansOfTheirDistributions() {
    Prng prng = new Prng(7);
    double uniform = 0;
    double exponential = 0;
    int[] dice = new int[6];
    int draws = 200_000;
    for (int i = 0; i < draws; i++) {
      uniform += prng.nextDouble();
      exponential += prng.nextExponential(40);
      dice[prng.nextInt(6)]++;
    }
    assertThat(uniform / draws).isCloseTo(0.5, within(0.005));
    assertThat(exponential / draws).isCloseTo(40, within(0.5));
    for (int face : dice) {
      assertThat(face).isBetween(32_500, 34_200);
    }
  }

  @Test
  void aDrawMoreInOneStreamShiftsNoOther() {
    PrngStreams one = new PrngStreams(5);
    PrngStreams other = new PrngStreams(5);
    one.stream("arrivals").nextLong();
    assertThat(one.stream("mix").nextLong()).isEqualTo(other.stream("mix").nextLong());
    assertThat(one.stream("arrivals").nextLong()).isNotEqualTo(other.stream("arrivals").nextLong());
    assertThat(one.stream("mix")).isSameAs(one.stream("mix"));
    assertThat(new PrngStreams(6).stream("mix").nextLong())
        .isNotEqualTo(new PrngStreams(5).stream("mix").nextLong());
  }
}
