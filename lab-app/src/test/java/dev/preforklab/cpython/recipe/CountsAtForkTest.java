package dev.preforklab.cpython.recipe;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.preforklab.cpython.PythonVersion;
import java.io.IOException;
import java.io.InputStream;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The collector's counters at the fork against real interpreters. */
@Execution(ExecutionMode.CONCURRENT)
class CountsAtForkTest {

  /**
   * Each object that the interpreter makes, and each that comes from a free list instead, moves the
   * counters, and where the thresholds are low all collections after it: classes, calls, frames,
   * closures, iterators and argument tuples of each release. The counters of the real processes are
   * those of {@code capture/rig.py}, fields {@code gc_counts_at_fork}.
   */
  @ParameterizedTest
  @ValueSource(strings = {"2.7", "3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13"})
  void countersAreThoseOfRealProcesses(String release) throws IOException {
    int checked = 0;
    SoftAssertions softly = new SoftAssertions();
    for (JsonNode one : recorded()) {
      JsonNode expected = one.path("counts").path(release);
      if (!expected.isMissingNode()) {
        Recipe recipe = RecipeReader.read(one.path("recipe").toString());
        RecipeRunner runner = new RecipeRunner(recipe, PythonVersion.parse(release));
        softly
            .assertThat(runner.run(recipe.acts().get(0)).gcCountsAtFork().toString())
            .as(one.path("recipe").toString())
            .isEqualTo(expected.toString().replace(",", ", "));
        checked++;
      }
    }
    softly.assertAll();
    assertThat(checked).isGreaterThan(70);
  }

  private static JsonNode recorded() throws IOException {
    try (InputStream in = CountsAtForkTest.class.getResourceAsStream("/rig/counts_at_fork.json")) {
      return new ObjectMapper().readTree(in);
    }
  }

  /** From 3.10 on an array is a GC object; to the reader it is a leaf all the same. */
  @ParameterizedTest
  @ValueSource(strings = {"3.8", "3.10", "3.13"})
  void readDeepTakesAnArrayForALeaf(String release) {
    Recipe recipe =
        RecipeReader.read(
            "{\"heap\":[{\"make\":{\"list\":[{\"array\":3}]}}],\"acts\":[\"read_deep\"]}");
    ActResult result =
        new RecipeRunner(recipe, PythonVersion.parse(release)).run(recipe.acts().get(0));

    assertThat(result.unsupported()).isNull();
    assertThat(result.pagesCopied()).isBetween(1, 100);
  }
}
