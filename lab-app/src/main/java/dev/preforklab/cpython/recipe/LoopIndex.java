package dev.preforklab.cpython.recipe;

/**
 * What {@code i} stands for where an expression is evaluated: a variable, or within list
 * comprehensions a term over it, {@code (i * n + j)}, that each use computes anew.
 */
final class LoopIndex {
  private final Mutator mutator;

  /** The comprehension around this one, or null for a variable. */
  private final LoopIndex outer;

  private final long variable;
  private final int factor;
  private final long value;

  /** A loop's variable, or a function's parameter. */
  LoopIndex(Mutator mutator, long variable, long value) {
    this.mutator = mutator;
    this.variable = variable;
    this.value = value;
    outer = this;
    factor = 0;
  }

  /** The term of a comprehension with so many turns, in turn k. */
  LoopIndex(LoopIndex outer, int turns, int k) {
    mutator = outer.mutator;
    this.outer = outer;
    variable = 0;
    factor = turns;
    value = outer.value * turns + k;
  }

  long value() {
    return value;
  }

  /** A new reference to the int. */
  long take() {
    if (outer == this) {
      mutator.interpreter.incref(variable);
      return variable;
    }
    long before = outer.take();
    long product = mutator.newInt(outer.value * factor);
    mutator.interpreter.decref(before);
    long sum = mutator.newInt(value);
    mutator.interpreter.decref(product);
    return sum;
  }

  /** Comprehensions from here to the variable. */
  int depth() {
    return outer == this ? 0 : outer.depth() + 1;
  }
}
