package dev.preforklab.cpython.recipe;

import dev.preforklab.cpython.PythonVersion;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The code of read_deep's function, which has a branch for each class of the recipe. Its jumps go
 * from branch to branch, and need more room the farther they go.
 */
final class ReaderCode {
  static final String NAME = "deep";

  private static final int LARGEST_ARGUMENT = 255;
  private static final int LARGEST_OF_TWO_BYTES = 65_535;

  private final PythonVersion version;
  private final CodeUnit unit = new CodeUnit(null, NAME, NAME, List.of("o", "t", "x"));

  /** Of each instruction in order, its bytes with those of its cache. */
  private final List<Integer> sizes = new ArrayList<>();

  /** Of each instruction, the number of the label it jumps to, or -1. */
  private final List<Integer> targets = new ArrayList<>();

  private final List<Boolean> relative = new ArrayList<>();

  /** Of each instruction, its argument, where that is the number of a name. */
  private final List<Integer> arguments = new ArrayList<>();

  /** The instructions that labels stand before. */
  private final List<Integer> labels = new ArrayList<>();

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
    global("type");
    plain(1);
    emit(Op.CALL);
    plain(1);
    int loop = newLabel();
    int next = newLabel();
    test("list", loop);
    test("tuple", loop);
    test("set", next);
    place(loop);
    forEach(this::readItem);
    leaveBranch(end);
    place(next);
    next = branches.isEmpty() ? end : newLabel();
    test("dict", next);
    forEach(this::readEntry);
    leaveBranch(branches.isEmpty() ? -1 : end);
    // Lines of the source, and from 3.10 on of a loop's end once more and of the function's.
    unit.lines = version.atLeast(3, 10) ? 11 : 8;
    for (int i = 0; i < branches.size(); i++) {
      place(next);
      boolean isLast = i == branches.size() - 1;
      next = isLast ? end : newLabel();
      branch(branches.get(i), next, isLast ? -1 : end);
    }
    place(end);
    leave();
  }

  private void branch(Branch branch, int next, int end) {
    test(branch.className(), next);
    unit.lines += 1 + Math.max(1, branch.attributes().size());
    for (String attribute : branch.attributes()) {
      global(NAME);
      plain(1);
      named(attribute, Op.ATTRIBUTE);
      call();
    }
    if (branch.attributes().isEmpty() && version.atLeast(3, 10) && !version.atLeast(3, 11)) {
      // The line of `pass`.
      plain(1);
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

  private void leave() {
    plain(version.atLeast(3, 12) ? 1 : 2);
  }

  private void forEach(Runnable body) {
    boolean hasBlock = !version.atLeast(3, 8);
    // A block's end is close by, or the peephole optimizer has it go on to the branch's.
    plain(hasBlock ? 3 : 2);
    int start = newLabel();
    int exhausted = newLabel();
    place(start);
    jump(Op.FOR, exhausted, true);
    plain(1);
    body.run();
    jump(Op.JUMP_BACK, start, false);
    place(exhausted);
    if (version.atLeast(3, 12)) {
      plain(version.atLeast(3, 13) ? 2 : 1);
    } else if (hasBlock) {
      plain(1);
    }
  }

  private void readItem() {
    global(NAME);
    plain(1);
    call();
  }

  private void readEntry() {
    readItem();
    global(NAME);
    plain(version.atLeast(3, 13) ? 1 : 2);
    emit(version.atLeast(3, 11) && !version.atLeast(3, 12) ? Op.ATTRIBUTE : Op.BINARY);
    call();
  }

  private void test(String name, int label) {
    plain(1);
    global(name);
    plain(1);
    jump(version.atLeast(3, 13) ? Op.BINARY : Op.PLAIN, label, false);
  }

  private void call() {
    emit(Op.CALL);
    plain(1);
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
    arguments.set(arguments.size() - 1, hasFlag ? 2 * index : index);
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
    targets.set(targets.size() - 1, label);
    relative.set(relative.size() - 1, isRelative || version.atLeast(3, 11));
  }

  private void emit(Op op) {
    sizes.add(2 + op.cacheBytes(version));
    targets.add(-1);
    relative.add(false);
    arguments.add(0);
  }

  private int newLabel() {
    labels.add(-1);
    return labels.size() - 1;
  }

  private void place(int label) {
    labels.set(label, sizes.size());
  }

  /** Gives each instruction as many EXTENDED_ARGs as its argument needs, until none needs more. */
  private void assemble() {
    int count = sizes.size();
    int[] extended = new int[count];
    int[] offsets = new int[count + 1];
    boolean grown = true;
    while (grown) {
      grown = false;
      for (int i = 0; i < count; i++) {
        offsets[i + 1] = offsets[i] + 2 * extended[i] + sizes.get(i);
      }
      for (int i = 0; i < count; i++) {
        int argument = argument(i, offsets);
        int needed = argument > LARGEST_OF_TWO_BYTES ? 2 : argument > LARGEST_ARGUMENT ? 1 : 0;
        grown |= needed > extended[i];
        extended[i] = Math.max(needed, extended[i]);
      }
    }
    unit.codeBytes = offsets[count];
    unit.instructions = count + Arrays.stream(extended).sum();
  }

  private int argument(int i, int[] offsets) {
    if (targets.get(i) < 0) {
      return arguments.get(i);
    }
    int target = offsets[labels.get(targets.get(i))];
    int bytes = relative.get(i) ? Math.abs(target - offsets[i + 1]) : target;
    return version.atLeast(3, 10) ? bytes / 2 : bytes;
  }
}
