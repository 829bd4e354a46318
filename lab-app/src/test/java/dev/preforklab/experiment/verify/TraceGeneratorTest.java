package dev.preforklab.experiment.verify;

import static org.assertj.core.api.Assertions.assertThat;

import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.replay.ReplayEngine;
import dev.preforklab.cpython.replay.Trace;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

class TraceGeneratorTest {
  @Test
  void everyTraceCanBeReplayed() throws IOException {
    for (long seed = 1; seed <= 20; seed++) {
      for (boolean mixed : new boolean[] {false, true}) {
        List<String> operations = TraceGenerator.generate(seed, mixed, 300);
        String text = TraceGenerator.trace(mixed, operations);
        Trace trace =
            Trace.read("trace", new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)));

        assertThat(ReplayEngine.run(trace, PythonVersion.V3_12, 400, 2))
            .as("seed %d, mixed %s", seed, mixed)
            .hasSize(300);
      }
    }
  }

  @Test
  void aSeedSaysEverything() {
    assertThat(TraceGenerator.generate(5, true, 400))
        .isEqualTo(TraceGenerator.generate(5, true, 400))
        .isNotEqualTo(TraceGenerator.generate(6, true, 400));
  }
}
