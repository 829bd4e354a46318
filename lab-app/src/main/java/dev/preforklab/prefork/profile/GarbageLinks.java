package dev.preforklab.prefork.profile;

/**
 * How a request's garbage groups become cycles: each group's collectable objects refer to the next
 * one in a ring and, with what room they have left, to the other blocks of the group; those of
 * these that have room own what is left. So nothing but the collector frees them.
 */
final class GarbageLinks {
  /**
   * Records of [ordinal, number of references, ordinals referred to...], group by group. The first
   * reference goes to the next in the ring, but that of an object which is in none (its ordinal is
   * complemented).
   */
  final int[] records;

  /** Those of group g are at {@code [groupStart[g]..groupStart[g+1])}. */
  final int[] groupStart;

  /** Ordinals that no object has room to own; they die in the worker's next request. */
  final int[] homeless;

  private GarbageLinks(int[] records, int[] groupStart, int[] homeless) {
    this.records = records;
    this.groupStart = groupStart;
    this.homeless = homeless;
  }

  /**
   * Distributes the references of a trace's garbage.
   *
   * @param headBytes bytes of a GC head and an object head together
   */
  static GarbageLinks of(RequestTrace trace, int headBytes) {
    int[] allocating = trace.allocationEvents();
    IntArray records = new IntArray(64);
    IntArray homeless = new IntArray(8);
    IntArray owned = new IntArray(16);
    int[] groupStart = new int[trace.garbage.groups() + 1];
    for (int group = 0; group < trace.garbage.groups(); group++) {
      link(trace, group, allocating, headBytes, records, owned, homeless);
      groupStart[group + 1] = records.size();
    }
    addAll(owned, 0, homeless);
    return new GarbageLinks(records.toArray(), groupStart, homeless.toArray());
  }

  /**
   * @param owned what groups before had no ring for: a tuple that is in no cycle, but older than
   *     all that leads to it; has what this one has no ring for afterwards
   */
  private static void link(
      RequestTrace trace,
      int group,
      int[] allocating,
      int headBytes,
      IntArray records,
      IntArray owned,
      IntArray homeless) {
    IntArray ring = new IntArray(16);
    for (int i = trace.garbage.gcStart()[group]; i < trace.garbage.gcStart()[group + 1]; i++) {
      int ordinal = trace.garbage.gc()[i];
      boolean holds =
          !trace.blocks.atomic()[ordinal] && room(allocating[ordinal] >>> 2, headBytes) > 0;
      (holds ? ring : owned).add(ordinal);
    }
    for (int i = trace.garbage.ownedStart()[group];
        i < trace.garbage.ownedStart()[group + 1];
        i++) {
      owned.add(trace.garbage.owned()[i]);
    }
    if (ring.size() == 0) {
      return;
    }
    int next = 0;
    int members = ring.size();
    for (int i = 0; i < members; i++) {
      int ordinal = ring.get(i);
      // an even share, so that no object owns the whole group
      int share = (owned.size() - next + members - i - 1) / (members - i);
      int references = 1 + Math.min(share, room(allocating[ordinal] >>> 2, headBytes) - 1);
      records.add(ordinal);
      records.add(references);
      records.add(ring.get((i + 1) % members));
      for (int k = 1; k < references; k++) {
        records.add(owned.get(next++));
      }
    }
    for (int owner = 0; owner < next && next < owned.size(); owner++) {
      int ordinal = owned.get(owner);
      if (trace.blocks.domain()[ordinal] == RequestTrace.GC) {
        int references = Math.min(owned.size() - next, room(allocating[ordinal] >>> 2, headBytes));
        records.add(~ordinal);
        records.add(references);
        for (int k = 0; k < references; k++) {
          records.add(owned.get(next++));
        }
      }
    }
    addAll(owned, next, homeless);
    owned.clear();
  }

  private static void addAll(IntArray from, int begin, IntArray to) {
    for (int i = begin; i < from.size(); i++) {
      to.add(from.get(i));
    }
  }

  private static int room(int bytes, int headBytes) {
    return Math.min(ReplayTypes.REFERENCES_MAX, (bytes - headBytes) / 8);
  }
}
