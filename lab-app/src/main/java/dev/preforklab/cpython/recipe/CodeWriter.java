package dev.preforklab.cpython.recipe;

import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.recipe.Positions.Span;
import java.math.BigInteger;
import java.util.List;

/** Writes a function's code, instruction by instruction. */
class CodeWriter {
  /** Columns of a function's body. */
  static final int INDENT = 4;

  private static final int LARGEST_ARGUMENT = 255;

  final PythonVersion version;

  /** What is written now. */
  CodeUnit unit;

  /** Where in the source the next instructions come from. */
  Span here = Span.NONE;

  CodeWriter(PythonVersion version, CodeUnit unit) {
    this.version = version;
    this.unit = unit;
  }

  /** The next instructions come from columns of the current line. */
  Span at(int start, int end) {
    here = new Span(unit.sourceLine, start, end);
    return here;
  }

  /** Begins a function's code, with what 3.11 and later resume it by. */
  void begin() {
    here = new Span(0, 0, 0);
    emit(Op.PLAIN, version.atLeast(3, 11) ? 1 : 0);
  }

  /** A return of None, two instructions up to 3.11. */
  void leave() {
    reach(1);
    emit(Op.PLAIN, version.atLeast(3, 12) ? 1 : 2);
    for (CodeUnit.Handler handler : unit.handlers) {
      unit.exceptionBytes +=
          1
              + Positions.digits(handler.start() / 2)
              + Positions.digits((handler.end() - handler.start()) / 2)
              + Positions.digits(unit.codeBytes / 2);
      here = Span.NONE;
      emit(Op.PLAIN, 2);
      here = handler.span();
      emit(Op.PLAIN, 3);
    }
    if (isExactly(10)) {
      endLine();
    }
  }

  /** Whether a method is called without an object of its own. */
  boolean hasMethodCalls() {
    return version.atLeast(3, 7);
  }

  boolean isExactly(int minor) {
    return version.atLeast(3, minor) && !version.atLeast(3, minor + 1);
  }

  /** A line of source begins. */
  void line() {
    endLine();
    unit.lines++;
    unit.sourceLine++;
    unit.lineStart = unit.codeBytes;
  }

  /**
   * Notes the line before once more for each 255 bytes that its code is longer, on 3.10 for 254.
   */
  private void endLine() {
    int bytes = unit.codeBytes - unit.lineStart;
    unit.lineShape.add(List.of(bytes, unit.sourceLine));
    if (unit.lines > 0 && bytes > 0) {
      unit.lines += isExactly(10) ? (bytes - 1) / 254 : bytes > 255 ? bytes / 255 : 0;
    }
  }

  /** A call of one of the functions of the module gc. */
  void action(Recipe.Act action) {
    line();
    at(INDENT, INDENT + 2);
    global("gc");
    String name =
        action instanceof Recipe.CollectorSwitch change ? change.name().substring(3) : "collect";
    List<Integer> arguments = List.of();
    if (action instanceof Recipe.Collect collect && !collect.isPlain()) {
      arguments = List.of(collect.generation());
    }
    if (action instanceof Recipe.Threshold threshold) {
      name = "set_threshold";
      arguments = threshold.values();
    }
    int column = INDENT + 3 + name.length();
    at(INDENT, column);
    unit.names.add(name);
    emit(Op.METHOD, 1);
    column++;
    for (int i = 0; i < arguments.size(); i++) {
      column += i == 0 ? 0 : 2;
      column = number(arguments.get(i), column);
    }
    unit.endColumn = Math.max(column, INDENT + 4 + name.length()) + 1;
    at(INDENT, unit.endColumn);
    reach((hasMethodCalls() ? 2 : 1) + arguments.size());
    emit(Op.CALL, 1);
    emit(Op.PLAIN, 1);
  }

  /** A loop that is being written. */
  static final class Loop {
    final int start;
    final Span statement;
    final Span iterator;
    final int number;

    private Loop(int start, Span statement, Span iterator, int number) {
      this.start = start;
      this.statement = statement;
      this.iterator = iterator;
      this.number = number;
    }
  }

  /**
   * {@code for x in range(n)} up to the assignment.
   *
   * @param column where the statement begins
   */
  Loop loop(String variable, int length, int column) {
    Span statement = new Span(unit.sourceLine, column, 0);
    Span call = range(length, column + 8 + variable.length());
    return beginLoop(
        statement, call, new Span(unit.sourceLine, column + 4, column + 4 + variable.length()));
  }

  /** {@code range(n)}. */
  Span range(int length, int column) {
    at(column, column + 5);
    global("range");
    int end = number(length, column + 6);
    Span call = at(column, end + 1);
    emit(Op.CALL, 1);
    return call;
  }

  /**
   * A loop over what is on the stack, up to the assignment.
   *
   * @param statement the whole, whose end may be set later
   * @param iterator what it goes through
   */
  Loop beginLoop(Span statement, Span iterator, Span variable) {
    here = version.atLeast(3, 13) ? iterator : statement;
    // The iterator, and to 3.7 the block of the loop, which ends behind it.
    emit(Op.PLAIN, version.atLeast(3, 8) ? 1 : 2);
    return enterLoop(statement, iterator, variable);
  }

  /** The same from where it begins again. */
  Loop enterLoop(Span statement, Span iterator, Span variable) {
    here = version.atLeast(3, 13) ? iterator : statement;
    int start = unit.codeBytes;
    int number = unit.positions.size();
    emit(Op.FOR, 1);
    here = variable;
    emit(Op.PLAIN, 1);
    return new Loop(start, statement, iterator, number);
  }

  void endLoop(Loop loop) {
    emit(Op.JUMP_BACK, 1);
    jumpBack(loop);
    int bytes = unit.codeBytes - loop.start;
    boolean hasBlock = !version.atLeast(3, 8);
    if (hasBlock) {
      emit(Op.PLAIN, 1);
    }
    // FOR_ITER jumps behind the loop, and to 3.7 the block's beginning knows its end, with
    // GET_ITER.
    int longJumps =
        (distance(bytes - 2 - Op.FOR.cacheBytes(version)) > LARGEST_ARGUMENT ? 1 : 0)
            + (hasBlock && bytes + 4 > LARGEST_ARGUMENT ? 1 : 0);
    unit.instructions += longJumps;
    unit.codeBytes += 2 * longJumps;
    unit.positions.lengthen(loop.number, longJumps);
    // What makes them longer stands before the last line.
    unit.lineStart += 2 * longJumps;
    here = version.atLeast(3, 13) ? loop.iterator : loop.statement;
    if (version.atLeast(3, 12)) {
      // END_FOR, and on 3.13 the iterator goes.
      emit(Op.PLAIN, version.atLeast(3, 13) ? 2 : 1);
    }
  }

  /** EXTENDED_ARG of a jump to where a loop begins, if it needs one. */
  void jumpBack(Loop loop) {
    int argument = version.atLeast(3, 11) ? unit.codeBytes - loop.start : loop.start;
    if (distance(argument) > LARGEST_ARGUMENT) {
      lengthen(1);
    }
  }

  /** EXTENDED_ARG before the last instruction. */
  private void lengthen(int count) {
    unit.instructions += count;
    unit.codeBytes += 2 * count;
    unit.positions.lengthen(unit.positions.size() - 1, count);
  }

  /** What jumps count in: bytes, from 3.10 on instructions. */
  int distance(int bytes) {
    return version.atLeast(3, 10) ? bytes / 2 : bytes;
  }

  /** Notes what bytecode is equal by; of 3.10. */
  void note(Object part) {
    if (isExactly(10)) {
      unit.shape.add(part);
    }
  }

  void emit(Op op, int count) {
    note(op);
    note(count);
    unit.instructions += count;
    if (op == Op.GLOBAL || (op == Op.ATTRIBUTE && version.atLeast(3, 10))) {
      unit.lookUps += count;
    }
    unit.codeBytes += count * (2 + op.cacheBytes(version));
    int units = 1 + op.cacheBytes(version) / 2;
    for (int i = 0; i < count; i++) {
      if (op == Op.CALL && isExactly(11)) {
        // PRECALL is another instruction.
        unit.positions.add(here, 2);
        unit.positions.add(here, units - 2);
      } else {
        unit.positions.add(here, units);
      }
    }
  }

  void global(String name) {
    unit.names.add(name);
    note(unit.placeOfName(name));
    emit(Op.GLOBAL, 1);
  }

  void constant(Object value) {
    emit(Op.PLAIN, 1);
    int number = unit.addConstant(value);
    note(number);
    if (number > LARGEST_ARGUMENT) {
      lengthen(1);
    }
  }

  /**
   * Loads a number from where it stands in the source.
   *
   * @return the column behind it
   */
  int number(int value, int column) {
    int end = column + Integer.toString(value).length();
    at(column, end);
    constant(BigInteger.valueOf(value));
    return end;
  }

  void reach(int depth) {
    unit.stack = Math.max(unit.stack, depth);
  }
}
