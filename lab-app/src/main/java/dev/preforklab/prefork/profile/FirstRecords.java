package dev.preforklab.prefork.profile;

import java.util.ArrayList;
import java.util.List;

/**
 * The records of an endpoint's first request in a process that has served others. Two endpoints may
 * share objects that whichever is served first makes and keeps for both; so a record fits a worker
 * that has served the same ones of those.
 */
final class FirstRecords {
  private final List<CompiledRequest> records = new ArrayList<>();

  void add(CompiledRequest record) {
    records.add(record);
  }

  boolean isEmpty() {
    return records.isEmpty();
  }

  /**
   * The record that has the fewest objects too many or too few in a worker; the first of those.
   *
   * @param served by endpoint: whether the worker has served it
   */
  CompiledRequest in(boolean[] served) {
    CompiledRequest best = records.get(0);
    long fewest = Long.MAX_VALUE;
    for (CompiledRequest record : records) {
      long objects = 0;
      for (CompiledRequest any : records) {
        int[] shared = any.trace.preceding.shared();
        for (int i = 0; i < shared.length; i += 2) {
          boolean differs = served[shared[i]] != record.trace.preceding.includes(shared[i]);
          objects += differs ? shared[i + 1] : 0;
        }
      }
      if (objects < fewest) {
        fewest = objects;
        best = record;
      }
    }
    return best;
  }
}
