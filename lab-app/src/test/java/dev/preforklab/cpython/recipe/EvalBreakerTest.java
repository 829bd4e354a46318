package dev.preforklab.cpython.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.preforklab.cpython.PythonVersion;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Where collections come from 3.12 on, when they wait for the eval breaker, against real
 * interpreters under thresholds so low that one look more or less shows.
 *
 * <p>What the real processes did is what {@code capture/rig.py --fixed-addresses} says of them:
 * {@code gc_counts_at_fork}, {@code gc} and {@code pages_copied}. Thirty of the recipes were drawn
 * at random and looked at afterwards.
 */
@Execution(ExecutionMode.CONCURRENT)
class EvalBreakerTest {
  private static final double PAGES = 15;
  private static final int ACTS = 354;

  @ParameterizedTest
  @ValueSource(strings = {"3.12", "3.13"})
  void collectionsComeWhereRealProcessesHaveThem(String release) throws IOException {
    int acts = 0;
    SoftAssertions softly = new SoftAssertions();
    for (JsonNode one : recorded()) {
      Recipe recipe = RecipeReader.read(one.path("recipe").toString());
      List<ActResult> results =
          new RecipeRunner(recipe, PythonVersion.parse(release), Addresses.FIXED).run();
      JsonNode real = one.path("real").path(release);
      for (int number = 0; number < recipe.acts().size(); number++) {
        JsonNode expected = real.get(number);
        ActResult lab = results.get(number);
        String what = lab.act() + " of " + one.path("recipe");
        softly
            .assertThat(lab.gcCountsAtFork())
            .as("counts at the fork, " + what)
            .isEqualTo(ints(expected.path("at_fork")));
        softly
            .assertThat(lab.gcCounts())
            .as("counts after " + what)
            .isEqualTo(ints(expected.path("counts")));
        softly
            .assertThat(lab.gcStats().stream().map(row -> row.get(0).intValue()).toList())
            .as("collections until after " + what)
            .isEqualTo(ints(expected.path("collections")));
        softly
            .assertThat(lab.gcStats().stream().map(row -> row.get(1).intValue()).toList())
            .as("objects collected until after " + what)
            .isEqualTo(ints(expected.path("collected")));
        if (!lab.act().equals("\"drop\"")) {
          softly
              .assertThat((double) lab.pagesCopied())
              .as("pages copied by " + what)
              .isCloseTo(expected.path("pages_copied").asInt(), within(PAGES));
        }
        acts++;
      }
    }
    softly.assertAll();
    assertThat(acts).isEqualTo(ACTS);
  }

  private static List<Integer> ints(JsonNode node) {
    List<Integer> ints = new ArrayList<>();
    node.forEach(one -> ints.add(one.asInt()));
    return ints;
  }

  private static JsonNode recorded() throws IOException {
    try (InputStream in = EvalBreakerTest.class.getResourceAsStream("/rig/low_thresholds.json")) {
      return new ObjectMapper().readTree(in);
    }
  }
}
