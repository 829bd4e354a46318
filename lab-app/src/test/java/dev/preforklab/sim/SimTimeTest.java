package dev.preforklab.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class SimTimeTest {
  @Test
  void readsDurations() {
    assertThat(SimTime.parse("0")).isZero();
    assertThat(SimTime.parse("3")).isEqualTo(3_000_000_000L);
    assertThat(SimTime.parse("250us")).isEqualTo(250_000);
    assertThat(SimTime.parse(" 1.5S ")).isEqualTo(1_500_000_000L);
    assertThat(SimTime.parse("2m")).isEqualTo(120_000_000_000L);
    assertThat(SimTime.parse("1h")).isEqualTo(3_600_000_000_000L);
    assertThat(SimTime.parse("0.4ns")).isZero();
  }

  @Test
  void saysWhatIsNoDuration() {
    for (String wrong : new String[] {"", "-1s", "1 minute", "1e9", "s", "NaN"}) {
      assertThatThrownBy(() -> SimTime.parse(wrong))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith("'" + wrong + "' is not a duration");
    }
    assertThatThrownBy(() -> SimTime.parse("9999999h"))
        .hasMessage("duration '9999999h' is too long");
  }

  @Test
  void writesDurationsInTheUnitThatFits() {
    assertThat(SimTime.format(999)).isEqualTo("999ns");
    assertThat(SimTime.format(2_400)).isEqualTo("2.400us");
    assertThat(SimTime.format(-7_900_000)).isEqualTo("-7.900ms");
    assertThat(SimTime.format(61_000_000_000L)).isEqualTo("61.000s");
  }
}
