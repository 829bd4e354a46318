package dev.preforklab.cpython.recipe;

import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.PythonVersion;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Which blocks of the recipe's code go with which: a function takes its code with it, that its
 * bytecode, constants, names and frame, unless something else refers to them ({@code code_dealloc}
 * of {@code Objects/codeobject.c}). Blocks are by their addresses, which are the same in all
 * processes of a family.
 *
 * <p>What waits on a free list when it is dead, tuples and floats, is not freed here.
 */
final class CodeParts {
  /** The longest tuple of which a free list keeps any, up to 3.10. */
  private static final int LONGEST_KEPT_TUPLE = 19;

  private final PythonVersion version;

  /** What is made up of other blocks, by its own. */
  private final Map<Long, Part> parts;

  private final Map<Long, Integer> references;

  /**
   * @param held in the order in which it is let go
   * @param unit of a code object, which has run with a frame and a cache perhaps
   * @param waits whether a free list keeps the block
   */
  private record Part(List<Long> held, @Nullable CodeUnit unit, boolean waits) {}

  CodeParts(PythonVersion version) {
    this(version, new HashMap<>(), new HashMap<>());
  }

  private CodeParts(PythonVersion version, Map<Long, Part> parts, Map<Long, Integer> references) {
    this.version = version;
    this.parts = parts;
    this.references = references;
  }

  /** What a forked process has of it: the same blocks, referred to as often. */
  CodeParts forked() {
    return new CodeParts(version, parts, new HashMap<>(references));
  }

  /** One more refers to a block; 0 stands for none. */
  void hold(long block) {
    if (block != 0) {
      references.merge(block, 1, Integer::sum);
    }
  }

  /** A tuple of the code, which drops its items last to first. */
  void tuple(long block, List<Long> items) {
    int longest = version.atLeast(3, 11) ? LONGEST_KEPT_TUPLE + 1 : LONGEST_KEPT_TUPLE;
    List<Long> backwards = new ArrayList<>(items);
    Collections.reverse(backwards);
    add(block, new Part(backwards, null, items.size() <= longest));
  }

  /** A float among constants. */
  void number(long block) {
    add(block, new Part(List.of(), null, true));
  }

  /** A code object, with what it holds in the order in which it lets go of it. */
  void code(long block, CodeUnit unit, List<Long> held) {
    add(block, new Part(held, unit, false));
  }

  private void add(long block, Part part) {
    if (block != 0 && parts.putIfAbsent(block, part) == null) {
      part.held.forEach(this::hold);
    }
  }

  /** One less refers to a block: the last frees it, and all that only it refers to. */
  void drop(Interpreter interpreter, CodeRuns runs, long block) {
    if (block == 0 || references.merge(block, -1, Integer::sum) > 0) {
      return;
    }
    Part part = parts.get(block);
    if (part == null) {
      interpreter.malloc.free(block);
      return;
    }
    if (part.unit != null) {
      runs.freeCaches(interpreter, part.unit);
    }
    for (long held : part.held) {
      drop(interpreter, runs, held);
    }
    if (part.unit != null) {
      runs.freeFrame(interpreter, part.unit);
    }
    if (!part.waits) {
      interpreter.malloc.free(block);
    }
  }
}
