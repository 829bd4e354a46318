package dev.preforklab.cpython.recipe;

import dev.preforklab.cpython.PythonVersion;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;

/**
 * The list in which {@code marshal.loads} keeps what later parts of the file refer to ({@code
 * p->refs} of {@code Python/marshal.c}). The writer marks an object for it when something besides
 * the place that it is written for holds it: another place in the file, or the interpreter. The
 * list's buffer grows while the code is loaded, each time in another block, and is freed with the
 * code's last object, so it leaves holes between them.
 */
final class MarshalReferences {
  private static final int WORD_BYTES = 8;

  /** Names that the process which writes the file, without the module gc, does not have. */
  private static final Set<String> COLLECTOR =
      Set.of(
          "gc", "collect", "disable", "enable", "freeze", "unfreeze", "set_threshold", "get_count");

  private final PythonVersion version;
  private final Predicate<String> isKnown;
  private final Predicate<Object> isRepeated;
  private final Set<Object> kept = new HashSet<>();

  /** What nothing but this list keeps. */
  private final List<Long> bytecodes = new ArrayList<>();

  private long items;
  private long size;
  private long room;
  private boolean isOpen;

  /**
   * For a file that is not read yet.
   *
   * @param isKnown whether the interpreter has a name already
   * @param isRepeated whether an object is in the file more than once
   */
  MarshalReferences(
      PythonVersion version, Predicate<String> isKnown, Predicate<Object> isRepeated) {
    this.version = version;
    this.isKnown = isKnown;
    this.isRepeated = isRepeated;
  }

  /** Reading begins with the module's code, which a variable holds; no other code is kept. */
  void open(Mutator mutator) {
    isOpen = true;
    append(mutator);
  }

  /**
   * Bytecode. From 3.11 on the writer's code holds it, too, once it has asked for it, and the code
   * that is made of it has a copy of its own: this list keeps it to the file's end.
   */
  void bytecode(Mutator mutator, long block) {
    if (version.atLeast(3, 11)) {
      append(mutator);
      bytecodes.add(block);
    }
  }

  /**
   * An interned text. From 3.11 on something else always holds one, before that the interpreter, if
   * it has it already; it has all of one character. A qualified name is interned from 3.13 on.
   */
  void name(Mutator mutator, String text) {
    boolean isInterned = version.atLeast(3, 13) || text.indexOf('.') <= 0;
    boolean isHeld =
        version.atLeast(3, 11)
            || text.length() == 1
            || text.charAt(0) == '<'
            || (isKnown.test(text) && !COLLECTOR.contains(text));
    keep(mutator, text, (isInterned && isHeld) || isRepeated.test(text));
  }

  /** A tuple; there is one empty one. */
  void tuple(Mutator mutator, List<?> content) {
    keep(mutator, content, content.isEmpty() || isRepeated.test(content));
  }

  /** Bytecode or a table of lines or positions of which there are equal ones once. */
  void table(Mutator mutator, Object table) {
    keep(mutator, table, isRepeated.test(table));
  }

  /** Bytes, of which the interpreter has empty ones. */
  void bytes(Mutator mutator, int length) {
    keep(mutator, Empty.BYTES, length == 0);
  }

  /** An int, a float or a text that is no name. */
  void constant(Mutator mutator, Object value) {
    boolean isSmall = value instanceof BigInteger number && Mutator.isSmall(number);
    keep(mutator, value, isSmall || (version.atLeast(3, 8) && isRepeated.test(value)));
  }

  private void keep(Mutator mutator, Object object, boolean isMarked) {
    if (isMarked && kept.add(object)) {
      append(mutator);
    }
  }

  private void append(Mutator mutator) {
    if (!isOpen) {
      return;
    }
    if (size++ == room) {
      room = mutator.grownList(size);
      items = mutator.reallocateScratch(items, WORD_BYTES * room);
    }
  }

  /** The file has been read: a list lets go of its items last to first. */
  void close(Mutator mutator) {
    isOpen = false;
    Collections.reverse(bytecodes);
    bytecodes.forEach(mutator::freeScratch);
    mutator.freeScratch(items);
  }

  /** How many objects there are in it. */
  long size() {
    return size;
  }

  private enum Empty {
    BYTES
  }
}
