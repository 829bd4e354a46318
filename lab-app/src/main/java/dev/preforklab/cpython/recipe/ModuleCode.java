package dev.preforklab.cpython.recipe;

import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.recipe.Positions.Span;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The code of a recipe's module, line by line: it imports, and makes classes and functions. */
final class ModuleCode {
  final CodeUnit unit;
  private final PythonVersion version;

  /** Where the last statement stands. */
  private Span last = new Span(0, 0, 0);

  /** The line of source that comes next, from 1. */
  private int nextLine = 1;

  /** For the instances of each class. */
  private final List<ReaderCode.Branch> readerBranches = new ArrayList<>();

  /** A module that does nothing yet. */
  ModuleCode(PythonVersion version, CodeUnit unit) {
    this.version = version;
    this.unit = unit;
    unit.codeBytes = version.atLeast(3, 12) ? 4 : version.atLeast(3, 11) ? 6 : 4;
    unit.lines = version.atLeast(3, 10) ? 0 : -1;
    unit.positions.beginAt(1);
    Span beforeAll = new Span(0, 0, 0);
    beforeAll.setEnd(1, 0);
    unit.positions.add(beforeAll, 1);
  }

  /** The module returns. */
  void end() {
    int count = version.atLeast(3, 12) ? 1 : 2;
    for (int i = 0; i < count; i++) {
      unit.positions.add(last, 1);
    }
  }

  void importArray() {
    unit.names.add("array");
    unit.constants.add(BigInteger.ZERO);
    addLine(8, 4);
    last = new Span(nextLine++, 0, 12);
    add(4);
  }

  private void add(int instructions) {
    for (int i = 0; i < instructions; i++) {
      unit.positions.add(last, 1);
    }
  }

  /** The module makes a function. */
  void define(CodeUnit function) {
    unit.constants.add(function);
    if (!version.atLeast(3, 11)) {
      unit.constants.add(new ExpressionWriter.Key(function.qualifiedName));
    }
    unit.names.add(function.name);
    addLine(version.atLeast(3, 11) ? 6 : 8, version.atLeast(3, 11) ? 3 : 4);
    last = new Span(nextLine, 0, 0);
    last.setEnd(nextLine + function.sourceLine, function.endColumn);
    nextLine += function.sourceLine + 1;
    add(3);
  }

  /** The module makes the function of read_deep, which knows the classes so far. */
  void defineReader() {
    define(ReaderCode.of(version, readerBranches));
    nextLine++; // an empty one
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
    CodeUnit body = ClassBody.of(version, nextLine, name, init, attributes, slots);
    unit.constants.add(body);
    unit.constants.add(new ExpressionWriter.Key(name));
    unit.names.add("object");
    unit.names.add(name);
    addLine(version.atLeast(3, 12) ? 22 : version.atLeast(3, 11) ? 28 : 16, 8);
    last = new Span(nextLine, 0, 0);
    last.setEnd(nextLine + body.sourceLine, body.endColumn);
    add(5);
    int base = 7 + name.length();
    unit.positions.add(new Span(nextLine, base, base + 6), 1);
    if (version.atLeast(3, 11) && !version.atLeast(3, 12)) {
      unit.positions.add(last, 2);
      unit.positions.add(last, 5);
    } else {
      unit.positions.add(last, 4);
    }
    add(1);
    nextLine += body.sourceLine + 1;
  }

  private void addLine(int bytes, int instructions) {
    unit.codeBytes += bytes;
    unit.instructions += instructions;
    unit.lines++;
  }
}
