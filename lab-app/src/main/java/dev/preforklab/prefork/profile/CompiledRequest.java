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
   * @param atomic whether a collection takes it off
   */
  private static long kind(int event, boolean listed, boolean atomic) {
    return (long) event << 2 | (atomic ? 2 : 0) | (listed ? 1 : 0);
  }

  /** The event that allocates a block of a kind. */
  static int event(long kind) {
    return (int) (kind >> 2);
  }

  static boolean listed(long kind) {
    return (kind & 1) != 0;
  }

  static boolean atomic(long kind) {
    return (kind & 2) != 0;
  }

  private static int[] lastingKinds(RequestTrace trace, LongArray kinds) {
    int[] allocated = trace.allocationEvents();
    int[] numbers = new int[trace.survivors.held().length];
    boolean[] listed = new boolean[trace.blocks.count()];
    for (int ordinal = 0; ordinal < listed.length; ordinal++) {
      listed[ordinal] = !trace.blocks.unlisted()[ordinal];
    }
    for (int i = 0; i < trace.moments.tracked().length; i += 2) {
      listed[trace.moments.tracked()[i + 1]] = true;
    }
    for (int i = 0; i < numbers.length; i++) {
      int held = trace.survivors.held()[i];
      long kind = kind(allocated[held], listed[held], trace.blocks.atomic()[held]);
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
