package dev.preforklab.cpython.recipe;

import dev.preforklab.cpython.PythonVersion;
import java.math.BigInteger;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Bytes of the file that the recipe's code is loaded from ({@code Python/marshal.c}, version 4). An
 * object that was written before is a reference of five bytes.
 */
final class MarshalledSize {
  private static final int REFERENCE = 5;
  private static final int NUMBER = 4;
  private static final int SHORT = 255;

  /** Bits of a digit of a long number. */
  private static final int DIGIT_BITS = 15;

  private final PythonVersion version;
  private final Set<Object> written = new HashSet<>();

  MarshalledSize(PythonVersion version) {
    this.version = version;
  }

  /** Bytes of a code object with all that it leads to. */
  int of(CodeUnit unit, int lineBytes) {
    boolean isInline = version.atLeast(3, 11);
    int bytes = 1 + NUMBER * (version.atLeast(3, 8) && !isInline ? 7 : 6);
    bytes += REFERENCE + unit.codeBytes + REFERENCE + lineBytes;
    bytes += constants(unit);
    bytes += names(unit.names);
    bytes += names(unit.variables);
    if (isInline) {
      bytes += REFERENCE + unit.variables.size() + REFERENCE + text(unit.qualifiedName);
    } else {
      // Free variables and cells, of which only the number is known.
      bytes += names(List.of()) + (unit.cells == 0 ? names(List.of()) : 2 + REFERENCE * unit.cells);
    }
    return bytes + text("recipe") + text(unit.name);
  }

  private int constants(CodeUnit unit) {
    boolean isShared = version.atLeast(3, 8);
    if (isShared && !written.add(List.of(List.copyOf(unit.constants)))) {
      return REFERENCE;
    }
    int count = unit.constants.size() + 1;
    int bytes = (count > SHORT ? 5 : 2) + 1;
    for (Object constant : unit.constants) {
      if (constant instanceof CodeUnit inner) {
        bytes += of(inner, CodeObjects.lineBytes(version, inner));
      } else if (constant instanceof BigInteger number) {
        bytes +=
            number.bitLength() < 32
                ? REFERENCE
                : REFERENCE + 2 * ((number.abs().bitLength() + DIGIT_BITS - 1) / DIGIT_BITS);
      } else if (constant instanceof Double) {
        bytes += isShared && !written.add(constant) ? REFERENCE : 9;
      } else if (constant instanceof RecipeCompiler.Key key) {
        bytes += text(key.name());
      } else if (constant instanceof String text) {
        bytes += isShared ? text(text) : 2 + text.length();
      } else {
        bytes += names(((List<?>) constant).stream().map(String.class::cast).toList());
      }
    }
    return bytes;
  }

  private int names(Collection<String> names) {
    boolean isShared = version.atLeast(3, 8) || names.isEmpty();
    if (isShared && !written.add(List.copyOf(names))) {
      return REFERENCE;
    }
    return 2 + names.stream().mapToInt(this::text).sum();
  }

  private int text(String text) {
    return written.add(text) ? 2 + text.length() : REFERENCE;
  }
}
