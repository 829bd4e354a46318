package dev.preforklab.cpython.recipe;

import dev.preforklab.cpython.Interpreter;

/** How a captured allocation says in one number what was asked of whom. */
final class AllocatorCall {
  /** Added to what is asked of the raw domain, which the C library's heap serves. */
  static final int RAW = 1 << 30;

  /** Added besides to what the C library serves without looking into its thread cache. */
  static final int CLEARED = 1 << 29;

  /** Added besides where it resizes the block that the next call seems to free. */
  static final int RESIZED = 1 << 28;

  private AllocatorCall() {}

  /** The bytes asked for. */
  static int asked(int call) {
    return call >= RAW ? call & ~(RAW | CLEARED | RESIZED) : call;
  }

  /** Makes an allocation that is no resizing. */
  static long allocate(Interpreter interpreter, int call) {
    if (call < RAW) {
      return interpreter.malloc.allocate(call);
    }
    return (call & CLEARED) != 0
        ? interpreter.raw.allocateCleared(asked(call))
        : interpreter.raw.allocate(asked(call));
  }
}
