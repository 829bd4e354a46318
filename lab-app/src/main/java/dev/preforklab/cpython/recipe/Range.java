package dev.preforklab.cpython.recipe;

/**
 * {@code range(n)} in a for loop: an iterator that makes each int, or on 2.7 a list of all of them,
 * made at once.
 */
final class Range {
  private static final int RANGE_BYTES = 48;
  private static final int ITERATOR_BYTES = 48;

  private final Mutator mutator;
  private final Calls calls;
  private final boolean isList;
  private final long step;
  private final long holder;
  private final long listIterator;

  Range(Mutator mutator, Calls calls, int length) {
    this(mutator, calls, length, 1);
  }

  /** {@code range(0, stop, step)} of so many ints. */
  Range(Mutator mutator, Calls calls, int length, long step) {
    this.mutator = mutator;
    this.calls = calls;
    this.step = step;
    isList = mutator.version.major == 2;
    // Before 3.9 the call passes its argument in a tuple, which then waits on the free list.
    long arguments = mutator.version.atLeast(3, 9) ? 0 : mutator.newTuple(new long[] {0});
    if (isList) {
      holder = mutator.newList(new long[length]);
      for (int i = 0; i < length; i++) {
        mutator.setListItem(holder, i, mutator.newInt(i * step));
      }
    } else {
      long range = mutator.scratch(RANGE_BYTES);
      mutator.interpreter.evalBreaker();
      holder = mutator.scratch(ITERATOR_BYTES);
      mutator.freeScratch(range);
    }
    mutator.interpreter.decref(arguments);
    listIterator = isList ? calls.iterate() : 0;
  }

  /** A new reference to the next int, that of number i. */
  long next(long i) {
    if (isList) {
      long item = mutator.listItem(holder, i);
      mutator.interpreter.incref(item);
      return item;
    }
    return mutator.newInt(i * step);
  }

  /** The loop is over: the iterator goes, or the list. */
  void end() {
    if (isList) {
      mutator.interpreter.decref(holder);
      calls.endIteration(listIterator);
    } else {
      mutator.freeScratch(holder);
    }
  }
}
