package dev.preforklab.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.recipe.Recipe;
import dev.preforklab.cpython.recipe.RecipeException;
import dev.preforklab.cpython.recipe.RecipeReader;
import dev.preforklab.cpython.recipe.RecipeRunner;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class RigReportTest {
  private static final String ALL_KINDS =
      """
      {"heap": [{"repeat": 300, "make": {"tuple": [{"int": 5}, {"set": [{"str": 8}, {"tuple": []}]},
          {"dict": {"a": {"float": 1}, "b": {"bytes": 40}}},
          {"times": 3, "of": {"instance": {"x": {"cycle": 3}, "y": {"list": ["none"]}}}}]},
        "every": 7, "also": {"repeat": 2, "make": {"instance": {"z": {"int": 9}}, "slots": true}}}],
       "parent": {"before_heap": [{"threshold": [90, 5, 5]}], "before_fork": ["gc.collect"]},
       "acts": ["nothing", "iterate", "read_deep", {"gc.collect": 0}, "drop", ["gc.freeze", "exit"]]}
      """;

  @Test
  void everyReleaseRunsEveryKindOfExpression() {
    for (PythonVersion python : PythonVersion.KNOWN) {
      ObjectNode answer = answer(ALL_KINDS, python);

      assertThat(answer.get("acts")).hasSize(6);
      JsonNode nothing = answer.get("acts").get(0);
      JsonNode deep = answer.get("acts").get(2);
      assertThat(deep.get("pages_copied").asInt())
          .as("reading copies more than doing nothing on " + python)
          .isGreaterThan(nothing.get("pages_copied").asInt() + 20);
      assertThat(answer.get("acts").get(5).has("unsupported")).isEqualTo(!python.hasFreeze);
    }
  }

  @Test
  void sameRecipeGivesTheSameBytes() {
    PythonVersion python = PythonVersion.V3_12;
    String once = answer(ALL_KINDS, python).toString();
    String again = answer(ALL_KINDS, python).toString();

    assertThat(again).isEqualTo(once);
  }

  @Test
  void readingAfterDropIsAnErrorOfTheRecipe() {
    String recipe = "{\"heap\":[],\"act\":[\"drop\",\"iterate\"]}";

    assertThatThrownBy(() -> answer(recipe, PythonVersion.V3_11))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining("nothing is left after drop");
  }

  @Test
  void hasTheKeysOfTheRealRig() throws IOException {
    try (InputStream in =
        RigReportTest.class.getResourceAsStream("/rig/results/3.11/nones_plain.json")) {
      JsonNode real = new ObjectMapper().readTree(in);
      ObjectNode answer =
          answer(
              "{\"heap\":[{\"make\":\"none\"}],\"acts\":[\"iterate\",\"exit\"]}",
              PythonVersion.V3_11);
      List<String> missing = new ArrayList<>();
      for (String key :
          List.of(
              "rss_bytes",
              "pages_copied",
              "pages_appeared",
              "minor_faults",
              "major_faults",
              "share_ratio",
              "exit_faults",
              "gc",
              "gc_counts_at_fork",
              "pages_vanished",
              "pages_present_before")) {
        assertThat(real.get("acts").get(0).has(key)).isTrue();
        if (!answer.get("acts").get(0).has(key)) {
          missing.add(key);
        }
      }
      assertThat(missing).isEmpty();
    }
  }

  /** As the real rig does: a recipe's {@code act} alone, its {@code acts} as a list even of one. */
  @Test
  void aListOfOneActIsAList() {
    ObjectNode one =
        answer("{\"heap\":[{\"make\":\"none\"}],\"acts\":[\"drop\"]}", PythonVersion.V3_11);
    ObjectNode alone =
        answer("{\"heap\":[{\"make\":\"none\"}],\"act\":\"drop\"}", PythonVersion.V3_11);

    assertThat(one.get("acts")).hasSize(1);
    assertThat(alone.has("acts")).isFalse();
    assertThat(alone.get("minor_faults")).isEqualTo(one.get("acts").get(0).get("minor_faults"));
    assertThat(alone.at("/gc/stats/0/collections").isNumber()).isTrue();
  }

  private static ObjectNode answer(String json, PythonVersion python) {
    Recipe recipe = RecipeReader.read(json);
    return RigReport.answer(
        new Build("test", "none"), "x", recipe, python, new RecipeRunner(recipe, python).run());
  }
}
