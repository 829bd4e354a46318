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
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The replay of a load: against real loads, and against a collector that knows each object. */
@Execution(ExecutionMode.CONCURRENT)
class LoadHistoryTest {
  private static final long[][] NO_STATS = {{0, 0, 0}, {0, 0, 0}, {0, 0, 0}};

  /**
   * The Django site, loaded by a real CPython 3.11.2 under these thresholds: collections of each
   * generation, {@code long_lived_total} and {@code long_lived_pending}. With the lowest thresholds
   * two collections of generation 1 fewer, out of a hundred and seventy, move the full ones that
   * follow; for these the last two are not given.
   */
  @ParameterizedTest(name = "{0} {1} {2}")
  @CsvSource({
    "100, 10, 10, 1937, 176, 11, -1, -1",
    "200, 5, 5, 884, 146, 12, 67963, 16883",
    "300, 5, 10, 586, 97, 8, 83078, 2106",
    "350, 10, 10, 535, 48, 4, 75768, 8424",
    "500, 20, 50, 390, 18, 0, 0, 99293",
    "700, 3, 2, 227, 55, 10, 75468, 8762",
    "701, 10, 10, 266, 24, 2, 76441, 8424",
    "1000, 5, 5, 176, 28, 4, 68255, 14013",
    "2000, 20, 5, 99, 4, 0, 0, 72170",
    "5000, 10, 10, 42, 3, 0, 0, 63382",
    "10000, 2, 2, 20, 5, 1, 54353, 33897"
  })
  void collectsAsInARealLoad(
      int t0, int t1, int t2, int gen0, int gen1, int gen2, int total, int pending) {
    Path file = Path.of("..", "profiles", "django-site.profile.gz");
    assumeTrue(Files.exists(file), "skipped: no " + file);
    Profile loaded = ProfileReader.read(file).loadedUnder(new int[] {t0, t1, t2});
    Profile.GcFacts gc = loaded.gc();
    SoftAssertions soft = new SoftAssertions();
    double[] real = {gen0, gen1, gen2};
    for (int generation = 0; generation < 3; generation++) {
      soft.assertThat((double) gc.stats()[generation][0])
          .as("collections of generation " + generation)
          .isCloseTo(
              real[generation], within(Math.max(generation == 2 ? 1 : 2, 0.01 * real[generation])));
    }
    if (total >= 0) {
      soft.assertThat(gc.longLivedTotal()).as("total").isCloseTo(total, within(600L));
      soft.assertThat(gc.longLivedPending()).as("pending").isCloseTo(pending, within(500L));
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
    assertThat(replayed.gc().stats()[0][0]).isCloseTo(captured.gc().stats()[0][0], within(1L));
    assertThat(replayed.gc().longLivedTotal())
        .isCloseTo(captured.gc().longLivedTotal(), within(500L));
    assertThat(replayed.gc().longLivedPending())
        .isCloseTo(captured.gc().longLivedPending(), within(100L));
  }

  /** Two tuples with each other in them, and one with a string: a collection will untrack that. */
  @ParameterizedTest(name = "youngest {0}, middle {1}")
  @CsvSource({"1, 1, 1 2, 0, ''", "2, 0, 0 1 2, '', ''", "0, 1, '', 1, 0", "0, 9, '', 0 1, ''"})
  void onlyTheYoungestGenerationHasTuplesToBeUntracked(
      int youngest, int middle, String first, String second, String third, @TempDir Path files) {
    SmallProfile small = new SmallProfile().edit("{\"prefork", "\"list\"", "\"tuple\"");
    HeapImage heap = ProfileReader.read(small.write(files.resolve("small.profile.gz"))).heap;
    HeapImage moved = heap.collectedAtOtherTimes(youngest, middle, new boolean[] {true, false});
    String[] expected = {first, second, third};
    for (int generation = 0; generation < 3; generation++) {
      int[] objects =
          Arrays.stream(expected[generation].split(" "))
              .filter(o -> !o.isEmpty())
              .mapToInt(Integer::parseInt)
              .toArray();
      assertThat(moved.generations[generation]).containsExactly(objects);
    }
    assertThat(moved.flag[2])
        .isEqualTo(first.endsWith("2") ? HeapImage.TRACKED : HeapImage.UNTRACKED);
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
        new LoadHistory(load.objects, 1, start, sizes, load.stream(), LoadEvents.NONE, new int[0])
            .under(thresholds, new int[RequestTrace.FREE_LISTS_MAX + 1]);
    NaiveCollector naive = new NaiveCollector(load, thresholds, counts, sizes, 50, 20, null);
    assertThat(describe(outcome)).as("seed " + seed).isEqualTo(naive.describe());
  }

  /** The same with single events and free lists, which collections fill and full ones empty. */
  @RepeatedTest(40)
  void agreesWithACollectorThatKnowsTheFreeLists(RepetitionInfo repetition) {
    long seed = Long.getLong("property.seed", 2000L + repetition.getCurrentRepetition());
    Random random = new Random(seed);
    RandomLoad load = new RandomLoad(random, 3000).withFlags(random);
    int[] thresholds = {1 + random.nextInt(60), random.nextInt(6), random.nextInt(6)};
    int[] counts = {random.nextInt(2), random.nextInt(5), random.nextInt(5)};
    int[] sizes = {random.nextInt(30), random.nextInt(100), random.nextInt(300)};
    Profile.GcFacts start =
        new Profile.GcFacts(true, new int[] {700, 10, 10}, counts, 50, 20, NO_STATS, 0);
    int[] limits = new int[RequestTrace.FREE_LISTS_MAX + 1];
    limits[1] = 5;
    limits[2] = 20;
    LoadEvents events = new LoadEvents(load.events(), load.objects, 1, new int[] {1, 3, 2, 7});
    LoadHistory.Outcome outcome =
        new LoadHistory(load.objects, 1, start, sizes, load.streamWithLists(), events, load.dicts)
            .under(thresholds, limits);
    NaiveCollector naive =
        new NaiveCollector(
            load,
            thresholds,
            counts,
            sizes,
            50,
            20,
            new NaiveLists(new int[] {0, 3, 7}, new int[] {0, 5, 20}));
    assertThat(describe(outcome)).as("seed " + seed).isEqualTo(naive.describe());
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource({"'a[', letter 2", "'aZ', letter 2", "'aaA', makes 2 objects"})
  void refusesEventsThatContradictThemselves(String events, String message) {
    assertThatThrownBy(() -> new LoadEvents(events, 1, 1, new int[0]))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
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
    assertThatThrownBy(
            () -> new LoadHistory(1, 1, start, new int[3], numbers, LoadEvents.NONE, new int[0]))
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

    /** Freed along with garbage, itself not found. */
    final boolean[] along;

    /** Number of the free list. */
    final int[] list;

    /** Lasting objects that full collections take off the lists: 1, by number. */
    final int[] dicts;

    RandomLoad(Random random, int objects) {
      this.objects = objects;
      ends = new int[objects];
      lost = new int[objects];
      holder = new int[objects];
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
            holder[k] = k - random.nextInt(Math.min(k, 200) + 1);
          }
          default -> listed[k] = random.nextInt(3) > 0;
        }
      }
      for (int k = 0; k < objects; k++) {
        list[k] = random.nextInt(3);
      }
    }

    /** Some objects never listed, some garbage freed along with other; only with events. */
    RandomLoad withFlags(Random random) {
      for (int k = 0; k < objects; k++) {
        listed[k] &= random.nextInt(4) > 0;
        along[k] = random.nextInt(5) == 0;
        boolean lasts = ends[k] > objects && lost[k] > objects;
        dicts[k] = lasts && listed[k] && random.nextInt(3) == 0 ? 1 : 0;
      }
      return this;
    }

    String events() {
      StringBuilder out = new StringBuilder();
      for (int now = 0; now <= objects; now++) {
        if (now < objects) {
          out.append((char) ('a' + list[now]));
        }
        for (int k = 0; k < objects; k++) {
          if (ends[k] == now) {
            out.append((char) ('A' + list[k]));
          }
        }
      }
      return out.toString();
    }

    private int number(int k) {
      return list[k] + (along[k] ? 32 : 0) + (listed[k] ? 0 : 64);
    }

    int[] stream() {
      return stream(false);
    }

    int[] streamWithLists() {
      return stream(true);
    }

    /** As the capture writes it, with steps of one object. */
    private int[] stream(boolean lists) {
      List<Integer> out = new ArrayList<>();
      for (int now = 0; now <= objects; now++) {
        out.add(now < objects && !listed[now] ? 1 : 0);
        TreeMap<Integer, Integer> ages = new TreeMap<>();
        List<int[]> garbage = new ArrayList<>();
        for (int k = 0; k < objects; k++) {
          if (ends[k] == now && (listed[k] || !lists)) {
            ages.merge(now - k, 1, Integer::sum);
          }
          if (lost[k] == now) {
            garbage.add(
                lists
                    ? new int[] {now - k, now - holder[k], number(k), 1}
                    : new int[] {now - k, now - holder[k], 1});
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

  /** Free lists as lengths; the first, number 0, is none. */
  @SuppressWarnings("ArrayRecordComponent") // the test's own
  private record NaiveLists(int[] lengths, int[] limits) {
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

    /** Objects on none of the generations that a collection has freed. */
    private final boolean[] gone;

    private final @Nullable NaiveLists lists;

    NaiveCollector(
        RandomLoad load,
        int[] thresholds,
        int[] counts,
        int[] sizes,
        long total,
        long pending,
        @Nullable NaiveLists lists) {
      this.lists = lists;
      this.load = load;
      gone = new boolean[load.objects];
      this.counts = counts.clone();
      this.total = total;
      this.pending = pending;
      for (int generation = 0; generation < 3; generation++) {
        for (int k = 0; k < sizes[generation]; k++) {
          generations.get(generation).add(-1);
        }
      }
      for (int now = 0; now <= load.objects; now++) {
        if (now < load.objects && load.listed[now]) {
          generations.get(0).add(now);
        }
        List<Integer> ended = new ArrayList<>();
        for (int k = 0; k < load.objects; k++) {
          if (load.ends[k] == now) {
            ended.add(k);
          }
        }
        generations.forEach(generation -> generation.removeAll(ended));
        boolean made = now < load.objects;
        if (lists == null) {
          this.counts[0] = Math.max(0, this.counts[0] + (made ? 1 : 0) - ended.size());
          if (this.counts[0] > thresholds[0]) {
            collect(thresholds, now);
          }
          continue;
        }
        if (made && !lists.take(load.list[now]) && ++this.counts[0] > thresholds[0]) {
          collect(thresholds, now);
        }
        for (int k : ended) {
          if (!lists.put(load.list[k])) {
            this.counts[0] = Math.max(0, this.counts[0] - 1);
          }
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
        if (k >= 0 && isFreed(k, oldest, now)) {
          garbage.add(k);
        }
      }
      stats[oldest][0]++;
      stats[oldest][1] += garbage.stream().filter(k -> !load.along[k]).count();
      found.removeAll(garbage);
      if (oldest == 2) {
        found.removeIf(k -> k >= 0 && load.dicts[k] == 1);
      }
      for (int k = 0; k < Math.min(now + 1, load.objects); k++) {
        if (!load.listed[k] && !gone[k] && isFreed(k, oldest, now)) {
          gone[k] = true;
          garbage.add(k);
          stats[oldest][1] += load.along[k] ? 0 : 1;
        }
      }
      if (lists != null) {
        garbage.forEach(k -> lists.put(load.list[k]));
        if (oldest == 2) {
          Arrays.fill(lists.lengths(), 0);
        }
      }
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

    /** What leads to it is looked at too, or has been left behind in an older generation. */
    private boolean isFreed(int k, int oldest, int now) {
      return load.lost[k] <= now && (oldest == 2 || isYounger(load.holder[k], oldest));
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
