package dev.preforklab.cpython.recipe;

import static org.assertj.core.api.Assertions.assertThat;

import dev.preforklab.cpython.PythonVersion;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The file that a recipe's code is loaded from, against what the real compilers made of the source
 * that {@code capture/rig.py} writes. Bytecode, constants, names, and from 3.11 on each position in
 * the source, count in its bytes. {@code code_sizes.py} beside the rows measures them again.
 */
class RecipeCompilerTest {
  /** Where the lab's files are two bytes longer or shorter, on 3.6 eleven. */
  private static final Set<String> NOT_COMPUTED =
      Set.of("grown 3.10", "blocks 3.13", "constants 3.6");

  /** Recipes with a construct each, of which the whole load is made. */
  private static final Set<String> LOADED =
      Set.of("attributes", "constants", "edges", "graph", "long", "nested_dicts");

  /** An act's number, the bytes of the file and how many objects are marked in it. */
  private record Row(int act, int bytes, int marked) {
    static Row of(String text) {
      int[] numbers = Arrays.stream(text.split(":", -1)).mapToInt(Integer::parseInt).toArray();
      return new Row(numbers[0], numbers[1], numbers[2]);
    }
  }

  static Stream<Arguments> files() throws IOException {
    return text("/rig/code_sizes.csv")
        .lines()
        .map(line -> line.split(",", -1))
        .map(
            cells ->
                Arguments.of(
                    cells[0],
                    PythonVersion.parse(cells[1]),
                    Arrays.stream(cells[2].split(" ", -1)).map(Row::of).toList()));
  }

  static Stream<Arguments> computedFiles() throws IOException {
    return files().filter(a -> !NOT_COMPUTED.contains(a.get()[0] + " " + a.get()[1]));
  }

  static Stream<Arguments> loadedFiles() throws IOException {
    return computedFiles().filter(a -> LOADED.contains((String) a.get()[0]));
  }

  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("computedFiles")
  void filesAreAsLongAsTheRealOnes(String name, PythonVersion version, List<Row> rows)
      throws IOException {
    Recipe recipe = recipe(name);
    for (Row row : rows) {
      Recipe.Act act = recipe.acts().get(row.act);
      List<Recipe.Act> acts = act instanceof Recipe.Sequence s ? s.acts() : List.of(act);
      boolean imports = (recipe.heap() + act.json()).matches(".*(ArrayValue|\"array\").*");

      CodeUnit module =
          new RecipeCompiler(version, place -> isConstant(place, version))
              .compile(recipe, acts, imports);

      assertThat(new MarshalledSize(version).of(module))
          .as("code of %s, %s", name, act.json())
          .isEqualTo(row.bytes);
    }
  }

  /** What is marked goes on a list, whose growth decides where the code comes to lie. */
  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("loadedFiles")
  void asManyObjectsAreMarked(String name, PythonVersion version, List<Row> rows)
      throws IOException {
    Recipe recipe = recipe(name);
    Row row = rows.get(rows.size() - 1);

    RecipeRunner.Parent parent =
        new RecipeRunner(recipe, version, Addresses.FIXED).parent(recipe.acts().get(row.act));

    assertThat(parent.evaluator().definitions().code().marked()).isEqualTo(row.marked);
  }

  private static Recipe recipe(String name) throws IOException {
    return RecipeReader.read(text("/rig/recipes/" + name + ".json"));
  }

  private static boolean isConstant(Recipe.Expression place, PythonVersion version) {
    return place instanceof Recipe.TupleValue tuple
        ? (version.atLeast(3, 7) || !tuple.items().isEmpty())
            && tuple.items().stream().allMatch(item -> isConstant(item, version))
        : place instanceof Recipe.NoneValue;
  }

  private static String text(String name) throws IOException {
    try (InputStream in = RecipeCompilerTest.class.getResourceAsStream(name)) {
      return new String(Objects.requireNonNull(in, name).readAllBytes(), StandardCharsets.UTF_8);
    }
  }
}
