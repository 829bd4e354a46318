package dev.preforklab.agent.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import io.prometheus.client.exemplars.Exemplar;
import java.util.Objects;
import org.junit.jupiter.api.Test;

final class DurationHistogramTest {
  private final DurationHistogram histogram =
      new DurationHistogram(new DurationHistogram.Bounds(1_000, 2_000));

  @Test
  void boundsAreInclusive() {
    histogram.observe(1_000);
    histogram.observe(1_001);
    histogram.observe(2_000);
    histogram.observe(2_001);
    assertThat(histogram.count(0)).isEqualTo(1);
    assertThat(histogram.count(1)).isEqualTo(2);
    assertThat(histogram.count(2)).isEqualTo(1);
    assertThat(histogram.sumSeconds()).isEqualTo(6_002e-9);
    assertThat(histogram.le(1)).isEqualTo("2.0E-6");
    assertThat(histogram.le(2)).isEqualTo("+Inf");
  }

  @Test
  void anExemplarStaysForItsRetention() {
    histogram.observe(10, new SpanIdentity("a", "1"), 1_000);
    histogram.observe(20, new SpanIdentity("b", "2"), 1_000 + 7_108);
    assertThat(trace(0)).isEqualTo("a");
    histogram.observe(30, new SpanIdentity("c", "3"), 1_000 + 7_109);
    assertThat(trace(0)).isEqualTo("c");
    assertThat(histogram.exemplar(1)).isNull();
    assertThat(histogram.count(0)).isEqualTo(3);
  }

  private String trace(int bucket) {
    Exemplar exemplar = Objects.requireNonNull(histogram.exemplar(bucket));
    assertThat(exemplar.getLabelName(1)).isEqualTo("trace_id");
    return exemplar.getLabelValue(1);
  }
}
