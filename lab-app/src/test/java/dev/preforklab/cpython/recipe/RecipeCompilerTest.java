package dev.preforklab.cpython.recipe;

import static org.assertj.core.api.Assertions.assertThat;

import dev.preforklab.cpython.PythonVersion;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvFileSource;

/**
 * The bytes of the file that a recipe's code is loaded from, against what the real compilers made
 * of the source that {@code capture/rig.py} writes. Bytecode, constants, names, and from 3.11 on
 * each position in the source, count in it.
 */
class RecipeCompilerTest {
  /**
   * Left out: 3.10, where equal bytecode is one object.
   *
   * @param sizes of an act's number its bytes
   */
  @ParameterizedTest
  @CsvFileSource(resources = "/rig/code_sizes.csv")
  void filesAreAsLongAsTheRealOnes(String name, String release, String sizes) throws IOException {
    Recipe recipe = RecipeReader.read(text("/rig/recipes/" + name + ".json"));
    PythonVersion version = PythonVersion.parse(release);
    for (String row : sizes.split(" ", -1)) {
      String[] pair = row.split(":", -1);
      Recipe.Act act = recipe.acts().get(Integer.parseInt(pair[0]));
      List<Recipe.Act> acts = act instanceof Recipe.Sequence s ? s.acts() : List.of(act);
      boolean imports = (recipe.heap() + act.json()).matches(".*(ArrayValue|\"array\").*");

      CodeUnit module =
          new RecipeCompiler(version, place -> isConstant(place, version))
              .compile(recipe, acts, imports);

      assertThat(new MarshalledSize(version).of(module))
          .as("code of %s, %s", name, act.json())
          .isEqualTo(Integer.parseInt(pair[1]));
    }
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
