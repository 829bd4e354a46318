package dev.preforklab.cpython.recipe;

import dev.preforklab.cpython.PythonVersion;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The code of a class statement's body, which sets the names of the class. */
final class ClassBody {
  private ClassBody() {}

  /**
   * @param init the function {@code __init__}, or null
   */
  static CodeUnit of(
      PythonVersion version,
      String name,
      @Nullable CodeUnit init,
      List<String> attributes,
      boolean slots) {
    CodeUnit body = new CodeUnit(null, name, name, List.of());
    RecipeCompiler.Key key = new RecipeCompiler.Key(name);
    body.constants.add(key);
    body.names.addAll(List.of("__name__", "__module__", "__qualname__"));
    body.instructions = 6 + (version.atLeast(3, 13) ? 4 : 0);
    body.lines = version.atLeast(3, 10) ? 2 : 1;
    if (version.atLeast(3, 13)) {
      body.names.add("__firstlineno__");
    }
    if (slots) {
      if (!attributes.isEmpty()) {
        body.constants.add(List.copyOf(attributes));
      }
      body.names.add("__slots__");
      body.instructions += 2;
      body.lines++;
    }
    if (init != null) {
      body.constants.add(init);
      if (!version.atLeast(3, 11)) {
        body.constants.add(new RecipeCompiler.Key(init.qualifiedName));
      }
      body.names.add("__init__");
      body.instructions += version.atLeast(3, 11) ? 3 : 4;
    }
    if (version.atLeast(3, 13)) {
      body.names.add("__static_attributes__");
      if (init != null && !attributes.isEmpty()) {
        body.constants.add(List.copyOf(attributes));
      }
    }
    // RESUME from 3.11 on, with a return of its own up to there.
    body.codeBytes =
        2 * body.instructions + (version.atLeast(3, 11) && !version.atLeast(3, 12) ? 2 : 0);
    return body;
  }
}
