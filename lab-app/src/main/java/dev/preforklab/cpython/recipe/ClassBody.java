package dev.preforklab.cpython.recipe;

import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.recipe.Positions.Span;
import java.math.BigInteger;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The code of a class statement's body, which sets the names of the class. */
final class ClassBody {
  private ClassBody() {}

  /**
   * @param firstLine the number of the line where it stands, from 1
   * @param init the function {@code __init__}, or null
   */
  static CodeUnit of(
      PythonVersion version,
      int firstLine,
      String name,
      @Nullable CodeUnit init,
      List<String> attributes,
      boolean slots) {
    CodeUnit body = new CodeUnit(null, name, name, List.of());
    // A class's own names and its constants are in the same places in each.
    List<Object> kind = List.of(ClassBody.class, init != null, slots);
    body.shape.add(kind);
    body.lineShape.add(kind);
    ExpressionWriter.Key key = new ExpressionWriter.Key(name);
    body.constants.add(key);
    body.names.addAll(List.of("__name__", "__module__", "__qualname__"));
    body.instructions = 6 + (version.atLeast(3, 13) ? 4 : 0);
    body.lines = version.atLeast(3, 10) ? 2 : 1;
    if (version.atLeast(3, 13)) {
      body.names.add("__firstlineno__");
      body.constants.add(BigInteger.valueOf(firstLine));
    }
    Span here = new Span(0, 0, 0);
    add(body, here, version.atLeast(3, 13) ? 7 : version.atLeast(3, 11) ? 5 : 4);
    if (slots) {
      body.sourceLine++;
      body.endColumn =
          18 + attributes.stream().mapToInt(text -> PythonText.widthOf(text) + 2).sum();
      add(body, new Span(body.sourceLine, 16, body.endColumn), 1);
      here = new Span(body.sourceLine, 4, 13);
      add(body, here, 1);
      if (!attributes.isEmpty()) {
        body.constants.add(List.copyOf(attributes));
      } else if (version.atLeast(3, 7)) {
        body.displays.add(List.of());
      }
      if (!version.atLeast(3, 7)) {
        // The tuple is made of them when all is compiled.
        attributes.forEach(attribute -> body.constants.add(new ExpressionWriter.Key(attribute)));
      }
      body.names.add("__slots__");
      body.instructions += 2;
      body.lines++;
    }
    if (init == null) {
      body.sourceLine++;
      body.endColumn = 8;
      here = new Span(body.sourceLine, 4, 8);
    } else {
      body.sourceLine++;
      here = new Span(body.sourceLine, 4, 0);
      body.sourceLine += init.sourceLine;
      body.endColumn = init.endColumn;
      here.setEnd(body.sourceLine, body.endColumn);
      add(body, here, 3);
      body.constants.add(init);
      if (!version.atLeast(3, 11)) {
        body.constants.add(new ExpressionWriter.Key(init.qualifiedName));
      }
      body.names.add("__init__");
      body.instructions += version.atLeast(3, 11) ? 3 : 4;
    }
    if (version.atLeast(3, 13)) {
      body.names.add("__static_attributes__");
      if (init != null && !attributes.isEmpty()) {
        // The compiler sorts them.
        body.constants.add(attributes.stream().sorted().toList());
      } else {
        body.displays.add(List.of());
      }
    }
    add(body, here, version.atLeast(3, 13) ? 3 : version.atLeast(3, 12) ? 1 : 2);
    // RESUME from 3.11 on, with a return of its own up to there.
    body.codeBytes =
        2 * body.instructions + (version.atLeast(3, 11) && !version.atLeast(3, 12) ? 2 : 0);
    return body;
  }

  private static void add(CodeUnit body, Span span, int instructions) {
    for (int i = 0; i < instructions; i++) {
      body.positions.add(span, 1);
    }
  }
}
