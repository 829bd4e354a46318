package dev.preforklab.experiment.rig;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.recipe.Recipe;
import dev.preforklab.cpython.recipe.RecipeException;
import dev.preforklab.cpython.recipe.RecipeReader;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class RigTest {
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
      ObjectNode answer = Rig.run("all", RecipeReader.read(ALL_KINDS), python, "test", "none", 7);

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
    String once = Rig.run("all", RecipeReader.read(ALL_KINDS), python, "t", "c", 1).toString();
    String again = Rig.run("all", RecipeReader.read(ALL_KINDS), python, "t", "c", 1).toString();

    assertThat(again).isEqualTo(once);
  }

  @Test
  void readingAfterDropIsAnErrorOfTheRecipe() {
    Recipe recipe = RecipeReader.read("{\"heap\":[],\"act\":[\"drop\",\"iterate\"]}");

    assertThatThrownBy(() -> Rig.run("x", recipe, PythonVersion.V3_11, "t", "c", 0))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining("nothing is left after drop");
  }

  @Test
  void hasTheKeysOfTheRealRig() throws IOException {
    try (InputStream in = RigTest.class.getResourceAsStream("/rig/results/3.11/nones_plain.json")) {
      JsonNode real = new ObjectMapper().readTree(in);
      ObjectNode answer =
          Rig.run(
              "one",
              RecipeReader.read("{\"heap\":[{\"make\":\"none\"}],\"acts\":[\"iterate\",\"exit\"]}"),
              PythonVersion.V3_11,
              "t",
              "c",
              0);
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
}
