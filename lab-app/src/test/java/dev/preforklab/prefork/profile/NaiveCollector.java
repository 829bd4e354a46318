package dev.preforklab.prefork.profile;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A collector of a {@link RandomLoad} that knows each object: three lists of them, walked. */
final class NaiveCollector {
  /**
   * Free lists as lengths; the first, number 0, is none. And the thresholds up to an object, from
   * which on the application's hold.
   */
  @SuppressWarnings("ArrayRecordComponent") // the test's own
  record Lists(int[] lengths, int[] limits, int[] thresholds, int applicationAt) {
    boolean take(int list) {
      boolean there = lengths[list] > 0;
      lengths[list] -= there ? 1 : 0;
      return there;
    }

    boolean put(int list) {
      boolean room = lengths[list] < limits[list];
      lengths[list] += room ? 1 : 0;
      return room;
    }
  }

  /**
   * Objects of the interpreter's own: those that stay on the lists, those that a collection of
   * generation 1 or 2 takes off and those that only a full one does.
   */
  private static final int OWN = -1;

  private static final int OWN_TUPLE = -2;
  private static final int OWN_DICT = -3;

  private final RandomLoad load;
  private final List<List<Integer>> generations =
      List.of(new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
  private final int[] counts;
  private final long[][] stats = new long[3][3];

  /** The last object that the last collection, and the last one of generation 1 or 2, saw. */
  private final int[] boundary = {-1, -1};

  private long total;
  private long pending;

  /** Objects on none of the generations that a collection has freed. */
  private final boolean[] gone;

  /** Lost, and not freed yet. */
  private final boolean[] waiting;

  /** On the lists in a collection. */
  private final boolean[] seen;

  private final @Nullable Lists lists;

  private boolean due;

  NaiveCollector(
      RandomLoad load,
      int[] thresholds,
      int[] counts,
      int[] sizes,
      int[] untracked,
      long total,
      long pending,
      @Nullable Lists lists) {
    this.lists = lists;
    this.load = load;
    gone = new boolean[load.objects];
    waiting = new boolean[load.objects];
    seen = new boolean[load.objects];
    this.counts = counts.clone();
    this.total = total;
    this.pending = pending;
    for (int generation = 0; generation < 3; generation++) {
      generations.get(generation).addAll(Collections.nCopies(sizes[generation], OWN));
    }
    Collections.fill(generations.get(1).subList(0, untracked[0]), OWN_TUPLE);
    Collections.fill(generations.get(2).subList(0, untracked[1]), OWN_DICT);
    for (int now = 0; now <= load.objects; now++) {
      boolean listed = now < load.objects && load.listed[now];
      if (listed && lists == null) {
        generations.get(0).add(now);
      }
      List<Integer> ended = new ArrayList<>();
      for (int k = 0; k < load.objects; k++) {
        if (load.ends[k] == now) {
          ended.add(k);
        }
      }
      int[] inForce = lists != null && now < lists.applicationAt ? lists.thresholds : thresholds;
      int check = now < load.checks.length ? load.checks[now] : -1;
      // those of one step are not told apart: where half of them have ended, all of them have
      boolean checkedBefore = check >= 0 && 2 * check < ended.size();
      if (!checkedBefore) {
        generations.forEach(generation -> generation.removeAll(ended));
      }
      boolean made = now < load.objects;
      if (lists == null) {
        this.counts[0] = Math.max(0, this.counts[0] + (made ? 1 : 0) - ended.size());
        if (this.counts[0] > thresholds[0]) {
          collect(thresholds, now);
        }
        continue;
      }
      for (int k : ended) {
        if (check-- == 0) {
          collectWhatIsDue(inForce, now - 1);
        }
        if (!lists.put(load.list[k])) {
          this.counts[0] = Math.max(0, this.counts[0] - 1);
        }
      }
      if (check >= 0) {
        collectWhatIsDue(inForce, now - 1);
      }
      generations.forEach(generation -> generation.removeAll(ended));
      if (made && !lists.take(load.list[now]) && ++this.counts[0] > inForce[0]) {
        due = load.checks.length > 0;
        if (!due) {
          collect(inForce, now - 1); // the one in the making is on no list yet
        }
      }
      if (listed || (made && load.nested[now] == 1)) {
        generations.get(0).add(now);
      }
      lose(now + 1);
    }
  }

  /** From the oldest generation on that is above its threshold; none may be any more. */
  private void collectWhatIsDue(int[] thresholds, int now) {
    if (due && (oldest(thresholds) > 0 || counts[0] > thresholds[0])) {
      collect(thresholds, now);
    }
    due = false;
  }

  /** What is garbage as soon as so many objects have been made. */
  private void lose(int objects) {
    for (int k = 0; k < load.objects; k++) {
      if (load.lost[k] != objects) {
        continue;
      }
      boolean alone = load.atOnce[k];
      for (int other = 0; other < load.objects; other++) {
        alone &= other == k || !waiting[other] || load.holder[other] != load.holder[k];
      }
      waiting[k] = !alone;
      if (alone) {
        gone[k] = true;
        int freed = k;
        generations.forEach(generation -> generation.remove((Integer) freed));
        if (lists != null && !lists.put(load.list[k])) {
          counts[0] = Math.max(0, counts[0] - 1);
        }
      }
    }
  }

  private int oldest(int[] thresholds) {
    if (counts[2] > thresholds[2] && !(pending < total / 4)) {
      return 2;
    }
    return counts[1] > thresholds[1] ? 1 : 0;
  }

  private void collect(int[] thresholds, int now) {
    int oldest = oldest(thresholds);
    List<Integer> found = new ArrayList<>();
    for (int generation = oldest; generation >= 0; generation--) {
      found.addAll(generations.get(generation));
      generations.get(generation).clear();
      counts[generation] = 0;
    }
    if (oldest < 2) {
      counts[oldest + 1]++;
    }
    List<Integer> garbage = new ArrayList<>();
    for (int k : found) {
      if (k >= 0 && isFreed(k, oldest, now)) {
        garbage.add(k);
      }
    }
    stats[oldest][0]++;
    long unseen = garbage.stream().filter(k -> !isFound(k, oldest)).count();
    stats[oldest][1] += garbage.size() - unseen;
    found.removeAll(garbage);
    for (List<Integer> older : generations.subList(oldest + 1, generations.size())) {
      // freed with younger garbage that alone refers to it, and not found
      List<Integer> along = older.stream().filter(k -> k >= 0 && isFreed(k, oldest, now)).toList();
      older.removeAll(along);
      garbage.addAll(along);
    }
    if (oldest >= 1) {
      found.removeIf(k -> k == OWN_TUPLE);
    }
    found.removeIf(k -> k >= 0 && load.nested[k] == 1 && seen[k]);
    found.stream().filter(k -> k >= 0).forEach(k -> seen[k] = true);
    if (oldest == 2) {
      found.removeIf(k -> k == OWN_DICT || (k >= 0 && load.dicts[k] == 1));
    }
    for (int k = 0; k < Math.min(now + 1, load.objects); k++) {
      if (!load.listed[k] && !gone[k] && isFreed(k, oldest, now)) {
        gone[k] = true;
        garbage.add(k);
        // taken off the lists by the first collection that it survives
        stats[oldest][1] += isFound(k, oldest) && isYounger(k, 0) ? 1 : 0;
      }
    }
    garbage.forEach(k -> waiting[k] = false);
    if (lists != null) {
      garbage.forEach(k -> lists.put(load.list[k]));
      if (oldest == 2) {
        Arrays.fill(lists.lengths(), 0);
      }
    }
    generations.get(Math.min(oldest + 1, 2)).addAll(found);
    if (oldest == 1) {
      pending += found.size() + unseen;
    } else if (oldest == 2) {
      pending = 0;
      total = found.size() + unseen;
    }
    boundary[0] = now;
    if (oldest >= 1) {
      boundary[1] = now;
    }
  }

  /** What leads to it is looked at too, or has been left behind in an older generation. */
  private boolean isFreed(int k, int oldest, int now) {
    return !gone[k]
        && load.lost[k] <= (lists == null ? now : now + 1)
        && (oldest == 2 || isYounger(load.holder[k], oldest));
  }

  /** Nothing refers to it that is not looked at, so that it is not taken to be in use. */
  private boolean isFound(int k, int oldest) {
    boolean seen = oldest == 2 || (isYounger(k, oldest) && isYounger(load.leader[k], oldest));
    return seen && !load.along[k];
  }

  private boolean isYounger(int object, int generation) {
    return object > boundary[generation];
  }

  private long reachable(int generation) {
    return generations.get(generation).stream()
        .filter(k -> k < 0 || (load.lost[k] > load.objects && load.nested[k] == 0))
        .count();
  }

  String describe() {
    return Arrays.toString(counts)
        + " collections and collected "
        + Arrays.deepToString(stats)
        + " total "
        + total
        + " pending "
        + pending
        + " young "
        + reachable(0)
        + " middle "
        + reachable(1);
  }
}
