package dev.preforklab.experiment.verify;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class GoldenTest {
  /** Two traces and all acts of four recipes for each of nine releases. */
  @Test
  void theLabAgreesWithTheKeptFigures() {
    List<Check> checks = Golden.run("", check -> {});

    assertThat(VerificationReport.isGood(checks)).as(VerificationReport.table(checks)).isTrue();
    assertThat(checks)
        .filteredOn(c -> c.kind().equals("trace"))
        .hasSize(Golden.INTERPRETERS.size() * Golden.TRACES.size());
    assertThat(checks)
        .filteredOn(c -> c.kind().equals("recipe"))
        .hasSizeGreaterThanOrEqualTo(Golden.INTERPRETERS.size() * Golden.RECIPES.size());
  }
}
