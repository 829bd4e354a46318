package dev.preforklab.prefork.profile;

import java.util.Arrays;

/**
 * How an application loads, as its collector sees it: when collectable objects come and go while
 * the collector is off, and from when on which of them are cyclic garbage. {@link #under} replays
 * it with a collector that has any thresholds: what a real load would have left in each generation.
 *
 * <p>Which objects live is told by steps of so many objects made; those of one step are not told
 * apart. Garbage is told object by object ({@link LoadLosses}), and the counter that starts
 * collections goes by single events, if the profile has them ({@link LoadEvents}), else by steps.
 */
final class LoadHistory {
  private static final int GENERATIONS = 3;

  /**
   * The master's collector after a load.
   *
   * @param gc thresholds, counts and statistics as captured ones are
   * @param youngest objects of the application left in generation 0
   * @param middle the same of generation 1
   */
  record Outcome(Profile.GcFacts gc, int youngest, int middle) {}

  private final long allocations;
  private final int applicationAt;
  private final Start start;

  /**
   * The interpreter before the load.
   *
   * @param gc its collector
   * @param sizes objects in the collector's generations
   * @param untracked how many of them the first collection of generation 1 takes off the lists, and
   *     how many the first full one
   */
  @SuppressWarnings("ArrayRecordComponent") // handed over once, never changed
  record Start(Profile.GcFacts gc, int[] sizes, int[] untracked) {
    Start {
      if (untracked[0] < 0
          || untracked[1] < 0
          || (long) untracked[0] + untracked[1] > Arrays.stream(sizes).asLongStream().sum()) {
        throw new IllegalArgumentException("load.at_start.untracked are more than its objects");
      }
    }
  }

  private final LoadLives lives;

  private final LoadLosses losses;

  private final LoadEvents events;

  /**
   * A load as a profile's {@code load} record says it.
   *
   * @param allocations collectable objects made while the application loaded
   * @param applicationAt how many of them a server makes before it comes to load the application
   * @param start the interpreter before the load
   * @param lives which objects live how long
   * @param losses which become garbage, and when
   * @param events {@link LoadEvents#NONE} if they are not known
   * @throws IllegalArgumentException if these contradict each other
   */
  LoadHistory(
      long allocations,
      int applicationAt,
      Start start,
      LoadLives lives,
      LoadLosses losses,
      LoadEvents events) {
    if (applicationAt > allocations) {
      throw new IllegalArgumentException(
          "load.application_at is " + applicationAt + ", load.allocations are " + allocations);
    }
    this.allocations = allocations;
    this.applicationAt = applicationAt;
    this.start = start;
    this.lives = lives;
    this.losses = losses;
    this.events = events;
  }

  /**
   * What a load would have left behind if the application had set other thresholds in its first
   * lines.
   *
   * @param freeListLimits how long each of the interpreter's free lists may be, by its number
   */
  Outcome under(int[] thresholds, int[] freeListLimits) {
    Collector collector = new Collector(thresholds, freeListLimits);
    for (int now = 0; now < lives.steps(); now++) {
      collector.step(now);
    }
    return collector.outcome();
  }

  /** Counts and generations as in a real collector. */
  private final class Collector {
    private final int[] applications;

    /** Those in force. */
    private int[] thresholds = start.gc().thresholds();

    private final int[] counts = start.gc().counts().clone();
    private final long[] collections = new long[GENERATIONS];
    private final long[] collected = new long[GENERATIONS];
    private long longLivedTotal = start.gc().longLivedTotal();
    private long longLivedPending = start.gc().longLivedPending();

    private final LoadLives.Lists lists = lives.new Lists();

    /** Garbage not yet collected, chained by its oldest holder. */
    private final int[] firstLoss = new int[Math.multiplyExact(lives.steps(), lives.step())];

    private final int[] nextLoss = new int[losses.count()];

    /** The first that is no garbage yet. */
    private int lossesToCome;

    /** The interpreter's own objects by generation. */
    private final int[] own = start.sizes().clone();

    private final int[] ownToUntrack = start.untracked().clone();

    /** Generation 2 ends before the first of these objects, generation 1 before the second. */
    private int middleFrom;

    private int youngFrom;

    private final LoadEvents.FreeLists freeLists;

    /** A collection waits until the interpreter looks at its eval breaker. */
    private boolean due;

    Collector(int[] thresholds, int[] freeListLimits) {
      applications = thresholds;
      freeLists = events.new FreeLists(freeListLimits);
      Arrays.fill(firstLoss, -1);
      for (int generation = 0; generation < GENERATIONS; generation++) {
        collections[generation] = start.gc().stats()[generation][0];
        collected[generation] = start.gc().stats()[generation][1];
      }
    }

    void step(int now) {
      if (!events.known() && now * lives.step() >= applicationAt) {
        thresholds = applications;
      }
      lists.begin(now);
      if (events.known()) {
        countEvents(now);
      } else {
        endUpTo(now, 1);
        countStep(now);
      }
    }

    private void endUpTo(int now, double part) {
      endOwn(lists.endUpTo(now, part));
    }

    /** Which generation the interpreter's own objects are in that end is not known: the oldest. */
    private void endOwn(int objects) {
      int left = objects;
      for (int generation = GENERATIONS - 1; generation >= 0; generation--) {
        int ended = Math.min(left, own[generation]);
        own[generation] -= ended;
        left -= ended;
      }
    }

    /** What has become garbage when so many objects have been made. */
    private void lose(int objects) {
      while (lossesToCome < losses.count() && losses.at(lossesToCome) <= objects) {
        int loss = lossesToCome++;
        if (losses.isListed(loss)) {
          lists.lose(losses.birth(loss), losses.objects(loss));
        }
        int waiting = firstLoss[losses.holder(loss)];
        if (waiting < 0 && losses.isFreedAtOnce(loss) && events.known()) {
          end(loss);
          continue;
        }
        nextLoss[loss] = waiting;
        firstLoss[losses.holder(loss)] = loss;
      }
    }

    /** What led to it has been collected before. */
    private void end(int loss) {
      if (losses.isListed(loss)) {
        lists.free(losses.birth(loss), losses.objects(loss));
      }
      for (int k = 0; k < losses.objects(loss); k++) {
        counts[0] = Math.max(0, counts[0] + freeLists.ends(losses.freeList(loss)));
      }
    }

    private void countEvents(int now) {
      int objects = now * lives.step();
      int endsToCome = events.ends(now);
      double ends = Math.max(1, endsToCome);
      for (int event = events.begin(now); event < events.end(now); event++) {
        if (objects >= applicationAt) {
          thresholds = applications;
        }
        boolean makes = events.makes(event);
        endsToCome -= makes ? 0 : 1;
        int by = freeLists.counts(event);
        counts[0] = Math.max(0, counts[0] + by);
        if (by > 0 && thresholds[0] > 0 && counts[0] > thresholds[0]) {
          due = events.waitForCheck();
          if (!due) {
            endUpTo(now, 1 - endsToCome / ends);
            // the object that is in the making is on no list yet
            collect(generation(), objects, objects);
            counts[0] = 0;
          }
        }
        if (makes) {
          objects++;
          lose(objects);
        }
        if (due && events.isCheckedAfter(event)) {
          endUpTo(now, 1 - endsToCome / ends);
          collectWhatIsDue(objects);
        }
      }
      endUpTo(now, 1);
    }

    /** The counter may have sunk below the threshold again in the meantime. */
    private void collectWhatIsDue(int objects) {
      due = false;
      if (objects >= applicationAt) {
        thresholds = applications;
      }
      int generation = generation();
      if (generation > 0 || counts[0] > thresholds[0]) {
        collect(generation, objects, objects);
        counts[0] = 0;
      }
    }

    private void countStep(int now) {
      counts[0] = Math.max(0, counts[0] + lives.counted(now));
      while (thresholds[0] > 0 && counts[0] > thresholds[0]) {
        // the collection came within the step; what was made after it counts for the next one
        int after = counts[0] - thresholds[0] - 1;
        collect(generation(), now * lives.step(), (now + 1) * lives.step());
        counts[0] = after;
      }
    }

    private int generation() {
      if (counts[2] > thresholds[2] && longLivedPending >= longLivedTotal / 4) {
        return 2;
      }
      return counts[1] > thresholds[1] ? 1 : 0;
    }

    /**
     * @param objects how many have been made
     * @param end the first object that the collection does not see
     */
    private void collect(int generation, int objects, int end) {
      lose(objects);
      collections[generation]++;
      for (int g = 1; g <= generation; g++) {
        counts[g] = 0;
      }
      if (generation < 2) {
        counts[generation + 1]++;
      }
      int from = generation == 0 ? youngFrom : generation == 1 ? middleFrom : 0;
      int along = 0;
      for (int held = from; held < end; held++) {
        for (int k = firstLoss[held]; k >= 0; k = nextLoss[k]) {
          along += free(k, generation, from);
        }
        firstLoss[held] = -1;
      }
      lists.untrackNested(from, youngFrom);
      int ownBefore = own[2];
      moveOwn(generation);
      if (generation == 1) {
        longLivedPending += lists.listed(middleFrom, end) + own[2] - ownBefore + along;
      }
      youngFrom = end;
      if (generation >= 1) {
        middleFrom = end;
      }
      if (generation == 2) {
        longLivedPending = 0;
        freeLists.clear();
        lists.untrackDicts(end);
        longLivedTotal = lists.listed(0, end) + own[2] + along;
      }
    }

    /**
     * Returns how many of these objects, which the collection does not find but frees along with
     * others, are among those that it counts before it frees anything.
     */
    private int free(int loss, int generation, int from) {
      int objects = losses.objects(loss);
      boolean isListed = losses.isListed(loss);
      boolean lookedAt = losses.birth(loss) >= from;
      boolean found = lookedAt && losses.leader(loss) >= from && !losses.isFreedAlong(loss);
      if (isListed) {
        lists.free(losses.birth(loss), objects);
      }
      if (found && (isListed || losses.birth(loss) >= youngFrom)) {
        collected[generation] += objects;
      }
      freeLists.freed(losses.freeList(loss), objects);
      return isListed && lookedAt && !found ? objects : 0;
    }

    private void moveOwn(int generation) {
      int target = Math.min(generation + 1, 2);
      for (int g = 0; g < target; g++) {
        own[target] += own[g];
        own[g] = 0;
      }
      for (int g = 1; g <= generation; g++) {
        own[2] -= ownToUntrack[g - 1];
        ownToUntrack[g - 1] = 0;
      }
    }

    Outcome outcome() {
      lose(Integer.MAX_VALUE);
      int all = lives.steps() * lives.step();
      long[][] stats = new long[GENERATIONS][];
      for (int generation = 0; generation < GENERATIONS; generation++) {
        stats[generation] =
            new long[] {
              collections[generation], collected[generation], start.gc().stats()[generation][2]
            };
      }
      Profile.GcFacts gc =
          new Profile.GcFacts(
                  true,
                  applications,
                  counts,
                  longLivedTotal,
                  longLivedPending,
                  stats,
                  start.gc().freezeCount())
              .withFreeLists(freeLists.lengths());
      return new Outcome(
          gc,
          own[0] + (int) lists.reachable(youngFrom, all),
          own[1] + (int) lists.reachable(middleFrom, youngFrom));
    }
  }

  /** Whether the counter goes by single events, not by steps. */
  boolean knowsEvents() {
    return events.known();
  }

  /** Collectable objects made while the application loaded. */
  long allocations() {
    return allocations;
  }

  int step() {
    return lives.step();
  }
}
