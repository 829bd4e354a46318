package dev.preforklab.cpython.recipe;

import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.recipe.Positions.Span;
import java.util.ArrayList;
import java.util.List;

/**
 * The code of read_deep's function, which has a branch for each class of the recipe. Its jumps go
 * from branch to branch, and need more room the farther they go.
 */
final class ReaderCode {
  static final String NAME = "deep";

  private static final int LARGEST_ARGUMENT = 255;
  private static final int LARGEST_OF_TWO_BYTES = 65_535;

  /** Columns behind {@code if} and {@code elif}, and of what is in a branch and in its loop. */
  private static final int IF = 7;

  private static final int ELIF = 9;
  private static final int BRANCH = 8;
  private static final int LOOP = 12;

  private final PythonVersion version;
  private final CodeUnit unit = new CodeUnit(null, NAME, NAME, List.of("o", "t", "x"));

  private final List<Instruction> instructions = new ArrayList<>();

  /** The instructions that labels stand before. */
  private final List<Integer> labels = new ArrayList<>();

  /** Where in the source the next instructions come from. */
  private Span here = new Span(0, 0, 0);

  /** The last test of what class an object is of. */
  private Span lastTest = here;

  private static final class Instruction {
    final Op op;
    final Span span;

    /** The number of the label it jumps to, or -1. */
    int target = -1;

    /** Whether it counts from where it is. */
    boolean isRelative;

    /** Its argument, where that is the number of a name. */
    int argument;

    /** How many EXTENDED_ARGs stand before it. */
    int extended;

    Instruction(Op op, Span span) {
      this.op = op;
      this.span = span;
    }
  }

  private ReaderCode(PythonVersion version) {
    this.version = version;
  }

  /** A branch for the instances of a class. */
  record Branch(String className, List<String> attributes) {}

  /** Compiles the function. */
  static CodeUnit of(PythonVersion version, List<Branch> branches) {
    ReaderCode code = new ReaderCode(version);
    code.function(branches);
    code.assemble();
    return code.unit;
  }

  private void function(List<Branch> branches) {
    unit.stack = version.atLeast(3, 11) ? ReaderFrames.STACK + 1 : ReaderFrames.STACK;
    if (version.atLeast(3, 11)) {
      plain(1);
    }
    int end = newLabel();
    unit.sourceLine++;
    at(8, 12);
    global("type");
    at(13, 14);
    plain(1);
    at(8, 15);
    emit(Op.CALL);
    at(4, 5);
    plain(1);
    int loop = newLabel();
    int next = newLabel();
    unit.sourceLine++;
    test("list", loop, IF);
    test("tuple", loop, here.end() + 4);
    test("set", next, here.end() + 4);
    place(loop);
    Loop items = beginLoop();
    readItem();
    jumpBack(items);
    endLoop(items);
    leaveBranch(end);
    place(next);
    next = branches.isEmpty() ? end : newLabel();
    unit.sourceLine++;
    test("dict", next, ELIF);
    Loop entries = beginLoop();
    readEntry();
    jumpBack(entries);
    // Behind the function's other end on 3.11.
    boolean endsLast = branches.isEmpty() && version.atLeast(3, 11) && !version.atLeast(3, 12);
    if (endsLast) {
      leave(end);
    }
    endLoop(entries);
    leaveBranch(branches.isEmpty() ? -1 : end);
    // Lines of the source, and from 3.10 on of a loop's end once more and of the function's.
    unit.lines = version.atLeast(3, 10) ? 11 : 8;
    for (int i = 0; i < branches.size(); i++) {
      place(next);
      boolean isLast = i == branches.size() - 1;
      next = isLast ? end : newLabel();
      branch(branches.get(i), next, isLast ? -1 : end);
    }
    if (!endsLast) {
      leave(end);
    }
  }

  private void branch(Branch branch, int next, int end) {
    unit.sourceLine++;
    test(branch.className(), next, ELIF);
    unit.lines += 1 + Math.max(1, branch.attributes().size());
    for (String attribute : branch.attributes()) {
      unit.sourceLine++;
      at(BRANCH, BRANCH + 4);
      global(NAME);
      at(BRANCH + 5, BRANCH + 6);
      plain(1);
      at(BRANCH + 5, BRANCH + 7 + attribute.length());
      named(attribute, Op.ATTRIBUTE);
      call(BRANCH);
    }
    if (branch.attributes().isEmpty()) {
      unit.sourceLine++;
      unit.endColumn = BRANCH + 4;
      at(BRANCH, unit.endColumn);
      if (version.atLeast(3, 10) && !version.atLeast(3, 11)) {
        plain(1);
      }
    }
    leaveBranch(end);
  }

  /** To 3.9 the branches, but for the last, go to the end, then each returns. */
  private void leaveBranch(int end) {
    if (version.atLeast(3, 10)) {
      leave();
    } else if (end >= 0) {
      jump(end);
    }
  }

  /** For an object of a class that it does not know. */
  private void leave(int label) {
    place(label);
    here = lastTest;
    leave();
  }

  private void leave() {
    plain(version.atLeast(3, 12) ? 1 : 2);
  }

  /** A loop over {@code o} by its labels. */
  private record Loop(int start, int exhausted, Span statement, Span iterator) {}

  private Loop beginLoop() {
    unit.sourceLine++;
    Span iterator = at(LOOP + 5, LOOP + 6);
    Span statement = new Span(unit.sourceLine, BRANCH, 0);
    Loop loop = new Loop(newLabel(), newLabel(), statement, iterator);
    // A block's end is close by, or the peephole optimizer has it go on to the branch's.
    plain(version.atLeast(3, 8) ? 1 : 2);
    goThrough(loop);
    plain(1);
    place(loop.start());
    jump(Op.FOR, loop.exhausted(), true);
    at(LOOP, LOOP + 1);
    plain(1);
    return loop;
  }

  /** The next instructions come from what a loop goes through. */
  private void goThrough(Loop loop) {
    here = version.atLeast(3, 13) ? loop.iterator() : loop.statement();
  }

  private void jumpBack(Loop loop) {
    loop.statement().setEnd(unit.sourceLine, here.end());
    jump(Op.JUMP_BACK, loop.start(), false);
  }

  private void endLoop(Loop loop) {
    place(loop.exhausted());
    goThrough(loop);
    if (version.atLeast(3, 12)) {
      plain(version.atLeast(3, 13) ? 2 : 1);
    } else if (!version.atLeast(3, 8)) {
      plain(1);
    }
  }

  private void readItem() {
    unit.sourceLine++;
    at(LOOP, LOOP + 4);
    global(NAME);
    at(LOOP + 5, LOOP + 6);
    plain(1);
    call(LOOP);
  }

  private void readEntry() {
    readItem();
    unit.sourceLine++;
    at(LOOP, LOOP + 4);
    global(NAME);
    at(LOOP + 5, LOOP + 6);
    plain(1);
    if (!version.atLeast(3, 13)) {
      // 3.13 loads both at once.
      at(LOOP + 7, LOOP + 8);
      plain(1);
    }
    at(LOOP + 5, LOOP + 9);
    emit(Op.SUBSCRIPT);
    call(LOOP);
  }

  /** {@code t is NAME}, and a jump. */
  private void test(String name, int label, int column) {
    at(column, column + 1);
    plain(1);
    at(column + 5, column + 5 + name.length());
    global(name);
    at(column, here.end());
    lastTest = here;
    plain(1);
    jump(version.atLeast(3, 13) ? Op.BRANCH : Op.PLAIN, label, false);
  }

  /** Calls itself with what has just been loaded. */
  private void call(int column) {
    unit.endColumn = here.end() + 1;
    at(column, unit.endColumn);
    emit(Op.CALL);
    plain(1);
  }

  /** The next instructions come from columns of the current line. */
  private Span at(int start, int end) {
    here = new Span(unit.sourceLine, start, end);
    return here;
  }

  private void global(String name) {
    named(name, Op.GLOBAL);
    unit.lookUps++;
  }

  private void named(String name, Op op) {
    unit.names.add(name);
    emit(op);
    // The lowest bit says whether it is for a call.
    boolean hasFlag = version.atLeast(3, op == Op.GLOBAL ? 11 : 12);
    int index = List.copyOf(unit.names).indexOf(name);
    last().argument = hasFlag ? 2 * index : index;
    unit.lookUps += op == Op.ATTRIBUTE && version.atLeast(3, 10) ? 1 : 0;
  }

  private void plain(int count) {
    for (int i = 0; i < count; i++) {
      emit(Op.PLAIN);
    }
  }

  private void jump(int label) {
    jump(Op.PLAIN, label, true);
  }

  /**
   * A jump.
   *
   * @param isRelative whether it counts from where it is up to 3.10; later ones all do
   */
  private void jump(Op op, int label, boolean isRelative) {
    emit(op);
    last().target = label;
    last().isRelative = isRelative || version.atLeast(3, 11);
  }

  private void emit(Op op) {
    instructions.add(new Instruction(op, here));
  }

  private Instruction last() {
    return instructions.get(instructions.size() - 1);
  }

  private int newLabel() {
    labels.add(-1);
    return labels.size() - 1;
  }

  private void place(int label) {
    labels.set(label, instructions.size());
  }

  /** Gives each instruction as many EXTENDED_ARGs as its argument needs, until none needs more. */
  private void assemble() {
    int count = instructions.size();
    int[] offsets = new int[count + 1];
    boolean grown = true;
    while (grown) {
      grown = false;
      for (int i = 0; i < count; i++) {
        offsets[i + 1] = offsets[i] + bytes(instructions.get(i));
      }
      for (int i = 0; i < count; i++) {
        Instruction instruction = instructions.get(i);
        int argument = argument(instruction, offsets, i);
        int needed = argument > LARGEST_OF_TWO_BYTES ? 2 : argument > LARGEST_ARGUMENT ? 1 : 0;
        grown |= needed > instruction.extended;
        instruction.extended = Math.max(needed, instruction.extended);
      }
    }
    unit.codeBytes = offsets[count];
    for (Instruction instruction : instructions) {
      unit.instructions += 1 + instruction.extended;
      addPositions(instruction);
    }
  }

  private void addPositions(Instruction instruction) {
    int units = bytes(instruction) / 2;
    if (instruction.op == Op.CALL && version.atLeast(3, 11) && !version.atLeast(3, 12)) {
      // PRECALL is another instruction.
      unit.positions.add(instruction.span, 2);
      units -= 2;
    }
    unit.positions.add(instruction.span, units);
  }

  private int bytes(Instruction instruction) {
    return 2 * instruction.extended + 2 + instruction.op.cacheBytes(version);
  }

  private int argument(Instruction instruction, int[] offsets, int number) {
    if (instruction.target < 0) {
      return instruction.argument;
    }
    int target = offsets[labels.get(instruction.target)];
    int bytes = instruction.isRelative ? Math.abs(target - offsets[number + 1]) : target;
    return version.atLeast(3, 10) ? bytes / 2 : bytes;
  }
}
