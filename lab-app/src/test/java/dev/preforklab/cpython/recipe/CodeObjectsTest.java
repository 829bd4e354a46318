package dev.preforklab.cpython.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.preforklab.cpython.PythonVersion;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CodeObjectsTest {
  /**
   * An act of many places, each with code, constants and names of its own; pages that a child of
   * the real interpreter copied, by capture/rig.py, the median of five. Without the code's objects
   * it is 20 to 35 fewer.
   */
  @ParameterizedTest
  @CsvSource({
    "3.6, 59",
    "3.7, 77",
    "3.8, 55",
    "3.9, 52",
    "3.10, 104",
    "3.11, 125",
    "3.12, 100",
    "3.13, 116"
  })
  void codeTakesPagesOfItsOwn(String version, int real) throws IOException {
    try (InputStream in = CodeObjectsTest.class.getResourceAsStream("/many_places.json")) {
      String text = new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8);
      Recipe recipe = RecipeReader.read(text);

      ActResult result =
          new RecipeRunner(recipe, PythonVersion.parse(version)).run(recipe.acts().get(1));

      assertThat(result.pagesCopied()).isCloseTo(real, within(15));
    }
  }
}
