package dev.preforklab.cpython.recipe;

import java.util.ArrayList;
import java.util.List;

/** Objects that code needs for a time, all at once, and that then go to the free lists. */
final class Held {
  private final Calls calls;
  private final Mutator mutator;
  private final List<Long> objects = new ArrayList<>();
  private final List<Long> builtins = new ArrayList<>();

  /**
   * Makes them.
   *
   * @param tuples how many, by their length; the first is not looked at
   * @param builtins how many bound builtins
   */
  Held(Mutator mutator, Calls calls, int[] tuples, int builtins) {
    this.calls = calls;
    this.mutator = mutator;
    for (int length = 1; length < tuples.length; length++) {
      for (int i = 0; i < tuples[length]; i++) {
        objects.add(mutator.newTuple(new long[length]));
      }
    }
    for (int i = 0; i < builtins; i++) {
      this.builtins.add(calls.bindBuiltin());
    }
  }

  void release() {
    objects.forEach(mutator.interpreter::decref);
    builtins.forEach(bound -> calls.release(bound, true));
  }
}
