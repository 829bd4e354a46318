package dev.preforklab.prefork.profile;

/** A recorded request, ready to be replayed. */
final class CompiledRequest {
  final RequestTrace trace;
  final GarbageLinks links;

  /** For each lasting block of a cold record, the number of its kind (domain and size). */
  final int[] lastingKinds;

  /**
   * @param headBytes bytes of a GC head and an object head together
   * @param kinds the kinds of lasting blocks so far, as events that allocate one; grows
   */
  CompiledRequest(RequestTrace trace, int headBytes, IntArray kinds) {
    this.trace = trace;
    links = GarbageLinks.of(trace, headBytes);
    lastingKinds = trace.cold ? lastingKinds(trace, kinds) : new int[0];
  }

  private static int[] lastingKinds(RequestTrace trace, IntArray kinds) {
    int[] allocated = trace.allocationEvents();
    int[] numbers = new int[trace.held.length];
    for (int i = 0; i < numbers.length; i++) {
      int event = allocated[trace.held[i]];
      int number = 0;
      while (number < kinds.size() && kinds.get(number) != event) {
        number++;
      }
      if (number == kinds.size()) {
        kinds.add(event);
      }
      numbers[i] = number;
    }
    return numbers;
  }
}
