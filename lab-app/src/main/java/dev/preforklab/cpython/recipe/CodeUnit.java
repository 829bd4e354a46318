package dev.preforklab.cpython.recipe;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A code object of a recipe, as {@link RecipeCompiler} makes it: what {@code marshal} reads and
 * what its execution uses.
 */
final class CodeUnit {
  /** The classes' instances that a function's code makes, or the ring, or null. */
  final @Nullable Object place;

  final String name;
  final String qualifiedName;

  /**
   * In order, None excepted: BigInteger, Double, String, a list of names (a tuple), or another
   * unit.
   */
  final Set<Object> constants = new LinkedHashSet<>();

  /** Of globals, attributes and methods. */
  final Set<String> names = new LinkedHashSet<>();

  final List<String> variables = new ArrayList<>();

  /** Variables that comprehensions share with the function around them. */
  int cells;

  /** The functions that it calls, each once. */
  final List<CodeUnit> calls = new ArrayList<>();

  /**
   * After how many of these calls it first makes bytes of a bytearray, which looks for {@code
   * __bytes__}; -1 if it does not.
   */
  int callsBeforeBytes = -1;

  /** The attributes that it assigns to an object of the class {@link #place}. */
  List<String> attributes = List.of();

  int lines;
  int instructions;
  int codeBytes;

  /** Instructions of those that 3.8 to 3.10 keep a cache for. */
  int lookUps;

  /** Deepest stack. */
  int stack;

  CodeUnit(
      @Nullable Object place, String name, String qualifiedName, Collection<String> variables) {
    this.place = place;
    this.name = name;
    this.qualifiedName = qualifiedName;
    this.variables.addAll(variables);
  }

  /** Of its frame: the variables, their cells and the stack. */
  int places() {
    return stack + variables.size() + cells;
  }
}
