package dev.preforklab.prefork.profile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The replay of a load: against real loads, and against a collector that knows each object. */
class LoadHistoryTest {
  private static final long[][] NO_STATS = {{0, 0, 0}, {0, 0, 0}, {0, 0, 0}};

  /**
   * The Django site, loaded by a real CPython 3.11.2 under these thresholds: collections of each
   * generation, count of generation 1. (When exactly the full collections come hangs by a few
   * objects: the same real load from another directory had its last one 24 collections of
   * generation 1 earlier.)
   */
  @ParameterizedTest(name = "{0} {1} {2}")
  @CsvSource({
    "200, 5, 5, 885, 147, 13, 1",
    "50000, 50, 1000, 11, 0, 0, 11",
    "100, 5, 5, 1813, 301, 15, 5",
    "1000, 20, 20, 195, 9, 0, 6",
    "300, 3, 2, 548, 135, 14, 4",
    "5000, 10, 10, 42, 3, 0, 9",
    "50, 1, 1, 2926, 1460, 20, 0",
    "700, 2, 100, 221, 72, 0, 0",
    "10000, 50, 50, 26, 0, 0, 26",
    "2000, 5, 0, 86, 13, 7, 6"
  })
  void collectsAsInARealLoad(int t0, int t1, int t2, int gen0, int gen1, int gen2, int count1) {
    Path file = Path.of("..", "profiles", "django-site.profile.gz");
    assumeTrue(Files.exists(file), "skipped: no " + file);
    Profile loaded = ProfileReader.read(file).loadedUnder(new int[] {t0, t1, t2});
    Profile.GcFacts gc = loaded.gc();
    SoftAssertions soft = new SoftAssertions();
    double[] real = {gen0, gen1, gen2};
    for (int generation = 0; generation < 3; generation++) {
      soft.assertThat((double) gc.stats()[generation][0])
          .as("collections of generation " + generation)
          .isCloseTo(real[generation], within(Math.max(2, 0.08 * real[generation])));
    }
    if (t0 >= 1000) {
      // with lower thresholds a count is a matter of chance
      soft.assertThat(gc.counts()[1]).as("count of generation 1").isCloseTo(count1, within(4));
    }
    soft.assertThat(gc.thresholds()).containsExactly(t0, t1, t2);
    soft.assertThat(gc.counts()[0]).isBetween(0, t0);
    soft.assertAll();
  }

  /**
   * What the capture found under the release's own thresholds, of which the replay knows nothing.
   */
  @Test
  void findsTheCapturedGenerationsAgain() {
    Path file = Path.of("..", "profiles", "django-site.profile.gz");
    assumeTrue(Files.exists(file), "skipped: no " + file);
    Profile captured = ProfileReader.read(file);
    // one more than captured, so that it is replayed
    Profile replayed = captured.loadedUnder(new int[] {701, 10, 10});
    assertThat(replayed.gc().stats()[2][0]).isEqualTo(captured.gc().stats()[2][0]);
    assertThat(replayed.gc().stats()[1][0]).isEqualTo(captured.gc().stats()[1][0]);
    assertThat(replayed.gc().stats()[0][0]).isCloseTo(captured.gc().stats()[0][0], within(8L));
    assertThat(replayed.gc().longLivedTotal())
        .isCloseTo(captured.gc().longLivedTotal(), within(2000L));
    assertThat(replayed.gc().longLivedPending())
        .isCloseTo(captured.gc().longLivedPending(), within(1000L));
  }

  @ParameterizedTest
  @ValueSource(strings = {"700,10,10", "0,10,10", "0,0,0"})
  void leavesTheCapturedHeapWhereNothingDiffers(String thresholds) {
    Path file = Path.of("..", "profiles", "django-site.profile.gz");
    assumeTrue(Files.exists(file), "skipped: no " + file);
    Profile captured = ProfileReader.read(file);
    int[] wanted = Arrays.stream(thresholds.split(",")).mapToInt(Integer::parseInt).toArray();
    assertThat(captured.loadedUnder(wanted)).isSameAs(captured);
  }

  /** Steps of one object: nothing is rounded, so both must agree in everything. */
  @RepeatedTest(40)
  void agreesWithACollectorThatKnowsEachObject(RepetitionInfo repetition) {
    long seed = Long.getLong("property.seed", 1000L + repetition.getCurrentRepetition());
    Random random = new Random(seed);
    RandomLoad load = new RandomLoad(random, 3000);
    int[] thresholds = {1 + random.nextInt(60), random.nextInt(6), random.nextInt(6)};
    int[] counts = {random.nextInt(2), random.nextInt(5), random.nextInt(5)};
    int[] sizes = {random.nextInt(30), random.nextInt(100), random.nextInt(300)};
    Profile.GcFacts start =
        new Profile.GcFacts(true, new int[] {700, 10, 10}, counts, 50, 20, NO_STATS, 0);
    LoadHistory.Outcome outcome =
        new LoadHistory(load.objects, 1, start, sizes, load.stream()).under(thresholds);
    NaiveCollector naive = new NaiveCollector(load, thresholds, counts, sizes, 50, 20);
    assertThat(describe(outcome)).as("seed " + seed).isEqualTo(naive.describe());
  }

  private static String describe(LoadHistory.Outcome outcome) {
    Profile.GcFacts gc = outcome.gc();
    return Arrays.toString(gc.counts())
        + " collections and collected "
        + Arrays.deepToString(gc.stats())
        + " total "
        + gc.longLivedTotal()
        + " pending "
        + gc.longLivedPending()
        + " young "
        + outcome.youngest()
        + " middle "
        + outcome.middle();
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource({
    "'0,0,0', ends too early",
    "'0,0,0,0,0,0,7', does not end with its last step",
    "'2,0,0,0,0,0', number 1 of the stream",
    "'0,1,2,1,0,0,0,0', number 3 of the stream",
    "'0,0,1,1,0,1,0,0,0', number 4 of the stream"
  })
  void refusesAStreamThatContradictsItself(String stream, String message) {
    int[] numbers = Arrays.stream(stream.split(",")).mapToInt(Integer::parseInt).toArray();
    Profile.GcFacts start = new Profile.GcFacts(true, new int[3], new int[3], 0, 0, NO_STATS, 0);
    assertThatThrownBy(() -> new LoadHistory(1, 1, start, new int[3], numbers))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
  }

  /** Lives of objects: each ends, or is lost as garbage, after a later one has been made. */
  private static final class RandomLoad {
    final int objects;

    /** Objects that have been made when this one ends; objects + 1 if it does not. */
    final int[] ends;

    /** The same for when it is garbage. */
    final int[] lost;

    final int[] holder;
    final boolean[] listed;

    RandomLoad(Random random, int objects) {
      this.objects = objects;
      ends = new int[objects];
      lost = new int[objects];
      holder = new int[objects];
      listed = new boolean[objects];
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
            holder[k] = k - random.nextInt(Math.min(k, 200) + 1);
          }
          default -> listed[k] = random.nextInt(3) > 0;
        }
      }
    }

    /** As the capture writes it, with steps of one object. */
    int[] stream() {
      List<Integer> out = new ArrayList<>();
      for (int now = 0; now <= objects; now++) {
        out.add(now < objects && !listed[now] ? 1 : 0);
        TreeMap<Integer, Integer> ages = new TreeMap<>();
        List<int[]> garbage = new ArrayList<>();
        for (int k = 0; k < objects; k++) {
          if (ends[k] == now) {
            ages.merge(now - k, 1, Integer::sum);
          }
          if (lost[k] == now) {
            garbage.add(new int[] {now - k, now - holder[k], 1});
          }
        }
        out.add(ages.size());
        ages.forEach(
            (age, n) -> {
              out.add(age);
              out.add(n);
            });
        out.add(garbage.size());
        garbage.forEach(triple -> Arrays.stream(triple).forEach(out::add));
      }
      return out.stream().mapToInt(Integer::intValue).toArray();
    }
  }

  /** Three lists of objects, walked. */
  private static final class NaiveCollector {
    private final RandomLoad load;
    private final List<List<Integer>> generations =
        List.of(new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
    private final int[] counts;
    private final long[][] stats = new long[3][3];

    /** The last object that the last collection, and the last one of generation 1 or 2, saw. */
    private final int[] boundary = {-1, -1};

    private long total;
    private long pending;

    NaiveCollector(
        RandomLoad load, int[] thresholds, int[] counts, int[] sizes, long total, long pending) {
      this.load = load;
      this.counts = counts.clone();
      this.total = total;
      this.pending = pending;
      for (int generation = 0; generation < 3; generation++) {
        for (int k = 0; k < sizes[generation]; k++) {
          generations.get(generation).add(-1);
        }
      }
      for (int now = 0; now <= load.objects; now++) {
        if (now < load.objects) {
          this.counts[0]++;
          if (load.listed[now]) {
            generations.get(0).add(now);
          }
        }
        for (int k = 0; k < load.objects; k++) {
          if (load.ends[k] == now) {
            this.counts[0]--;
            Integer ended = k;
            generations.forEach(list -> list.remove(ended));
          }
        }
        this.counts[0] = Math.max(0, this.counts[0]);
        if (this.counts[0] > thresholds[0]) {
          collect(thresholds, now);
        }
      }
    }

    private void collect(int[] thresholds, int now) {
      int oldest = 0;
      if (counts[1] > thresholds[1]) {
        oldest = 1;
      }
      if (counts[2] > thresholds[2] && !(pending < total / 4)) {
        oldest = 2;
      }
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
        // what leads to it is looked at too, or has been left behind in an older generation
        if (k >= 0 && load.lost[k] <= now && (oldest == 2 || isYounger(load.holder[k], oldest))) {
          garbage.add(k);
        }
      }
      stats[oldest][0]++;
      stats[oldest][1] += garbage.size();
      found.removeAll(garbage);
      generations.get(Math.min(oldest + 1, 2)).addAll(found);
      if (oldest == 1) {
        pending += found.size();
      } else if (oldest == 2) {
        pending = 0;
        total = found.size();
      }
      boundary[0] = now;
      if (oldest >= 1) {
        boundary[1] = now;
      }
    }

    private boolean isYounger(int object, int generation) {
      return object > boundary[generation];
    }

    private long reachable(int generation) {
      return generations.get(generation).stream()
          .filter(k -> k < 0 || load.lost[k] > load.objects)
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
}
