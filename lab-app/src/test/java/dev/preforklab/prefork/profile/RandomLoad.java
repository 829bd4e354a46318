package dev.preforklab.prefork.profile;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.IntStream;

/** Lives of objects: each ends, or is lost as garbage, after a later one has been made. */
final class RandomLoad {
  final int objects;

  /** Objects that have been made when this one ends; objects + 1 if it does not. */
  final int[] ends;

  /** The same for when it is garbage. */
  final int[] lost;

  final int[] holder;

  /** What leads to it, but need not be looked at for it to go; else as the holder. */
  final int[] leader;

  final boolean[] listed;

  /** Freed along with garbage, itself not found. */
  final boolean[] along;

  /** Number of the free list. */
  final int[] list;

  /** Lasting objects that full collections take off the lists: 1, by number. */
  final int[] dicts;

  /** Lasting objects that the second collection which looks at them takes off: 1, by number. */
  final int[] nested;

  /** Garbage that goes at once if nothing else waits for its holder. */
  final boolean[] atOnce;

  /**
   * By objects made: after how many ends from there on the eval breaker is looked at, -1 if it is
   * not before the next object; empty if collections do not wait for that.
   */
  int[] checks = {};

  RandomLoad(Random random, int objects) {
    this.objects = objects;
    nested = new int[objects + 1];
    atOnce = new boolean[objects];
    ends = new int[objects];
    lost = new int[objects];
    holder = new int[objects];
    leader = new int[objects];
    listed = new boolean[objects];
    list = new int[objects];
    along = new boolean[objects];
    dicts = new int[objects + 1];
    for (int k = 0; k < objects; k++) {
      ends[k] = objects + 1;
      lost[k] = objects + 1;
      listed[k] = true;
      holder[k] = k;
      int later = k + 1 + random.nextInt(1 + random.nextInt(500));
      switch (random.nextInt(4)) {
        case 0, 1 -> ends[k] = later;
        case 2 -> {
          lost[k] = later;
          boolean withYounger = random.nextInt(3) == 0;
          holder[k] =
              withYounger
                  ? k + random.nextInt(later - k)
                  : k - random.nextInt(Math.min(k, 200) + 1);
        }
        default -> listed[k] = random.nextInt(3) > 0;
      }
    }
    for (int k = 0; k < objects; k++) {
      list[k] = random.nextInt(3);
      leader[k] = holder[k];
    }
  }

  /** Some objects never listed, some garbage freed along with other; only with events. */
  RandomLoad withFlags(Random random) {
    for (int k = 0; k < objects; k++) {
      listed[k] &= random.nextInt(4) > 0;
      along[k] = random.nextInt(5) == 0;
      atOnce[k] = lost[k] <= objects && random.nextInt(3) == 0;
      int other = k - 1 - random.nextInt(20);
      if (atOnce[k] && other >= 0 && lost[other] <= lost[k] && random.nextBoolean()) {
        holder[k] = holder[other];
        leader[k] = holder[k];
      }
      leader[k] -= random.nextInt(3) == 0 ? random.nextInt(Math.min(leader[k], 300) + 1) : 0;
      boolean lasts = ends[k] > objects && lost[k] > objects;
      dicts[k] = lasts && listed[k] && random.nextInt(3) == 0 ? 1 : 0;
      nested[k] = lasts && !listed[k] && random.nextInt(2) == 0 ? 1 : 0;
    }
    return this;
  }

  /** Where collections that are due come; at once, if they do not wait. */
  void withChecks(Random random, boolean waiting) {
    checks = new int[waiting ? objects + 1 : 0];
    for (int now = 0; now < checks.length; now++) {
      checks[now] = now > 0 && now < objects && random.nextInt(3) > 0 ? random.nextInt(3) : -1;
    }
  }

  private int[] checked() {
    return IntStream.range(0, checks.length).filter(now -> checks[now] >= 0).toArray();
  }

  int[] checkAfter() {
    int[] at = checked();
    return IntStream.range(0, at.length).map(i -> at[i] - (i == 0 ? 0 : at[i - 1])).toArray();
  }

  int[] checkEnds() {
    return Arrays.stream(checked()).map(now -> checks[now]).toArray();
  }

  String events() {
    StringBuilder out = new StringBuilder();
    for (int now = 0; now <= objects; now++) {
      for (int k = 0; k < objects; k++) {
        if (ends[k] == now) {
          out.append((char) ('A' + list[k]));
        }
      }
      if (now < objects) {
        out.append((char) ('a' + list[now]));
      }
    }
    return out.toString();
  }

  private int number(int k) {
    return list[k] + (along[k] ? 32 : 0) + (listed[k] ? 0 : 64) + (atOnce[k] ? 128 : 0);
  }

  /** As the capture writes it. */
  LoadLosses losses(boolean lists) {
    List<int[]> rows = new ArrayList<>();
    int last = 0;
    for (int now = 0; now <= objects; now++) {
      for (int k = 0; k < objects; k++) {
        if (lost[k] == now) {
          rows.add(
              new int[] {
                now - last, now - k, now - holder[k], holder[k] - leader[k], lists ? number(k) : 0
              });
          last = now;
        }
      }
    }
    int[][] columns = new int[6][rows.size()];
    for (int row = 0; row < rows.size(); row++) {
      for (int column = 0; column < 5; column++) {
        columns[column][row] = rows.get(row)[column];
      }
      columns[5][row] = 1;
    }
    return LoadLosses.exact(
        objects, columns[0], columns[1], columns[2], columns[3], columns[4], columns[5]);
  }

  /**
   * As the capture writes it, with steps of one object.
   *
   * @param lists whether it is told what is never listed
   */
  LoadLives lives(boolean lists) {
    int[] unlisted = new int[objects + 1];
    int[] rows = new int[objects + 1];
    List<Integer> out = new ArrayList<>();
    List<Integer> ended = new ArrayList<>();
    for (int now = 0; now <= objects; now++) {
      unlisted[now] = now < objects && !listed[now] ? 1 : 0;
      TreeMap<Integer, Integer> ages = new TreeMap<>();
      for (int k = 0; k < objects; k++) {
        if (ends[k] == now && (listed[k] || !lists)) {
          ages.merge(now - k, 1, Integer::sum);
        }
      }
      rows[now] = ages.size();
      out.addAll(ages.keySet());
      ended.addAll(ages.values());
    }
    return new LoadLives(
        objects,
        1,
        new LoadLives.Columns(
            unlisted,
            lists ? dicts : new int[0],
            lists ? nested : new int[0],
            rows,
            out.stream().mapToInt(Integer::intValue).toArray(),
            ended.stream().mapToInt(Integer::intValue).toArray()));
  }
}
