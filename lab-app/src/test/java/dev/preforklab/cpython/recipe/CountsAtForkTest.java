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

  /**
   * Bound methods, frames, closures, iterators and argument tuples, first made and later taken from
   * free lists; in the recipes " stands as '.
   */
  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      quoteCharacter = '`',
      value = {
        "2.7; 0; 'none'; 6",
        "2.7; 0; {'array':1}; 9",
        "2.7; 1; {'array':1}; 10",
        "2.7; 9; {'array':1}; 10",
        "2.7; 1; 'none'; 7",
        "2.7; 1; {'list':[]}; 7",
        "2.7; 9; {'list':[]}; 8",
        "2.7; 9; {'dict':{}}; 7",
        "2.7; 9; {'set':[{'int':1}]}; 14",
        "2.7; 9; {'str':4}; 8",
        "2.7; 9; {'bytes':4}; 7",
        "2.7; 9; {'float':4}; 7",
        "2.7; 9; {'times':2,'of':{'int':4}}; 9",
        "2.7; 9; {'times':2,'of':'none'}; 9",
        "2.7; 9; {'times':0,'of':'none'}; 9",
        "2.7; 9; {'tuple':[{'int':4}]}; 15",
        "2.7; 9; {'instance':{}}; 28",
        "2.7; 9; {'instance':{'a':'none'}}; 28",
        "2.7; 9; {'instance':{'a':'none'},'slots':true}; 28",
        "2.7; 9; {'cycle':1}; 26",
        "2.7; 9; {'cycle':3}; 49",
        "2.7; 9; {'instance':{'a':{'times':2,'of':{'int':5}}}}; 29",
        "2.7; 9; {'times':2,'of':{'times':2,'of':{'int':5}}}; 28",
        "2.7; 9; {'instance':{'a':{'instance':{}}}}; 49",
        "3.6; 0; 'none'; 8",
        "3.6; 0; {'array':1}; 98",
        "3.6; 1; {'array':1}; 98",
        "3.6; 9; {'array':1}; 98",
        "3.6; 1; 'none'; 9",
        "3.6; 1; {'list':[]}; 10",
        "3.6; 9; {'list':[]}; 18",
        "3.6; 9; {'dict':{}}; 18",
        "3.6; 9; {'set':[{'int':1}]}; 18",
        "3.6; 9; {'str':4}; 9",
        "3.6; 9; {'bytes':4}; 9",
        "3.6; 9; {'float':4}; 9",
        "3.6; 9; {'times':2,'of':{'int':4}}; 20",
        "3.6; 9; {'times':2,'of':'none'}; 19",
        "3.6; 9; {'times':0,'of':'none'}; 19",
        "3.6; 9; {'tuple':[{'int':4}]}; 17",
        "3.6; 9; {'instance':{}}; 37",
        "3.6; 9; {'instance':{'a':'none'}}; 44",
        "3.6; 9; {'instance':{'a':'none'},'slots':true}; 37",
        "3.6; 9; {'cycle':1}; 43",
        "3.6; 9; {'cycle':3}; 79",
        "3.6; 9; {'instance':{'a':{'times':2,'of':{'int':5}}}}; 53",
        "3.6; 9; {'times':2,'of':{'times':2,'of':{'int':5}}}; 39",
        "3.6; 9; {'instance':{'a':{'instance':{}}}}; 65"
      })
  void callsCount(String release, int repeat, String make, int count) {
    assertThat(countAtFork(release, repeat, make.replace('\'', '"'))).isEqualTo(count);
  }

  /** Dicts that 2.7's compiler left on the free list are not counted when they are made again. */
  @ParameterizedTest
  @CsvSource({"2.7, 86", "3.8, 107"})
  void dictsFromTheFreeListDoNotCount(String release, String expected) {
    int count = Integer.parseInt(expected);

    assertThat(countAtFork(release, 100, "{\"dict\":{\"a\":\"none\"}}")).isEqualTo(count);
  }

  /** Importing the module array leaves dead tuples and dicts, which the heap then takes. */
  @ParameterizedTest
  @CsvSource({"3.8, 293", "3.10, 216", "3.12, 154", "3.13, 1694"})
  void valuesFromTheFreeListsOfAnImportDoNotCount(String release, int count) {
    String make = "{\"tuple\":[{\"str\":4}]}},{\"repeat\":20,\"make\":{\"array\":1}";

    assertThat(countAtFork(release, 200, make)).isBetween(count - 1, count + 1);
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
