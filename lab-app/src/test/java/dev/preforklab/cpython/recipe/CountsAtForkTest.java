package dev.preforklab.cpython.recipe;

import static org.assertj.core.api.Assertions.assertThat;

import dev.preforklab.cpython.PythonVersion;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The collector's first count at fork against real interpreters, which printed these numbers. */
class CountsAtForkTest {

  /** A class of so many slots is defined and never used; -1 is no class at all. */
  @ParameterizedTest
  @CsvSource({
    "2.7, -1, 6", "2.7, 0, 13", "2.7, 1, 15", "2.7, 3, 17", "2.7, 30, 44",
    "3.6, -1, 8", "3.6, 0, 24", "3.6, 1, 26", "3.6, 3, 28", "3.6, 30, 55",
    "3.8, -1, 7", "3.8, 0, 19", "3.8, 1, 21", "3.8, 3, 23", "3.8, 30, 50",
    "3.10, -1, 6", "3.10, 0, 17", "3.10, 1, 19", "3.10, 3, 21", "3.10, 30, 48",
    "3.12, -1, 3", "3.12, 0, 12", "3.12, 1, 14", "3.12, 3, 16", "3.12, 30, 43"
  })
  void descriptorsOfSlotsCount(String release, int slots, int count) {
    String attributes =
        IntStream.range(0, Math.max(0, slots))
            .mapToObj(i -> "\"a%d\":\"none\"".formatted(i))
            .collect(Collectors.joining(","));
    String make = slots < 0 ? "\"none\"" : "{\"instance\":{" + attributes + "},\"slots\":true}";

    assertThat(countAtFork(release, 0, make)).isEqualTo(count);
  }

  /** Dicts that 2.7's compiler left on the free list are not counted when they are made again. */
  @ParameterizedTest
  @CsvSource({"2.7, 86", "3.8, 107"})
  void dictsFromTheFreeListDoNotCount(String release, String expected) {
    int count = Integer.parseInt(expected);

    assertThat(countAtFork(release, 100, "{\"dict\":{\"a\":\"none\"}}")).isEqualTo(count);
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

  private static int countAtFork(String release, int repeat, String make) {
    Recipe recipe =
        RecipeReader.read(
            "{\"heap\":[{\"repeat\":%d,\"make\":%s}],\"act\":\"nothing\"}".formatted(repeat, make));
    RecipeRunner runner = new RecipeRunner(recipe, PythonVersion.parse(release));
    return runner.run(recipe.acts().get(0)).gcCountsAtFork().get(0);
  }
}
