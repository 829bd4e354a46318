package dev.preforklab.cpython.gc;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.Interpreter;
import java.util.Arrays;

/**
 * Finds which objects of a list are reachable from outside it ({@code deduce_unreachable}), and
 * remembers what the passes after that need, so that they need not walk the list again.
 */
abstract class Detector {
  final Interpreter interpreter;
  final Host host;

  /** Objects on the list, and references followed from them. */
  long objects;

  long references;

  /** Objects that stayed on the list. */
  long reachable;

  /** Reachable tuples and dicts, in list order. */
  long[] tuples = new long[256];

  int tupleCount;
  long[] dicts = new long[256];
  int dictCount;

  Detector(Interpreter interpreter) {
    this.interpreter = interpreter;
    host = interpreter.host;
  }

  /**
   * Splits a list: reachable objects stay, the others are moved to {@code unreachable}, which is
   * then an ordinary list.
   */
  abstract void deduceUnreachable(long base, long unreachable);

  final void reset() {
    objects = 0;
    references = 0;
    reachable = 0;
    tupleCount = 0;
    dictCount = 0;
  }

  final void rememberTuple(long object) {
    if (tupleCount == tuples.length) {
      tuples = Arrays.copyOf(tuples, 2 * tupleCount);
    }
    tuples[tupleCount++] = object;
  }

  final void rememberDict(long object) {
    if (dictCount == dicts.length) {
      dicts = Arrays.copyOf(dicts, 2 * dictCount);
    }
    dicts[dictCount++] = object;
  }
}
