package dev.preforklab.cpython.recipe;

import dev.preforklab.cpython.PythonVersion;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The code of a recipe's module, line by line: it imports, and makes classes and functions. */
final class ModuleCode {
  final CodeUnit unit = new CodeUnit(null, "<module>", "<module>", List.of());
  private final PythonVersion version;

  /** For the instances of each class. */
  private final List<ReaderCode.Branch> readerBranches = new ArrayList<>();

  /** A module that does nothing yet. */
  ModuleCode(PythonVersion version) {
    this.version = version;
    unit.codeBytes = version.atLeast(3, 12) ? 4 : version.atLeast(3, 11) ? 6 : 4;
    unit.lines = version.atLeast(3, 10) ? 0 : -1;
  }

  void importArray() {
    unit.names.add("array");
    addLine(8, 4);
  }

  /** The module makes a function. */
  void define(CodeUnit function) {
    unit.constants.add(function);
    if (!version.atLeast(3, 11)) {
      unit.constants.add(new RecipeCompiler.Key(function.qualifiedName));
    }
    unit.names.add(function.name);
    addLine(version.atLeast(3, 11) ? 6 : 8, version.atLeast(3, 11) ? 3 : 4);
  }

  /** The module makes the function of read_deep, which knows the classes so far. */
  void defineReader() {
    define(ReaderCode.of(version, readerBranches));
  }

  /**
   * The module makes a class, whose body sets its names.
   *
   * @param init the function {@code __init__}, or null
   */
  void defineClass(String name, @Nullable CodeUnit init, List<String> attributes, boolean slots) {
    if (init != null) {
      readerBranches.add(new ReaderCode.Branch(name, attributes));
    }
    unit.constants.add(ClassBody.of(version, name, init, attributes, slots));
    unit.constants.add(new RecipeCompiler.Key(name));
    unit.names.add("object");
    unit.names.add(name);
    addLine(version.atLeast(3, 12) ? 22 : version.atLeast(3, 11) ? 28 : 16, 8);
  }

  private void addLine(int bytes, int instructions) {
    unit.codeBytes += bytes;
    unit.instructions += instructions;
    unit.lines++;
  }
}
