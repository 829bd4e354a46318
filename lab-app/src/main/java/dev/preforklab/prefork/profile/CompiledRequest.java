package dev.preforklab.prefork.profile;

/** A recorded request, ready to be replayed. */
final class CompiledRequest {
  final RequestTrace trace;
  final GarbageLinks links;

  /** For each lasting block, the number of its kind, see {@link #kind}; of first requests only. */
  final int[] lastingKinds;

  /**
   * @param headBytes bytes of a GC head and an object head together
   * @param kinds the kinds of lasting blocks so far; grows
   */
  CompiledRequest(RequestTrace trace, int headBytes, LongArray kinds) {
    this.trace = trace;
    links = GarbageLinks.of(trace, headBytes);
    lastingKinds =
        switch (trace.state) {
          case START, WARM -> new int[0];
          case COLD, FIRST -> lastingKinds(trace, kinds);
        };
  }

  /**
   * @param event that allocates a block
   * @param listed whether the collector's lists have it, if it is an object of theirs
   */
  private static long kind(int event, boolean listed) {
    return (long) event << 1 | (listed ? 1 : 0);
  }

  /** The event that allocates a block of a kind. */
  static int event(long kind) {
    return (int) (kind >> 1);
  }

  static boolean listed(long kind) {
    return (kind & 1) != 0;
  }

  private static int[] lastingKinds(RequestTrace trace, LongArray kinds) {
    int[] allocated = trace.allocationEvents();
    int[] numbers = new int[trace.held.length];
    for (int i = 0; i < numbers.length; i++) {
      long kind = kind(allocated[trace.held[i]], !trace.unlisted[trace.held[i]]);
      int number = 0;
      while (number < kinds.size() && kinds.get(number) != kind) {
        number++;
      }
      if (number == kinds.size()) {
        kinds.add(kind);
      }
      numbers[i] = number;
    }
    return numbers;
  }
}
