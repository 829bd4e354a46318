package dev.preforklab.cpython.recipe;

import dev.preforklab.cpython.PythonVersion;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Bytes of the file that the recipe's code is loaded from ({@code Python/marshal.c}, version 4). An
 * object that was written before is a reference of five bytes.
 */
final class MarshalledSize {
  /** What the code says that its source's file is called. */
  static final String FILE_NAME = "recipe";

  private static final int REFERENCE = 5;
  private static final int NUMBER = 4;
  private static final int SHORT = 255;

  /** Bits of a digit of a long number. */
  private static final int DIGIT_BITS = 15;

  private final PythonVersion version;

  /** How often each object comes that is one wherever it comes. */
  private final Map<Object, Integer> occurrences = new HashMap<>();

  MarshalledSize(PythonVersion version) {
    this.version = version;
  }

  /** Bytes of a code object with all that it leads to. */
  int of(CodeUnit unit) {
    int lineBytes = CodeObjects.lineBytes(version, unit);
    boolean isInline = version.atLeast(3, 11);
    int bytes = 1 + NUMBER * (version.atLeast(3, 8) && !isInline ? 7 : 6);
    bytes += REFERENCE + (isWrittenCode(unit.shape) ? 0 : unit.codeBytes) + REFERENCE;
    bytes += constants(unit);
    bytes += names(unit.names);
    if (isInline) {
      List<String> variables = new ArrayList<>(unit.variables);
      variables.addAll(unit.free);
      bytes += names(variables) + REFERENCE + variables.size();
      bytes += REFERENCE + unit.exceptionBytes;
      // Each comprehension has a text of its own.
      bytes += unit.hasOwnName() ? 2 + unit.qualifiedName.length() : text(unit.qualifiedName);
    } else {
      bytes += names(unit.variables);
      bytes += names(unit.free) + names(unit.cells);
    }
    bytes += text(FILE_NAME) + text(unit.name);
    boolean isKnown =
        isInline
            ? isWritten(unit.positions.table(version.atLeast(3, 12)))
            : isWrittenCode(unit.lineShape);
    return bytes + (isKnown ? 0 : lineBytes);
  }

  private int constants(CodeUnit unit) {
    boolean isShared = version.atLeast(3, 8);
    List<Object> all = unit.allConstants();
    if ((isShared || all.isEmpty()) && isWritten(unit.constantsKey())) {
      return REFERENCE;
    }
    int bytes = header(all);
    for (Object constant : all) {
      if (constant instanceof CodeUnit inner) {
        bytes += of(inner);
      } else if (constant instanceof BigInteger number) {
        bytes +=
            (isShared && isWritten(number)) || number.bitLength() < 32
                ? REFERENCE
                : REFERENCE + 2 * ((number.abs().bitLength() + DIGIT_BITS - 1) / DIGIT_BITS);
      } else if (constant instanceof Double) {
        bytes += isShared && isWritten(constant) ? REFERENCE : 9;
      } else if (constant instanceof ExpressionWriter.Key key) {
        bytes += text(key.name());
      } else if (constant instanceof String text) {
        bytes += isShared ? text(text) : 2 + text.length();
      } else if (constant == CodeUnit.NONE || unit.displays.contains(constant)) {
        bytes += display(constant);
      } else {
        bytes += names(((List<?>) constant).stream().map(String.class::cast).toList());
      }
    }
    return bytes;
  }

  /** None, or a tuple of these. */
  private int display(Object constant) {
    if (constant == CodeUnit.NONE) {
      return 1;
    }
    List<?> items = (List<?>) constant;
    if ((version.atLeast(3, 8) || items.isEmpty()) && isWritten(items)) {
      return REFERENCE;
    }
    return header(items) + items.stream().mapToInt(this::display).sum();
  }

  /** Of a tuple. */
  private static int header(List<?> items) {
    return items.size() > SHORT ? REFERENCE : 2;
  }

  private int names(Collection<String> names) {
    boolean isShared = version.atLeast(3, 8) || names.isEmpty();
    if (isShared && isWritten(List.copyOf(names))) {
      return REFERENCE;
    }
    return 2 + names.stream().mapToInt(this::text).sum();
  }

  private int text(String text) {
    return isWritten(text) ? REFERENCE : 2 + text.length();
  }

  private boolean isWrittenCode(CodeUnit.Shape shape) {
    return merges(version, shape) && isWritten(shape);
  }

  /**
   * Whether bytecode, or a table of lines, is one object with equal ones: on 3.10, of code that may
   * come more than once.
   */
  static boolean merges(PythonVersion version, CodeUnit.Shape shape) {
    return version.atLeast(3, 10) && !version.atLeast(3, 11) && !shape.parts().isEmpty();
  }

  private boolean isWritten(Object object) {
    return occurrences.merge(object, 1, Integer::sum) > 1;
  }

  /** Whether the code that was measured has an object in more than one place. */
  boolean isRepeated(Object object) {
    return occurrences.getOrDefault(object, 0) > 1;
  }
}
