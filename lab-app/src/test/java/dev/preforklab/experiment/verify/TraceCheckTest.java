package dev.preforklab.experiment.verify;

import static org.assertj.core.api.Assertions.assertThat;

import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.replay.Trace;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A lab with a planted fault: generation 1's count goes wrong when a chain meets a burst. */
class TraceCheckTest {
  private static final PythonVersion VERSION = PythonVersion.V3_12;
  private static final List<String> OPERATIONS = TraceGenerator.generate(3, false, 400);

  @Test
  void anHonestLabAgrees() throws Command.Failure {
    assertThat(check(TraceCheckTest::honest).difference(OPERATIONS)).isNull();
  }

  @Test
  void aPlantedFaultIsFoundAndShrunkToTheOperationsItNeeds() throws Command.Failure {
    TraceCheck check = check(TraceCheckTest::faulty);

    Check told =
        Verification.traceCheck(
            "3.12.1", "pure 3", OPERATIONS, check, new Shrinker(() -> () -> false));

    assertThat(told.outcome()).isEqualTo(Check.Outcome.DIFFERS);
    assertThat(told.detail())
        .matches(
            "shortest \\(4 operations, none can be left out\\): \\[\"nop\"] \\[\"collect\",2]"
                + " \\[\"chain\",\\d+,\\d+] \\[\"burst\",\\d+]");
    assertThat(told.difference()).startsWith("+7 after op");
    assertThat(told.real()).startsWith("count1 ");
    // what is kept of it differs when it is run again, and no operation is missing
    Trace kept = parse(String.valueOf(told.trace()));
    assertThat(kept.operations()).hasSize(4);
    assertThat(check.difference(kept.operations().stream().map(Trace.Operation::text).toList()))
        .isNotNull();
  }

  @Test
  void theFirstDifferenceIsTold() throws Command.Failure {
    TraceCheck.Difference difference = check(TraceCheckTest::faulty).difference(OPERATIONS);

    int burst = 0;
    boolean chain = false;
    while (!chain || !OPERATIONS.get(burst).startsWith("[\"burst")) {
      chain |= OPERATIONS.get(burst).startsWith("[\"chain");
      burst++;
    }
    assertThat(difference).isNotNull();
    assertThat(difference.index()).isEqualTo(burst);
    assertThat(difference.lab() - difference.real()).isEqualTo(7);
  }

  private static TraceCheck check(TraceCheck.LabSide lab) {
    return new TraceCheck(
        trace -> new TraceCheck.Rows(honest(parse(trace), 500), 500),
        lab,
        TraceCheck.columns(VERSION),
        operations -> TraceGenerator.trace(false, 40, operations));
  }

  private static Trace parse(String trace) {
    try {
      return Trace.read("trace", new ByteArrayInputStream(trace.getBytes(StandardCharsets.UTF_8)));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static List<long[]> honest(Trace trace, int baseline) {
    return TraceCheck.simulated(trace, VERSION, baseline);
  }

  private static List<long[]> faulty(Trace trace, int baseline) {
    List<long[]> rows = honest(trace, baseline);
    boolean chain = false;
    for (int i = 0; i < rows.size(); i++) {
      Trace.Code code = trace.operations().get(i).code();
      chain |= code == Trace.Code.CHAIN;
      if (chain && code == Trace.Code.BURST) {
        rows.get(i)[1] += 7;
      }
    }
    return rows;
  }
}
