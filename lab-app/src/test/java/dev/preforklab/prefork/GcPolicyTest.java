package dev.preforklab.prefork;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GcPolicyTest {
  @Test
  void everyNameIsParsedToItself() {
    for (String name : GcPolicy.names()) {
      assertThat(GcPolicy.parse(name).name()).isEqualTo(name);
    }
    assertThat(GcPolicy.names())
        .contains("default", "disabled", "threshold0", "high-threshold", "freeze")
        .contains("collect-freeze", "immortal", "disabled-freeze", "disabled-collect-freeze");
  }

  @Test
  void thresholdsAreRead() {
    GcPolicy policy = GcPolicy.parse("threshold=0,5,1000000000");
    assertThat(policy.threshold(0, 700)).isZero();
    assertThat(policy.threshold(1, 10)).isEqualTo(5);
    assertThat(policy.threshold(2, 10)).isEqualTo(1_000_000_000);
    assertThat(policy.loadsWithoutCollector()).isTrue();
    assertThat(GcPolicy.parse("threshold=1,5,5").loadsWithoutCollector()).isFalse();
    assertThat(GcPolicy.THRESHOLD0.threshold(0, 700)).isZero();
    assertThat(GcPolicy.THRESHOLD0.threshold(1, 10)).isEqualTo(10);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "Default",
        "frozen",
        "threshold=",
        "threshold=1,2",
        "threshold=1,2,3,4",
        "threshold=-1,2,3",
        "threshold=1,2,1000000001",
        "threshold=99999999999,1,1"
      })
  void otherTextIsRefusedInOneLine(String text) {
    assertThatThrownBy(() -> GcPolicy.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("threshold=a,b,c")
        .hasMessageNotContaining("\n");
  }
}
