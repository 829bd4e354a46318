package dev.preforklab.cpython.recipe;

import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.recipe.Positions.Span;
import dev.preforklab.cpython.recipe.Recipe.Expression;
import dev.preforklab.cpython.recipe.Recipe.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/**
 * The shape of the code that CPython's compiler makes of a recipe's source: constants, names and
 * the lengths of bytecode and stack, counted instruction by instruction; {@code Python/compile.c}.
 */
final class RecipeCompiler extends ExpressionWriter {
  private final ModuleCode module;

  /**
   * @param isConstant whether the compiler makes an expression's value
   */
  RecipeCompiler(PythonVersion version, Predicate<Expression> isConstant) {
    super(version, new CodeUnit(null, "<module>", "<module>", List.of()), isConstant);
    module = new ModuleCode(version, unit);
  }

  /**
   * The module: its constants are the bodies of classes and the functions of rings, in the order of
   * the source, then build, the function of read_deep if an act is that, and act.
   *
   * @param imports whether it begins with the import of array
   */
  CodeUnit compile(Recipe recipe, List<Recipe.Act> acts, boolean imports) {
    if (imports) {
      module.importArray();
    }
    CodeUnit build = build(recipe);
    CodeUnit acting = act(recipe, acts);
    module.define(build);
    if (acts.stream().anyMatch(Recipe.ReadDeep.class::isInstance)) {
      module.defineReader();
    }
    module.define(acting);
    module.end();
    return module.unit;
  }

  private CodeUnit build(Recipe recipe) {
    unit = new CodeUnit(null, "build", "build", List.of());
    beginWithCells(recipe.heap());
    unit.sourceLine++; // what says that out is global
    recipe.beforeHeap().forEach(this::action);
    line();
    unit.names.add("out");
    unit.endColumn = INDENT + 8;
    at(INDENT + 6, unit.endColumn);
    emit(Op.PLAIN, 1);
    at(INDENT, INDENT + 3);
    emit(Op.PLAIN, 1);
    statements(recipe.heap());
    recipe.beforeFork().forEach(this::action);
    if (isExactly(10) && recipe.beforeFork().isEmpty()) {
      // The return has the last loop's line.
      line();
    }
    leave();
    return unit;
  }

  private CodeUnit act(Recipe recipe, List<Recipe.Act> acts) {
    unit = new CodeUnit(null, "act", "act", List.of());
    List<Statement> loops =
        acts.stream()
            .filter(Recipe.Allocate.class::isInstance)
            .map(act -> ((Recipe.Allocate) act).statement())
            .toList();
    beginWithCells(loops);
    ActCode others = new ActCode(version, unit);
    for (Recipe.Act act : acts) {
      if (act instanceof Recipe.Allocate allocate) {
        statement(allocate.statement(), "i", 0);
      } else {
        others.append(act, sumsArrays(recipe));
        here = others.here;
      }
    }
    replaceCells();
    if (isExactly(10) && acts.get(acts.size() - 1) instanceof Recipe.Allocate) {
      // The return has the loop's line.
      line();
    }
    leave();
    return unit;
  }

  /** Whether a list of arrays is what the act sum adds up. */
  private static boolean sumsArrays(Recipe recipe) {
    return recipe.heap().stream().anyMatch(s -> s.keep() && s.make() instanceof Recipe.ArrayValue);
  }

  /** Begins a function with such loops, whose variables comprehensions may share. */
  private void beginWithCells(List<Statement> statements) {
    if (hasComprehensions) {
      for (int depth : FreeVariables.capturedDepths(statements).stream().toArray()) {
        unit.cells.add("i".repeat(depth + 1));
      }
      makeCells();
    }
    begin();
  }

  private void statements(List<Statement> statements) {
    for (Statement statement : statements) {
      statement(statement, "i", 0);
    }
    replaceCells();
  }

  /** Up to 3.10 a variable that comprehensions share is no other variable. */
  private void replaceCells() {
    if (!version.atLeast(3, 11)) {
      unit.variables.removeAll(unit.cells);
    }
  }

  private void statement(Statement statement, String variable, int depth) {
    index = variable;
    if (!unit.variables.contains(variable)) {
      unit.variables.add(variable);
    }
    line();
    int column = INDENT + 8 * depth;
    Loop loop = loop(variable, statement.repeat(), column);
    column += 4;
    line();
    int end;
    if (statement.keep()) {
      at(column, column + 3);
      global("out");
      unit.names.add("append");
      at(column, column + 10);
      emit(Op.METHOD, 1);
      end = expression(statement.make(), depth + (hasMethodCalls() ? 3 : 2), column + 11) + 1;
      at(column, end);
      emit(Op.CALL, 1);
    } else {
      end = expression(statement.make(), depth + 1, column);
      at(column, end);
    }
    emit(Op.PLAIN, 1);
    for (Statement also : statement.also()) {
      line();
      int condition = column + 3;
      at(condition, condition + variable.length());
      emit(Op.PLAIN, 1);
      end = number(statement.every(), condition + variable.length() + 3);
      at(condition, end);
      emit(Op.BINARY, 1);
      end = number(statement.every() - 1, end + 4);
      at(condition, end);
      emit(Op.COMPARE, 1);
      emit(Op.BRANCH, 1);
      if (version.atLeast(3, 12)) {
        // No branch jumps back.
        emit(Op.JUMP_BACK, 1);
      }
      jumpBack(loop);
      statement(also, variable + "i", depth + 1);
      end = unit.endColumn;
      if (isExactly(10) && also.also().isEmpty()) {
        // The jumps back from the innermost loop's end on have no line.
        line();
      }
      if (isExactly(11)) {
        here = Span.NONE;
      }
    }
    loop.statement.setEnd(unit.sourceLine, end);
    unit.endColumn = end;
    endLoop(loop);
  }

  @Override
  CodeUnit init(Recipe.InstanceValue value) {
    String className = "C" + ++number;
    CodeUnit init = new CodeUnit(value, "__init__", className + ".__init__", List.of("self", "i"));
    init.attributes = value.attributes();
    Place outer = enter(init);
    if (hasComprehensions && value.values().stream().anyMatch(FreeVariables::capturesIndex)) {
      init.cells.add(index);
    }
    makeCells();
    begin();
    int column = 2 * INDENT;
    for (int k = 0; k < value.values().size(); k++) {
      line();
      int attribute = column + 5 + value.attributes().get(k).length();
      init.endColumn = expression(value.values().get(k), 0, attribute + 3);
      init.names.add(value.attributes().get(k));
      at(column, column + 4);
      emit(Op.PLAIN, 1);
      at(column, attribute);
      emit(Op.STORE_ATTRIBUTE, 1);
    }
    if (value.values().isEmpty()) {
      line();
      init.endColumn = column + 4;
      at(column, init.endColumn);
    }
    reach(value.values().isEmpty() ? 1 : 2);
    leave();
    module.defineClass(className, init, value.attributes(), value.slots());
    leave(outer);
    return init;
  }

  /** What is written when a function's code comes in between. */
  private record Place(
      CodeUnit unit, Span here, List<Integer> factors, List<String> variables, String index) {}

  private Place enter(CodeUnit function) {
    Place outer = new Place(unit, here, factors, outerVariables, index);
    unit = function;
    factors = new ArrayList<>();
    outerVariables = new ArrayList<>();
    index = "i";
    return outer;
  }

  private void leave(Place outer) {
    unit = outer.unit;
    here = outer.here;
    factors = outer.factors;
    outerVariables = outer.variables;
    index = outer.index;
  }

  @Override
  CodeUnit ring(Recipe.CycleValue value) {
    String className = "N" + ++number;
    boolean single = value.length() == 1;
    String name = "ring_of_" + className;
    CodeUnit ring =
        new CodeUnit(value, name, name, single ? List.of("first") : List.of("first", "last", "j"));
    ring.attributes = List.of("next");
    Place outer = enter(ring);
    begin();
    ring.names.add("next");
    line();
    call(className, INDENT + 8);
    at(INDENT, INDENT + 5);
    emit(Op.PLAIN, 1);
    int last = INDENT + 5;
    if (!single) {
      chain(className, value.length() - 1);
      last = INDENT + 4;
    }
    line();
    int target = last + 8;
    ring.endColumn = target + 5;
    at(target, ring.endColumn);
    emit(Op.PLAIN, 1);
    at(INDENT, last);
    // From 3.13 on two variables are loaded at once.
    emit(Op.PLAIN, version.atLeast(3, 13) ? 0 : 1);
    at(INDENT, last + 5);
    emit(Op.STORE_ATTRIBUTE, 1);
    leave();
    reach(single ? 2 : 3);
    module.defineClass(className, null, List.of(), false);
    module.define(ring);
    leave(outer);
    return ring;
  }

  /** The loop that makes all objects of a ring but for the first. */
  private void chain(String className, int length) {
    line();
    at(INDENT + 7, INDENT + 12);
    emit(Op.PLAIN, 1);
    at(INDENT, INDENT + 4);
    emit(Op.PLAIN, 1);
    line();
    Loop loop = loop("j", length, INDENT);
    int column = 2 * INDENT;
    line();
    call(className, column + 12);
    at(column, column + 4);
    emit(Op.PLAIN, 1);
    at(column, column + 9);
    emit(Op.STORE_ATTRIBUTE, 1);
    line();
    at(column + 7, column + 11);
    emit(Op.PLAIN, 1);
    at(column + 7, column + 16);
    emit(Op.ATTRIBUTE, 1);
    at(column, column + 4);
    emit(Op.PLAIN, 1);
    loop.statement.setEnd(unit.sourceLine, column + 16);
    endLoop(loop);
  }
}
