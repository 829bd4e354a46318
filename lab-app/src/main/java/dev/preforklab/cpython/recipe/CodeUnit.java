package dev.preforklab.cpython.recipe;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
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

  /**
   * Tuples that the compiler has made of constants: None or such a tuple each. They stand among the
   * constants, but their memory is that of {@link Constants}.
   */
  final List<List<Object>> displays = new ArrayList<>();

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

  /**
   * How many tuples of constants, of this code and all in it, the collection leaves tracked that
   * comes when the code has been loaded. It untracks tuples in the order in which they were made,
   * and does not do so with one that another is in: that is made later and is tracked still, unless
   * code before has an equal one, of names, too, which then is the same.
   */
  int trackedTuples() {
    return trackedTuples(new HashSet<>());
  }

  private int trackedTuples(Set<List<?>> made) {
    int tracked = 0;
    boolean holdsTuple = false;
    for (List<Object> display : displays) {
      holdsTuple |= made.add(display);
      tracked += trackedTuplesIn(display, made);
    }
    for (Object constant : constants) {
      if (constant instanceof CodeUnit inner) {
        tracked += inner.trackedTuples(made);
      } else if (constant instanceof List<?> tuple) {
        holdsTuple |= made.add(tuple);
      }
    }
    made.add(List.copyOf(names));
    return tracked + (holdsTuple ? 1 : 0);
  }

  private static int trackedTuplesIn(List<?> tuple, Set<List<?>> made) {
    int tracked = 0;
    boolean holdsTuple = false;
    for (Object item : tuple) {
      if (item instanceof List<?> inner && !inner.isEmpty()) {
        holdsTuple |= made.add(inner);
        tracked += trackedTuplesIn(inner, made);
      }
    }
    return tracked + (holdsTuple ? 1 : 0);
  }

  /** Of its frame: the variables, their cells and the stack. */
  int places() {
    return stack + variables.size() + cells;
  }
}
