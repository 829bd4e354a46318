package dev.preforklab.cpython.recipe;

import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.recipe.Positions.Span;
import java.math.BigInteger;

/** Writes the code of acts, as far as they allocate nothing. */
final class ActCode extends CodeWriter {
  /** Columns up to what a loop goes through, {@code " for x in "}. */
  private static final int ITERATOR = INDENT + 9;

  /**
   * @param unit the function {@code act}
   */
  ActCode(PythonVersion version, CodeUnit unit) {
    super(version, unit);
  }

  /**
   * Appends an act's code.
   *
   * @param arrays whether the heap's values that {@code sum} adds up are arrays
   */
  void append(Recipe.Act act, boolean arrays) {
    boolean isAction =
        act instanceof Recipe.Collect
            || act instanceof Recipe.Threshold
            || act instanceof Recipe.CollectorSwitch;
    if (isAction) {
      action(act);
      return;
    }
    line();
    if (act instanceof Recipe.Iterate iterate) {
      if (iterate.indexed()) {
        iterateIndexed(iterate);
      } else {
        Span out = at(ITERATOR, ITERATOR + 3);
        global("out");
        Loop loop = beginBody(out, "x");
        if (version.atLeast(3, 13)) {
          at(ITERATOR + 5, ITERATOR + 9);
        }
        endOneLine(loop, ITERATOR + 9);
        reach(2);
      }
    } else if (act instanceof Recipe.ReadDeep) {
      call("deep");
    } else if (act instanceof Recipe.Drop) {
      // Behind the line that says that it is global.
      unit.sourceLine++;
      at(INDENT + 6, INDENT + 10);
      emit(Op.PLAIN, 1);
      at(INDENT, INDENT + 3);
      emit(Op.PLAIN, 1);
      unit.names.add("out");
      unit.endColumn = INDENT + 10;
    } else if (act instanceof Recipe.Sum && arrays) {
      Span out = at(ITERATOR, ITERATOR + 3);
      global("out");
      Loop loop = beginBody(out, "x");
      int column = ITERATOR + 5;
      at(column, column + 3);
      global("sum");
      at(column + 4, column + 5);
      emit(Op.PLAIN, 1);
      at(column, column + 6);
      emit(Op.CALL, 1);
      emit(Op.PLAIN, 1);
      endOneLine(loop, column + 6);
      reach(3);
    } else if (act instanceof Recipe.Sum) {
      call("sum");
    } else {
      unit.endColumn = INDENT + 4;
      at(INDENT, unit.endColumn);
    }
  }

  /** A function is called with {@code out}. */
  private void call(String function) {
    int column = INDENT + function.length();
    at(INDENT, column);
    global(function);
    at(column + 1, column + 4);
    global("out");
    unit.endColumn = column + 5;
    at(INDENT, unit.endColumn);
    emit(Op.CALL, 1);
    emit(Op.PLAIN, 1);
    reach(2);
  }

  /** The loop ends on the line that it begins on. */
  private void endOneLine(Loop loop, int end) {
    loop.statement.setEnd(end);
    unit.endColumn = end;
    endLoop(loop);
  }

  /** Begins a loop whose body is on the same line, which to 3.8 is noted a second time. */
  private Loop beginBody(Span iterator, String variable) {
    if (!unit.variables.contains(variable)) {
      unit.variables.add(variable);
    }
    Span statement = new Span(unit.sourceLine, INDENT, 0);
    Loop loop = beginLoop(statement, iterator, new Span(unit.sourceLine, INDENT + 4, INDENT + 5));
    if (!version.atLeast(3, 9)) {
      line();
    }
    return loop;
  }

  private void iterateIndexed(Recipe.Iterate iterate) {
    Span call = new Span(unit.sourceLine, ITERATOR, 0);
    int column = ITERATOR + 6;
    at(ITERATOR, ITERATOR + 5);
    global("range");
    if (iterate.stride()) {
      column = number(0, column) + 2;
      column = length(column) + 2;
      int first = column;
      at(column, column + 3);
      global("int");
      column += 4;
      int second = column;
      at(column, column + 5);
      global("round");
      column += 6;
      if (!version.atLeast(3, 7)) {
        // The quotient is computed when all is compiled, and what it is of stays.
        unit.constants.add(BigInteger.ONE);
        unit.constants.add(iterate.part());
      }
      int end = column + 4 + PythonText.widthOf(iterate.part());
      at(column, end);
      constant(1 / iterate.part());
      at(second, end + 1);
      emit(Op.CALL, 1);
      at(first, end + 2);
      emit(Op.CALL, 1);
      call.setEnd(end + 3);
      reach(version.atLeast(3, 7) ? 6 : 7);
    } else {
      int first = column;
      at(column, column + 3);
      global("int");
      column += 4;
      int product = column;
      column = length(column) + 3;
      int end = column + PythonText.widthOf(iterate.part());
      at(column, end);
      constant(iterate.part());
      at(product, end);
      emit(Op.BINARY, 1);
      at(first, end + 1);
      emit(Op.CALL, 1);
      call.setEnd(end + 2);
      reach(4);
    }
    here = call;
    emit(Op.CALL, 1);
    int body = call.end() + 2;
    Loop loop = beginBody(call, "i");
    at(body, body + 3);
    global("out");
    at(body + 4, body + 5);
    emit(Op.PLAIN, 1);
    at(body, body + 6);
    emit(Op.SUBSCRIPT, 1);
    emit(Op.PLAIN, 1);
    endOneLine(loop, body + 6);
  }

  /** {@code len(out)}. */
  private int length(int column) {
    at(column, column + 3);
    global("len");
    at(column + 4, column + 7);
    global("out");
    at(column, column + 8);
    emit(Op.CALL, 1);
    return column + 8;
  }
}
