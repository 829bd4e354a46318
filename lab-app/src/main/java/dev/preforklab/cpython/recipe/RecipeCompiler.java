package dev.preforklab.cpython.recipe;

import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.recipe.Recipe.Expression;
import dev.preforklab.cpython.recipe.Recipe.Statement;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.function.Predicate;

/**
 * The shape of the code that CPython's compiler makes of a recipe's source: constants, names and
 * the lengths of bytecode and stack, counted instruction by instruction; {@code Python/compile.c}.
 */
final class RecipeCompiler {
  static final String COMPREHENSION = "<listcomp>";

  private static final String FORMAT = "%0*d";

  private static final int LARGEST_ARGUMENT = 255;

  private final PythonVersion version;
  private final Predicate<Expression> isConstant;
  private final boolean hasComprehensions;
  private final ModuleCode module;
  private int number;
  private CodeUnit unit;

  /**
   * What stands for i in an expression: its instructions, by how many comprehensions are around.
   */
  private List<Integer> factors = new ArrayList<>();

  /**
   * @param isConstant whether the compiler makes an expression's value
   */
  RecipeCompiler(PythonVersion version, Predicate<Expression> isConstant) {
    this.version = version;
    this.isConstant = isConstant;
    hasComprehensions = !version.atLeast(3, 12);
    module = new ModuleCode(version);
    unit = module.unit;
  }

  /**
   * The module: its constants are the bodies of classes and the functions of rings, in the order of
   * the source, then build and act.
   *
   * @param imports whether it begins with the import of array
   * @param reads whether it has the function of read_deep, between build and act
   */
  CodeUnit compile(Recipe recipe, List<Statement> act, boolean imports, boolean reads) {
    if (imports) {
      module.importArray();
    }
    CodeUnit build = build(recipe);
    CodeUnit acting = act(act);
    module.define(build);
    if (reads) {
      module.defineReader();
    }
    module.define(acting);
    return module.unit;
  }

  private CodeUnit build(Recipe recipe) {
    unit = new CodeUnit(null, "build", "build", List.of());
    recipe.beforeHeap().forEach(this::action);
    unit.names.add("out");
    emit(Op.PLAIN, 2);
    unit.lines++;
    statements(recipe.heap());
    recipe.beforeFork().forEach(this::action);
    if (isExactly(10) && recipe.beforeFork().isEmpty()) {
      // The return has the last loop's line.
      unit.lines++;
    }
    leave();
    return unit;
  }

  private CodeUnit act(List<Statement> statements) {
    unit = new CodeUnit(null, "act", "act", List.of());
    unit.lines++;
    statements(statements);
    leave();
    return unit;
  }

  private void statements(List<Statement> statements) {
    for (Statement statement : statements) {
      statement(statement, "i", 0);
    }
    if (hasComprehensions) {
      BitSet captured = FreeVariables.capturedDepths(statements);
      unit.cells = captured.cardinality();
      if (!version.atLeast(3, 11)) {
        captured.stream().forEach(depth -> unit.variables.remove("i".repeat(depth + 1)));
      }
    }
  }

  /** A return of None, two instructions up to 3.11, and from there on what resumes a function. */
  private void leave() {
    reach(1);
    emit(Op.PLAIN, isExactly(11) ? 3 : 2);
  }

  private boolean isExactly(int minor) {
    return version.atLeast(3, minor) && !version.atLeast(3, minor + 1);
  }

  /** A call of one of the functions of the module gc. */
  private void action(Recipe.Act action) {
    global("gc");
    String name =
        action instanceof Recipe.CollectorSwitch change ? change.name().substring(3) : "collect";
    int arguments = 0;
    if (action instanceof Recipe.Threshold threshold) {
      name = "set_threshold";
      arguments = threshold.values().size();
      threshold.values().forEach(value -> constant(BigInteger.valueOf(value)));
    }
    unit.names.add(name);
    emit(Op.METHOD, 1);
    reach((version.atLeast(3, 7) ? 2 : 1) + arguments);
    emit(Op.CALL, 1);
    emit(Op.PLAIN, 1);
    unit.lines++;
  }

  private void statement(Statement statement, String variable, int depth) {
    if (!unit.variables.contains(variable)) {
      unit.variables.add(variable);
    }
    unit.lines += 2;
    int start = loop(statement.repeat());
    if (statement.keep()) {
      global("out");
      unit.names.add("append");
      emit(Op.METHOD, 1);
      expression(statement.make(), depth + (version.atLeast(3, 7) ? 3 : 2));
      emit(Op.CALL, 1);
    } else {
      expression(statement.make(), depth + 1);
    }
    emit(Op.PLAIN, 1);
    if (!statement.also().isEmpty()) {
      unit.lines++;
      constant(BigInteger.valueOf(statement.every()));
      emit(Op.PLAIN, 1);
      emit(Op.BINARY, 1);
      constant(BigInteger.valueOf(statement.every() - 1L));
      emit(Op.COMPARE, 1);
      emit(Op.PLAIN, 1);
      jumpBack(start);
      statement.also().forEach(also -> statement(also, variable + "i", depth + 1));
    }
    endLoop(start);
  }

  /**
   * {@code for x in range(n)} up to the assignment.
   *
   * @return where the loop begins again
   */
  private int loop(int length) {
    global("range");
    constant(BigInteger.valueOf(length));
    emit(Op.CALL, 1);
    // The iterator, and to 3.7 the block of the loop, which ends behind it.
    emit(Op.PLAIN, version.atLeast(3, 8) ? 1 : 2);
    int start = unit.codeBytes;
    emit(Op.FOR, 1);
    emit(Op.PLAIN, version.atLeast(3, 8) ? 1 : 2);
    return start;
  }

  private void endLoop(int start) {
    emit(Op.JUMP_BACK, 1);
    jumpBack(start);
    if (distance(unit.codeBytes - start) > LARGEST_ARGUMENT) {
      // Of FOR_ITER, which jumps behind the loop, and to 3.7 of the block's beginning.
      emit(Op.PLAIN, version.atLeast(3, 8) ? 1 : 2);
    }
    if (version.atLeast(3, 12)) {
      // END_FOR, and on 3.13 the iterator goes.
      emit(Op.PLAIN, version.atLeast(3, 13) ? 2 : 1);
    }
  }

  /** EXTENDED_ARG of a jump to where a loop begins, if it needs one. */
  private void jumpBack(int start) {
    int argument = version.atLeast(3, 11) ? unit.codeBytes - start : start;
    if (distance(argument) > LARGEST_ARGUMENT) {
      emit(Op.PLAIN, 1);
    }
  }

  /** What jumps count in: bytes, from 3.10 on instructions. */
  private int distance(int bytes) {
    return version.atLeast(3, 10) ? bytes / 2 : bytes;
  }

  private void emit(Op op, int count) {
    unit.instructions += count;
    if (op == Op.GLOBAL || (op == Op.ATTRIBUTE && version.atLeast(3, 10))) {
      unit.lookUps += count;
    }
    unit.codeBytes += count * (2 + op.cacheBytes(version));
  }

  private void global(String name) {
    unit.names.add(name);
    emit(Op.GLOBAL, 1);
  }

  private void constant(Object value) {
    unit.constants.add(value);
    // With None, which is the first of them, one more.
    emit(Op.PLAIN, unit.constants.size() > LARGEST_ARGUMENT ? 2 : 1);
  }

  /** i, or inside comprehensions (i * n + j). */
  private void index() {
    emit(Op.PLAIN, 1);
    for (int n : factors) {
      constant(BigInteger.valueOf(n));
      emit(Op.PLAIN, 1);
      emit(Op.BINARY, 2);
    }
  }

  /**
   * Appends an expression's code.
   *
   * @param depth of the stack before it
   */
  private void expression(Expression place, int depth) {
    int indexDepth = factors.isEmpty() ? 1 : 2;
    if (place instanceof Recipe.IntValue value) {
      index();
      constant(value.base());
      emit(Op.BINARY, 1);
      reach(depth + 2);
    } else if (place instanceof Recipe.FloatValue value) {
      index();
      constant(value.x());
      emit(Op.BINARY, 1);
      reach(depth + 2);
    } else if (place instanceof Recipe.StrValue value) {
      constant(FORMAT);
      constant(BigInteger.valueOf(value.length()));
      index();
      emit(Op.PLAIN, 1);
      emit(Op.BINARY, 1);
      reach(depth + 2 + indexDepth);
    } else if (place instanceof Recipe.BytesValue value) {
      if (unit.callsBeforeBytes < 0) {
        unit.callsBeforeBytes = unit.calls.size();
      }
      global("bytes");
      global("bytearray");
      constant(BigInteger.valueOf(value.length()));
      emit(Op.CALL, 2);
      reach(depth + (version.atLeast(3, 11) ? 5 : 3));
    } else if (place instanceof Recipe.DictValue value) {
      dict(value, depth);
    } else if (place instanceof Recipe.InstanceValue value) {
      CodeUnit init = init(value);
      unit.calls.add(init);
      global(init.qualifiedName.substring(0, init.qualifiedName.indexOf('.')));
      index();
      emit(Op.CALL, 1);
      reach(depth + 1 + indexDepth);
    } else if (place instanceof Recipe.CycleValue value) {
      CodeUnit ring = ring(value);
      unit.calls.add(ring);
      global(ring.name);
      emit(Op.CALL, 1);
      reach(depth + 1);
    } else if (place instanceof Recipe.ArrayValue value) {
      global("array");
      unit.names.add("array");
      emit(Op.METHOD, 1);
      emit(Op.PLAIN, 3);
      emit(Op.CALL, 1);
      constant(BigInteger.valueOf(value.length()));
      emit(Op.BINARY, 1);
      reach(depth + (version.atLeast(3, 7) ? 4 : 3));
    } else if (place instanceof Recipe.TimesValue value) {
      times(value, depth);
    } else {
      display(place, depth);
    }
  }

  private void reach(int depth) {
    unit.stack = Math.max(unit.stack, depth);
  }

  private void display(Expression place, int depth) {
    List<Expression> items = FreeVariables.parts(place);
    if (isConstant.test(place)) {
      noteDisplay(items);
      emit(Op.PLAIN, 1);
      reach(depth + 1);
      return;
    }
    if (place instanceof Recipe.SetValue && items.isEmpty()) {
      global("set");
      emit(Op.CALL, 1);
      reach(depth + 1);
      return;
    }
    if (place instanceof Recipe.ListValue
        && version.atLeast(3, 9)
        && items.size() >= 3
        && items.stream().allMatch(isConstant)) {
      noteDisplay(items);
      emit(Op.PLAIN, 3);
      reach(depth + 2);
      return;
    }
    if (Recipe.isBuiltItemByItem(items.size(), version)) {
      boolean isTuple = place instanceof Recipe.TupleValue;
      items.forEach(item -> expression(item, depth + 1));
      emit(Op.PLAIN, items.size() + (isTuple ? 2 : 1));
      reach(depth + 2);
      return;
    }
    for (int i = 0; i < items.size(); i++) {
      expression(items.get(i), depth + i);
    }
    emit(Op.PLAIN, 1);
    reach(depth + Math.max(1, items.size()));
  }

  /** A tuple that the compiler makes; () exists already. */
  private void noteDisplay(List<Expression> items) {
    if (!items.isEmpty()) {
      unit.displays.add(constants(items));
    }
  }

  private static List<Object> constants(List<Expression> items) {
    List<Object> values = new ArrayList<>();
    for (Expression item : items) {
      values.add(item instanceof Recipe.NoneValue ? "None" : constants(FreeVariables.parts(item)));
    }
    return values;
  }

  private void dict(Recipe.DictValue value, int depth) {
    int size = value.keys().size();
    if (!version.atLeast(3, 10) || size <= Dicts.LARGEST_PRESIZED) {
      dict(value, 0, size, depth);
      return;
    }
    for (int begin = 0; begin < size; begin += Dicts.GROWN) {
      dict(value, begin, Math.min(size, begin + Dicts.GROWN), begin == 0 ? depth : depth + 1);
      emit(Op.PLAIN, begin == 0 ? 0 : 1);
    }
  }

  /** A dict of some of the keys of a display. */
  private void dict(Recipe.DictValue value, int begin, int end, int depth) {
    int size = end - begin;
    boolean grows = version.atLeast(3, 10) && size > Dicts.LARGEST_PRESIZED;
    for (int i = begin; i < end; i++) {
      if (size == 1 || grows) {
        constant(new Key(value.keys().get(i)));
      }
      expression(value.values().get(i), depth + (grows ? 2 : size == 1 ? 1 : i - begin));
      emit(Op.PLAIN, grows ? 1 : 0);
    }
    if (size > 1 && !grows) {
      constant(List.copyOf(value.keys().subList(begin, end)));
    }
    emit(Op.PLAIN, 1);
    reach(depth + (grows ? 3 : size + 1));
  }

  /** A str that is a name: the interpreter has each once. */
  record Key(String name) {}

  private void times(Recipe.TimesValue value, int depth) {
    String variable = "j" + ++number;
    CodeUnit outer = unit;
    boolean uses = FreeVariables.usesIndex(value.of());
    if (!hasComprehensions) {
      unit.variables.add(variable);
      int start = loop(value.times());
      factors.add(value.times());
      expression(value.of(), depth + 3);
      factors.remove(factors.size() - 1);
      // Its variable is kept and restored, also where an exception leaves it.
      emit(Op.PLAIN, 12);
      endLoop(start);
      return;
    }
    CodeUnit inner =
        new CodeUnit(
            value,
            COMPREHENSION,
            outer.qualifiedName + ".<locals>." + COMPREHENSION,
            List.of(".0", variable));
    unit = inner;
    emit(Op.PLAIN, 4);
    emit(Op.FOR, 1);
    factors.add(value.times());
    expression(value.of(), 2);
    factors.remove(factors.size() - 1);
    emit(Op.PLAIN, version.atLeast(3, 11) ? 3 : 1);
    emit(Op.JUMP_BACK, 1);
    boolean captured = FreeVariables.capturesIndex(value.of());
    int closure = uses ? 1 + factors.size() : 0;
    inner.cells = closure + (captured ? 1 : 0);
    if (captured && !version.atLeast(3, 11)) {
      // A cell takes its place, as it is no parameter.
      inner.variables.remove(variable);
    }
    inner.lines = isExactly(8) ? 2 : isExactly(9) ? 0 : 1;
    unit = outer;
    unit.constants.add(inner);
    if (!version.atLeast(3, 11)) {
      constant(inner.qualifiedName);
    }
    emit(Op.PLAIN, 2 + (uses ? 2 + factors.size() : 0));
    global("range");
    constant(BigInteger.valueOf(value.times()));
    emit(Op.PLAIN, 1);
    emit(Op.CALL, 2);
    reach(depth + Math.max(version.atLeast(3, 11) ? 4 : 3, closure));
  }

  private CodeUnit init(Recipe.InstanceValue value) {
    String className = "C" + ++number;
    CodeUnit outer = unit;
    List<Integer> outerFactors = factors;
    unit = new CodeUnit(value, "__init__", className + ".__init__", List.of("self", "i"));
    factors = new ArrayList<>();
    CodeUnit init = unit;
    init.attributes = value.attributes();
    for (int k = 0; k < value.values().size(); k++) {
      expression(value.values().get(k), 0);
      init.names.add(value.attributes().get(k));
      emit(Op.PLAIN, 1);
      emit(Op.STORE_ATTRIBUTE, 1);
      init.lines++;
    }
    reach(value.values().isEmpty() ? 1 : 2);
    leave();
    init.cells =
        hasComprehensions && value.values().stream().anyMatch(FreeVariables::capturesIndex) ? 1 : 0;
    module.defineClass(className, init, value.attributes(), value.slots());
    unit = outer;
    factors = outerFactors;
    return init;
  }

  private CodeUnit ring(Recipe.CycleValue value) {
    String className = "N" + ++number;
    CodeUnit outer = unit;
    List<Integer> outerFactors = factors;
    boolean single = value.length() == 1;
    String name = "ring_of_" + className;
    unit =
        new CodeUnit(value, name, name, single ? List.of("first") : List.of("first", "last", "j"));
    factors = new ArrayList<>();
    CodeUnit ring = unit;
    ring.attributes = List.of("next");
    ring.names.add("next");
    global(className);
    emit(Op.CALL, 1);
    if (!single) {
      int start = loop(value.length() - 1);
      global(className);
      emit(Op.CALL, 1);
      emit(Op.ATTRIBUTE, 1);
      emit(Op.STORE_ATTRIBUTE, 1);
      emit(Op.PLAIN, version.atLeast(3, 13) ? 5 : 6);
      endLoop(start);
    }
    emit(Op.STORE_ATTRIBUTE, 1);
    emit(Op.PLAIN, (single ? 3 : 2) + (isExactly(11) ? 1 : 0));
    leave();
    reach(single ? 2 : 3);
    ring.lines = single ? 2 : 6;
    module.defineClass(className, null, List.of(), false);
    module.define(ring);
    unit = outer;
    factors = outerFactors;
    return ring;
  }
}
