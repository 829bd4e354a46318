package dev.preforklab.cpython.recipe;

import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.recipe.Recipe.Expression;
import dev.preforklab.cpython.recipe.Recipe.Statement;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The shape of the code that CPython's compiler makes of a recipe's source: constants, names and
 * the lengths of bytecode and stack. Lengths are counted instruction by instruction, but without
 * EXTENDED_ARG and without what the optimizer of each release saves; {@code Python/compile.c}.
 */
final class RecipeCompiler {
  static final String COMPREHENSION = "<listcomp>";

  private static final String FORMAT = "%0*d";
  private static final int STACK_USE_GUIDELINE = 30;

  /** An instruction by what follows it as its inline cache, from 3.11 on. */
  private enum Op {
    PLAIN(0, 0, 0),
    GLOBAL(10, 8, 8),
    ATTRIBUTE(8, 18, 18),
    METHOD(20, 18, 18),
    STORE_ATTRIBUTE(8, 8, 8),
    BINARY(2, 2, 2),
    COMPARE(4, 2, 2),
    FOR(0, 2, 2),
    /** With PRECALL on 3.11. */
    CALL(12, 6, 6),
    JUMP_BACK(0, 0, 2);

    final int on11;
    final int on12;
    final int later;

    Op(int on11, int on12, int later) {
      this.on11 = on11;
      this.on12 = on12;
      this.later = later;
    }

    int cacheBytes(PythonVersion version) {
      return version.atLeast(3, 13)
          ? later
          : version.atLeast(3, 12) ? on12 : version.atLeast(3, 11) ? on11 : 0;
    }
  }

  private final PythonVersion version;
  private final Predicate<Expression> isConstant;
  private final boolean hasComprehensions;
  private final CodeUnit module = new CodeUnit(null, "<module>", "<module>", List.of());
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
    unit = module;
  }

  /**
   * The module: its constants are the bodies of classes and the functions of rings, in the order of
   * the source, then build and act.
   *
   * @param imports whether it begins with the import of array
   */
  CodeUnit compile(List<Statement> heap, List<Statement> act, boolean imports) {
    module.codeBytes = version.atLeast(3, 12) ? 4 : version.atLeast(3, 11) ? 6 : 4;
    module.lines = version.atLeast(3, 10) ? 0 : -1;
    if (imports) {
      module.names.add("array");
      addLine(8, 4);
    }
    CodeUnit build = function("build", heap);
    CodeUnit acting = function("act", act);
    define(build);
    define(acting);
    return module;
  }

  private void addLine(int bytes, int instructions) {
    module.codeBytes += bytes;
    module.instructions += instructions;
    module.lines++;
  }

  /** The module makes a function. */
  private void define(CodeUnit function) {
    module.constants.add(function);
    if (!version.atLeast(3, 11)) {
      module.constants.add(new Key(function.qualifiedName));
    }
    module.names.add(function.name);
    addLine(version.atLeast(3, 11) ? 6 : 8, version.atLeast(3, 11) ? 3 : 4);
  }

  /**
   * The module makes a class, whose body sets its names.
   *
   * @param init the function {@code __init__}, or null
   */
  private void defineClass(
      String name, @Nullable CodeUnit init, List<String> attributes, boolean slots) {
    CodeUnit body = new CodeUnit(null, name, name, List.of());
    Key key = new Key(name);
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
        body.constants.add(new Key(init.qualifiedName));
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
    module.constants.add(body);
    module.constants.add(key);
    module.names.add(name);
    if (init != null) {
      module.names.add("object");
    }
    addLine(version.atLeast(3, 12) ? 22 : version.atLeast(3, 11) ? 28 : 16, 8);
  }

  private CodeUnit function(String name, List<Statement> statements) {
    unit = new CodeUnit(null, name, name, List.of());
    for (Statement statement : statements) {
      statement(statement, "i", 0);
    }
    unit.cells = hasComprehensions ? FreeVariables.captured(statements) : 0;
    emit(Op.PLAIN, 3);
    return unit;
  }

  private void statement(Statement statement, String variable, int depth) {
    if (!unit.variables.contains(variable)) {
      unit.variables.add(variable);
    }
    unit.lines += 2;
    loop(statement.repeat());
    if (statement.keep()) {
      global("out");
      unit.names.add("append");
      emit(Op.METHOD, 1);
      expression(statement.make(), depth + 3);
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
      statement.also().forEach(also -> statement(also, variable + "i", depth + 1));
    }
    emit(Op.JUMP_BACK, 1);
  }

  /** {@code for x in range(n)} up to the assignment. */
  private void loop(int length) {
    global("range");
    constant(BigInteger.valueOf(length));
    emit(Op.CALL, 1);
    emit(Op.FOR, 1);
    emit(Op.PLAIN, version.atLeast(3, 8) ? 2 : 4);
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
    emit(Op.PLAIN, 1);
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
      reach(depth + 4);
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
    boolean isLong = isLong(version, items);
    for (int i = 0; i < items.size(); i++) {
      expression(items.get(i), depth + (isLong ? 1 : i));
    }
    emit(Op.PLAIN, 1);
    if (isLong) {
      emit(Op.PLAIN, items.size() + (place instanceof Recipe.TupleValue ? 1 : 0));
    }
    reach(depth + (isLong ? 2 : Math.max(1, items.size())));
  }

  /**
   * Whether a display has more items than the compiler puts onto the stack, from 3.10 on: a list or
   * a set is made before them, and a tuple of such a list ({@code STACK_USE_GUIDELINE}).
   */
  static boolean isLong(PythonVersion version, List<Expression> items) {
    return version.atLeast(3, 10) && items.size() > STACK_USE_GUIDELINE;
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
    if (size == 1) {
      constant(new Key(value.keys().get(0)));
      expression(value.values().get(0), depth + 1);
    } else {
      for (int i = 0; i < size; i++) {
        expression(value.values().get(i), depth + i);
      }
      if (size > 1) {
        constant(List.copyOf(value.keys()));
      }
    }
    emit(Op.PLAIN, 1);
    reach(depth + size + 1);
  }

  /** A str that is a name: the interpreter has each once. */
  record Key(String name) {}

  private void times(Recipe.TimesValue value, int depth) {
    String variable = "j" + ++number;
    CodeUnit outer = unit;
    boolean uses = FreeVariables.usesIndex(value.of());
    if (!hasComprehensions) {
      unit.variables.add(variable);
      loop(value.times());
      factors.add(value.times());
      expression(value.of(), depth + 3);
      factors.remove(factors.size() - 1);
      emit(Op.PLAIN, 6);
      emit(Op.JUMP_BACK, 1);
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
    emit(Op.PLAIN, 2);
    emit(Op.JUMP_BACK, 1);
    inner.cells =
        (uses ? 1 + factors.size() : 0) + (FreeVariables.capturesIndex(value.of()) ? 1 : 0);
    inner.lines = 1;
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
    reach(depth + 4);
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
    reach(2);
    emit(Op.PLAIN, 3);
    init.cells =
        hasComprehensions && value.values().stream().anyMatch(FreeVariables::capturesIndex) ? 1 : 0;
    defineClass(className, init, value.attributes(), value.slots());
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
      loop(value.length() - 1);
      global(className);
      emit(Op.CALL, 1);
      emit(Op.ATTRIBUTE, 1);
      emit(Op.STORE_ATTRIBUTE, 1);
      emit(Op.PLAIN, 6);
      emit(Op.JUMP_BACK, 1);
    }
    emit(Op.STORE_ATTRIBUTE, 1);
    emit(Op.PLAIN, 6);
    reach(3);
    ring.lines = single ? 2 : 6;
    defineClass(className, null, List.of(), false);
    define(ring);
    unit = outer;
    factors = outerFactors;
    return ring;
  }
}
