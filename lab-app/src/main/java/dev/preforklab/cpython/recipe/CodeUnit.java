package dev.preforklab.cpython.recipe;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
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

  /** None among constants. */
  static final Object NONE = Optional.empty();

  /**
   * In order, None excepted: BigInteger, Double, String, a list of names (a tuple), or another
   * unit.
   */
  final Set<Object> constants = new LinkedHashSet<>();

  private final Map<Object, Integer> places = new HashMap<>();

  /**
   * Tuples that the compiler has made of constants: {@link #NONE} or such a tuple each. They stand
   * among the constants, but their memory is that of {@link Constants}.
   */
  final List<List<Object>> displays = new ArrayList<>();

  /** Of globals, attributes and methods. */
  final Set<String> names = new LinkedHashSet<>();

  final List<String> variables = new ArrayList<>();

  /** Variables of its own that comprehensions in it use. */
  final List<String> cells = new ArrayList<>();

  /** Variables of the functions around it that it uses. */
  final List<String> free = new ArrayList<>();

  /** The functions that it calls, each once. */
  final List<CodeUnit> calls = new ArrayList<>();

  /**
   * After how many of these calls it first makes bytes of a bytearray, which looks for {@code
   * __bytes__}; -1 if it does not.
   */
  int callsBeforeBytes = -1;

  /** The attributes that it assigns to an object of the class {@link #place}. */
  List<String> attributes = List.of();

  /** Entries of the table of lines, to 3.10. */
  int lines;

  /**
   * What its bytecode and its table of lines hang on, on 3.10, where equal ones are one object:
   * instructions, places of constants and names, lengths of lines.
   */
  final Shape shape = new Shape(Table.BYTECODE, new ArrayList<>());

  final Shape lineShape = new Shape(Table.LINES, new ArrayList<>());

  /** Positions in the source, from 3.11 on. */
  final Positions positions = new Positions();

  /** What each inlined comprehension has for its exceptions at the function's end. */
  final List<Handler> handlers = new ArrayList<>();

  /** Of the table of exceptions. */
  int exceptionBytes;

  /**
   * A comprehension whose exceptions are handled.
   *
   * @param start in bytes of code
   * @param end likewise
   */
  record Handler(Positions.Span span, int start, int end) {}

  private enum Table {
    BYTECODE,
    LINES
  }

  /** What bytes of a code object are equal by. */
  record Shape(Table table, List<Object> parts) {
    void add(Object part) {
      parts.add(part);
    }
  }

  /** The line that is written now, counted from the function's. */
  int sourceLine;

  /** The column after its end. */
  int endColumn;

  /** Where the line that is written now begins, in bytes of code. */
  int lineStart;

  /** Whether None is among the constants, as of each function. */
  boolean hasNone;

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
    hasNone = !name.equals(ExpressionWriter.COMPREHENSION);
  }

  /**
   * Adds a constant that there may be already.
   *
   * @return its place, as instructions name it
   */
  int addConstant(Object value) {
    constants.add(value);
    return places.computeIfAbsent(value, missing -> places.size() + (hasNone ? 1 : 0));
  }

  /** The place of one of its names, as instructions name it. */
  int placeOfName(String name) {
    return List.copyOf(names).indexOf(name);
  }

  /** Whether its qualified name is a text of its own, from 3.11 on. */
  boolean hasOwnName() {
    return name.equals(ExpressionWriter.COMPREHENSION);
  }

  /** All constants, in no order. */
  List<Object> allConstants() {
    List<Object> all = new ArrayList<>(constants);
    all.addAll(new LinkedHashSet<>(displays));
    if (hasNone) {
      all.add(NONE);
    }
    return all;
  }

  /** What the tuple of all constants is equal by, among those of names and of other constants. */
  List<?> constantsKey() {
    List<Object> all = allConstants();
    return all.stream().allMatch(constant -> constant == NONE) ? all : List.of(all);
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
      // () is none that the collector tracks.
      holdsTuple |= !display.isEmpty() && made.add(display);
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
    return stack + variables.size() + cells.size() + free.size();
  }
}
