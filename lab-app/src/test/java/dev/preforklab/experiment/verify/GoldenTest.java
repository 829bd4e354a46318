package dev.preforklab.experiment.verify;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class GoldenTest {
  /** The traces of each of nine releases. */
  @Test
  void theLabAgreesWithTheKeptTraces() {
    List<Check> checks = Golden.run("traces", check -> {});

    assertThat(VerificationReport.isGood(checks)).as(VerificationReport.table(checks)).isTrue();
    assertThat(checks).hasSize(Golden.INTERPRETERS.size() * Golden.TRACES.size());
  }

  /**
   * All acts of four recipes, for two releases drawn at random: {@code RecordedActsTest} holds
   * those of three in all, and of the fourth with fewer records.
   */
  @Test
  void theLabAgreesWithTheKeptRecipes() {
    long seed = Long.getLong("property.seed", System.nanoTime());
    List<String> releases = new ArrayList<>(Golden.INTERPRETERS);
    Collections.shuffle(releases, new Random(seed));
    List<String> some = releases.subList(0, 2);
    System.out.println("GoldenTest: releases " + some + ", property.seed=" + seed);

    List<Check> checks = Golden.run(some, "recipes", check -> {});

    assertThat(VerificationReport.isGood(checks)).as(VerificationReport.table(checks)).isTrue();
    assertThat(checks).extracting(Check::python).hasSameElementsAs(some);
    assertThat(checks).hasSizeGreaterThanOrEqualTo(some.size() * Golden.RECIPES.size());
  }
}
