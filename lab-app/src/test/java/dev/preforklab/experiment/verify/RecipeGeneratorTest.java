package dev.preforklab.experiment.verify;

import static org.assertj.core.api.Assertions.assertThat;

import dev.preforklab.cpython.recipe.Recipe;
import dev.preforklab.cpython.recipe.RecipeReader;
import java.util.List;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class RecipeGeneratorTest {
  @Test
  void everyRecipeIsValidAndTogetherTheyUseEveryKind() {
    StringBuilder all = new StringBuilder();
    for (long seed = 1; seed <= 500; seed++) {
      String text = RecipeGenerator.generate(seed);
      Recipe recipe = RecipeReader.read(text);
      assertThat(recipe.acts()).as("seed %d", seed).hasSize(3);
      all.append(text);
    }
    TreeSet<String> missing =
        new TreeSet<>(
            List.of(
                "list",
                "tuple",
                "set",
                "dict",
                "instance",
                "slots",
                "cycle",
                "array",
                "times",
                "int",
                "float",
                "str",
                "bytes",
                "none",
                "keep",
                "every",
                "allocate",
                "read_deep",
                "drop",
                "sum",
                "exit",
                "iterate",
                "gc.freeze",
                "gc.disable",
                "threshold"));
    missing.removeIf(word -> all.indexOf("\"" + word + "\"") >= 0);
    assertThat(missing).isEmpty();
    assertThat(all)
        .as("a deep nest")
        .containsPattern("(\\{\"(list|tuple|dict)\":[\\[{](\"k\\d\":)?){12}");
  }

  @Test
  void aSeedSaysEverything() {
    assertThat(RecipeGenerator.generate(5))
        .isEqualTo(RecipeGenerator.generate(5))
        .isNotEqualTo(RecipeGenerator.generate(6));
  }
}
