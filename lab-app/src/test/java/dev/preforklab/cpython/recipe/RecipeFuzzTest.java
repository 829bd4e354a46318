package dev.preforklab.cpython.recipe;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.preforklab.cpython.PythonVersion;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/**
 * Broken recipes: whatever is read in place of a recipe is either refused with one line or runs to
 * its end.
 */
class RecipeFuzzTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String[] JUNK = {
    "null",
    "true",
    "-1",
    "0",
    "1e400",
    "0.5",
    "3",
    "1000000000000",
    "99999999999999999999999",
    "\"\"",
    "\"none\"",
    "\"exit\"",
    "\"gc.freeze\"",
    "[]",
    "{}",
    "[[[]]]",
    "{\"int\":7}",
    "{\"str\":-5}",
    "{\"set\":[{\"list\":[]}]}",
    "{\"list\":[\"none\",{\"tuple\":[{\"int\":1}]}]}",
    "{\"times\":3,\"of\":\"none\"}",
    "{\"instance\":{\"class\":\"none\"}}",
    "{\"cycle\":2}",
    "{\"array\":4}",
    "{\"iterate\":{\"part\":2}}"
  };

  private static final String SEED_RECIPE =
      """
      {"heap": [{"repeat": 40, "make": {"tuple": [{"int": 5}, {"set": [{"str": 8}, {"tuple": []}]},
          {"dict": {"a": {"float": 1}, "b": {"bytes": 40}}},
          {"times": 3, "of": {"instance": {"x": {"cycle": 3}, "y": {"list": ["none"]}}}}]},
        "every": 7, "also": {"repeat": 2, "make": {"instance": {"z": {"int": 9}}, "slots": true}}},
        {"repeat": 5, "make": {"array": 9}, "keep": false}],
       "parent": {"before_heap": [{"threshold": [90, 5, 5]}], "before_fork": ["gc.collect"]},
       "acts": ["nothing", "iterate", {"iterate": {"part": 0.1, "stride": true}}, "read_deep",
         {"gc.collect": 0}, {"allocate": {"repeat": 4, "make": {"list": [{"int": 1}]}}}, "drop",
         ["gc.freeze", "exit"], "_exit"]}
      """;

  private final long seed = Long.getLong("property.seed", System.nanoTime());
  private final SplittableRandom random = new SplittableRandom(seed);

  @Test
  void damagedTextIsRefusedInOneLine() {
    for (int i = 0; i < 3_000; i++) {
      StringBuilder text = new StringBuilder(SEED_RECIPE);
      for (int k = random.nextInt(4); k >= 0 && text.length() > 0; k--) {
        int at = random.nextInt(text.length());
        switch (random.nextInt(3)) {
          case 0 -> text.deleteCharAt(at);
          case 1 -> text.insert(at, "{}[]\",:0-e\u0000\ud800n".charAt(random.nextInt(13)));
          default -> text.setLength(Math.max(1, at));
        }
      }
      read(text.toString());
    }
  }

  @Test
  void damagedValuesAreRefusedOrRun() throws IOException {
    int ran = 0;
    for (int i = 0; i < 3_000; i++) {
      ObjectNode recipe = (ObjectNode) JSON.readTree(SEED_RECIPE);
      for (int k = random.nextInt(3); k >= 0; k--) {
        damage(recipe);
      }
      Recipe read = read(recipe.toString());
      if (read != null && ran < 40 && isSmall(read)) {
        ran++;
        run(read, recipe.toString());
      }
    }
    assertThat(ran).as("recipes that ran, seed %d", seed).isEqualTo(40);
  }

  private static boolean isSmall(Recipe recipe) {
    try {
      RecipeLimits.check(recipe, 16 << 20);
      return recipe.heap().stream()
          .allMatch(s -> s.repeat() < 1_000 && RecipeLimits.cost(s.make()).values() < 1_000);
    } catch (RecipeException e) {
      return false;
    }
  }

  private void run(Recipe recipe, String text) {
    List<PythonVersion> releases = PythonVersion.SUPPORTED;
    PythonVersion release = releases.get(random.nextInt(releases.size()));
    try {
      new RecipeRunner(recipe, release).run();
    } catch (RecipeException e) {
      assertOneLine(e);
    } catch (RuntimeException e) {
      throw new AssertionError("seed " + seed + ", " + release + ": " + text, e);
    }
  }

  private @org.jspecify.annotations.Nullable Recipe read(String text) {
    try {
      return RecipeReader.read(text);
    } catch (RecipeException e) {
      assertOneLine(e);
      return null;
    } catch (RuntimeException | StackOverflowError e) {
      throw new AssertionError("seed " + seed + ": " + text, e);
    }
  }

  private void assertOneLine(RecipeException e) {
    assertThat(e.getMessage())
        .as("seed %d", seed)
        .isNotBlank()
        .doesNotContainIgnoringCase("exception");
  }

  /** Replaces, removes or doubles one value somewhere in the recipe. */
  private void damage(ObjectNode root) throws IOException {
    List<JsonNode> containers = new ArrayList<>();
    collect(root, containers);
    JsonNode chosen = containers.get(random.nextInt(containers.size()));
    JsonNode junk = JSON.readTree(JUNK[random.nextInt(JUNK.length)]);
    if (chosen instanceof ArrayNode array) {
      if (array.isEmpty() || random.nextInt(3) == 0) {
        array.add(junk);
      } else {
        array.set(random.nextInt(array.size()), junk);
      }
    } else if (chosen instanceof ObjectNode object && !object.isEmpty()) {
      List<String> names = new ArrayList<>();
      object.fieldNames().forEachRemaining(names::add);
      String name = names.get(random.nextInt(names.size()));
      switch (random.nextInt(4)) {
        case 0 -> object.remove(name);
        case 1 -> object.set(name + "x", junk);
        default -> object.set(name, junk);
      }
    }
  }

  private static void collect(JsonNode node, List<JsonNode> containers) {
    if (node.isContainerNode()) {
      containers.add(node);
      node.forEach(child -> collect(child, containers));
    }
  }
}
