package dev.preforklab.cpython.recipe;

import java.util.ArrayList;
import java.util.List;

/** Objects that code needs for a time, all at once, and that then go to the free lists. */
final class Held {
  private final Calls calls;
  private final Mutator mutator;
  private final List<Long> objects = new ArrayList<>();
  private final List<Long> builtins = new ArrayList<>();
  private final List<Long> methods = new ArrayList<>();

  /**
   * Makes them.
   *
   * @param tuples how many, by their length; the first is not looked at
   * @param lists how many, empty ones
   * @param dicts how many, empty ones
   * @param builtins how many bound builtins
   * @param methods how many bound methods
   */
  Held(
      Mutator mutator, Calls calls, int[] tuples, int lists, int dicts, int builtins, int methods) {
    this.calls = calls;
    this.mutator = mutator;
    for (int length = 1; length < tuples.length; length++) {
      for (int i = 0; i < tuples[length]; i++) {
        objects.add(mutator.newTuple(new long[length]));
      }
    }
    for (int i = 0; i < lists; i++) {
      objects.add(mutator.newList(new long[0]));
    }
    for (int i = 0; i < dicts; i++) {
      objects.add(mutator.dictObjects.newDictObject());
    }
    for (int i = 0; i < builtins; i++) {
      this.builtins.add(calls.bindBuiltin());
    }
    for (int i = 0; i < methods; i++) {
      this.methods.add(calls.bindMethod());
    }
  }

  void release() {
    objects.forEach(mutator.interpreter::decref);
    builtins.forEach(bound -> calls.release(bound, true));
    methods.forEach(bound -> calls.release(bound, false));
  }
}
