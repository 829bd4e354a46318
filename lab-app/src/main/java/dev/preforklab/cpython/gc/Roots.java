package dev.preforklab.cpython.gc;

import java.util.function.LongConsumer;

/**
 * What the interpreter's own dicts and its frames refer to: where the incremental collector begins
 * to mark. An object that is missing here is never lost by it; it only stays unmarked.
 */
@FunctionalInterface
public interface Roots {
  void visitEach(LongConsumer visit);
}
