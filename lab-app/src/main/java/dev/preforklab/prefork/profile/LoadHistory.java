package dev.preforklab.prefork.profile;

import java.util.Arrays;

/**
 * How an application loads, as its collector sees it: when collectable objects come and go while
 * the collector is off, and from when on which of them are cyclic garbage. {@link #under} replays
 * it with a collector that has any thresholds: what a real load would have left in each generation.
 *
 * <p>Time is counted in steps of so many objects made. Objects of one step are not told apart, so a
 * boundary between generations falls between two steps. The counter that starts collections goes by
 * single events, if the profile has them ({@link LoadEvents}), else by steps.
 */
final class LoadHistory {
  private static final int GENERATIONS = 3;

  /** Added to a free list's number in the stream: freed along with garbage, itself not found. */
  private static final int NOT_FOUND = 32;

  /** Added to it: on none of the collector's lists. */
  private static final int NOT_LISTED = 64;

  /**
   * The master's collector after a load.
   *
   * @param gc thresholds, counts and statistics as captured ones are
   * @param youngest objects of the application left in generation 0
   * @param middle the same of generation 1
   */
  record Outcome(Profile.GcFacts gc, int youngest, int middle) {}

  private final long allocations;
  private final int step;
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

  /** Objects made in a step that are on the collector's lists after a collection. */
  private final int[] made;

  /** By step: what the counter is raised and lowered by. */
  private final int[] counted;

  /** Ends of objects: those of step n are at {@code [endStart[n]..endStart[n+1])}. */
  private final int[] endStart;

  private final int[] endBirth;
  private final int[] endObjects;

  /** Garbage that is complete at step n: {@code [lossStart[n]..lossStart[n+1])}. */
  private final int[] lossStart;

  private final int[] lossBirth;

  /**
   * The oldest step from which something leads to the garbage that a collection has to look at:
   * what is in no cycle itself goes, however old it is, with the last that leads to it.
   */
  private final int[] lossHeld;

  /** The oldest step from which anything leads to it: looked at, too, the garbage is found. */
  private final int[] lossLeader;

  /** The free list's number, with what is added to it. */
  private final int[] lossList;

  private final int[] lossObjects;

  private final LoadEvents events;

  /** By step of birth: lasting dicts that full collections take off the collector's lists. */
  private final int[] dictsToUntrack;

  /**
   * Reads the stream of a profile's {@code load} record.
   *
   * @param allocations collectable objects made while the application loaded
   * @param step objects made in a step
   * @param start the interpreter before the load
   * @param stream for each step: objects never listed; number of pairs (age, listed objects that
   *     end); number of losses (age, age of the oldest holder, the free list's number if there are
   *     events, objects that become garbage). To the number 32 is added if a collection frees the
   *     objects along with garbage without finding them, 64 if they are not listed
   * @param events {@link LoadEvents#NONE} if they are not known
   * @param untracked for each step: lasting dicts made in it that full collections take off the
   *     collector's lists; empty if that is not known
   * @param leaders for each loss the age of the oldest object that leads to it; empty if that is
   *     the holder's
   * @throws IllegalArgumentException if the stream contradicts itself
   */
  LoadHistory(
      long allocations,
      int step,
      Start start,
      int[] stream,
      LoadEvents events,
      int[] untracked,
      int[] leaders) {
    this.events = events;
    this.allocations = allocations;
    this.step = step;
    this.start = start;
    int steps = Math.toIntExact(allocations / step + 1);
    if (untracked.length != 0 && untracked.length != steps) {
      throw new IllegalArgumentException("dicts of " + untracked.length + " steps of " + steps);
    }
    dictsToUntrack = Arrays.copyOf(untracked, steps);
    made = new int[steps];
    counted = new int[steps];
    endStart = new int[steps + 1];
    lossStart = new int[steps + 1];
    IntArray endBirths = new IntArray(steps);
    IntArray ends = new IntArray(steps);
    IntArray lossBirths = new IntArray(steps);
    IntArray holders = new IntArray(steps);
    IntArray leading = new IntArray(steps);
    IntArray lossLists = new IntArray(steps);
    IntArray losses = new IntArray(steps);
    Cursor in = new Cursor(stream);
    for (int now = 0; now < steps; now++) {
      int births = (int) Math.min(step, allocations - (long) now * step);
      made[now] = births - in.next(births);
      counted[now] = births;
      for (int pairs = in.next(Integer.MAX_VALUE); pairs > 0; pairs--) {
        // older than the first step: of the interpreter's own
        endBirths.add(now - in.next(now + 1));
        ends.add(in.next(Integer.MAX_VALUE));
        counted[now] -= ends.get(ends.size() - 1);
      }
      for (int triples = in.next(Integer.MAX_VALUE); triples > 0; triples--) {
        lossBirths.add(now - in.next(now));
        holders.add(now - in.next(now));
        leading.add(
            leaders.length == 0
                ? holders.get(holders.size() - 1)
                : now - leader(leaders, leading.size(), now));
        lossLists.add(
            events.known() ? in.next(RequestTrace.FREE_LISTS_MAX + NOT_FOUND + NOT_LISTED) : 0);
        losses.add(in.next(Integer.MAX_VALUE));
      }
      endStart[now + 1] = ends.size();
      lossStart[now + 1] = losses.size();
    }
    in.requireEnd();
    if (leaders.length != 0 && leaders.length != leading.size()) {
      throw new IllegalArgumentException(
          leaders.length + " leaders of " + leading.size() + " losses");
    }
    endBirth = endBirths.toArray();
    endObjects = ends.toArray();
    lossBirth = lossBirths.toArray();
    lossHeld = holders.toArray();
    lossLeader = leading.toArray();
    lossList = lossLists.toArray();
    lossObjects = losses.toArray();
  }

  private static int leader(int[] leaders, int loss, int max) {
    if (loss >= leaders.length || leaders[loss] > max) {
      throw new IllegalArgumentException("no leader of loss " + (loss + 1) + " in the load");
    }
    return leaders[loss];
  }

  /** Reads numbers of a stream, none of them negative. */
  private static final class Cursor {
    private final int[] stream;
    private int at;

    Cursor(int[] stream) {
      this.stream = stream;
    }

    int next(int max) {
      if (at == stream.length) {
        throw new IllegalArgumentException("the stream of the load ends too early");
      }
      int value = stream[at++];
      if (value < 0 || value > max) {
        throw new IllegalArgumentException(
            "number " + at + " of the stream of the load is " + value + ", not 0 to " + max);
      }
      return value;
    }

    void requireEnd() {
      if (at != stream.length) {
        throw new IllegalArgumentException(
            "the stream of the load does not end with its last step");
      }
    }
  }

  /**
   * What a load would have left behind under other thresholds.
   *
   * @param freeListLimits how long each of the interpreter's free lists may be, by its number
   */
  Outcome under(int[] thresholds, int[] freeListLimits) {
    Collector collector = new Collector(thresholds, freeListLimits);
    for (int now = 0; now < made.length; now++) {
      collector.step(now);
    }
    return collector.outcome();
  }

  /** Counts and generations as in a real collector, with steps in the place of objects. */
  private final class Collector {
    private final int[] thresholds;
    private final int[] counts = start.gc().counts().clone();
    private final long[] collections = new long[GENERATIONS];
    private final long[] collected = new long[GENERATIONS];
    private long longLivedTotal = start.gc().longLivedTotal();
    private long longLivedPending = start.gc().longLivedPending();

    /** Objects on the collector's lists by step of birth, and those of them not yet garbage. */
    private final int[] listed = new int[made.length];

    private final int[] reachable = new int[made.length];

    private final int[] untrackable = dictsToUntrack.clone();

    /** Garbage not yet collected, chained by the step of its oldest holder. */
    private final int[] firstLoss = new int[made.length];

    private final int[] nextLoss = new int[lossObjects.length];

    /** The interpreter's own objects by generation. */
    private final int[] own = start.sizes().clone();

    private final int[] ownToUntrack = start.untracked().clone();

    /** Generation 2 ends before the first of these steps, generation 1 before the second. */
    private int middleFrom;

    private int youngFrom;

    private final LoadEvents.FreeLists freeLists;

    Collector(int[] thresholds, int[] freeListLimits) {
      this.thresholds = thresholds;
      freeLists = events.new FreeLists(freeListLimits);
      Arrays.fill(firstLoss, -1);
      for (int generation = 0; generation < GENERATIONS; generation++) {
        collections[generation] = start.gc().stats()[generation][0];
        collected[generation] = start.gc().stats()[generation][1];
      }
    }

    void step(int now) {
      listed[now] += made[now];
      reachable[now] += made[now];
      for (int k = endStart[now]; k < endStart[now + 1]; k++) {
        if (endBirth[k] >= 0) {
          listed[endBirth[k]] -= endObjects[k];
          reachable[endBirth[k]] -= endObjects[k];
        }
      }
      for (int k = lossStart[now]; k < lossStart[now + 1]; k++) {
        if ((lossList[k] & NOT_LISTED) == 0) {
          reachable[lossBirth[k]] -= lossObjects[k];
        }
        nextLoss[k] = firstLoss[lossHeld[k]];
        firstLoss[lossHeld[k]] = k;
      }
      if (events.known()) {
        countEvents(now);
      } else {
        countStep(now);
      }
    }

    private void countEvents(int now) {
      int births = 0;
      for (int event = events.begin(now); event < events.end(now); event++) {
        births += events.makes(event) ? 1 : 0;
        int by = freeLists.counts(event);
        counts[0] = Math.max(0, counts[0] + by);
        if (by > 0 && thresholds[0] > 0 && counts[0] > thresholds[0]) {
          // the step is the collection's if most of it has been made
          collect(generation(), 2 * births > step ? now + 1 : now);
          counts[0] = 0;
        }
      }
    }

    private void countStep(int now) {
      counts[0] = Math.max(0, counts[0] + counted[now]);
      while (thresholds[0] > 0 && counts[0] > thresholds[0]) {
        // the collection came within the step; what was made after it counts for the next one
        int after = counts[0] - thresholds[0] - 1;
        collect(generation(), now + 1);
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
     * @param end the first step that the collection does not see
     */
    private void collect(int generation, int end) {
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
      int ownBefore = own[2];
      moveOwn(generation);
      if (generation == 1) {
        longLivedPending += sum(listed, middleFrom, end) + own[2] - ownBefore + along;
      }
      youngFrom = end;
      if (generation >= 1) {
        middleFrom = end;
      }
      if (generation == 2) {
        longLivedPending = 0;
        freeLists.clear();
        untrackDicts(end);
        longLivedTotal = sum(listed, 0, end) + own[2] + along;
      }
    }

    /**
     * Returns how many of these objects, which the collection does not find but frees along with
     * others, are among those that it counts before it frees anything.
     */
    private int free(int loss, int generation, int from) {
      int objects = lossObjects[loss];
      boolean isListed = (lossList[loss] & NOT_LISTED) == 0;
      boolean lookedAt = lossBirth[loss] >= from;
      boolean found = lookedAt && lossLeader[loss] >= from && (lossList[loss] & NOT_FOUND) == 0;
      if (isListed) {
        listed[lossBirth[loss]] -= objects;
      }
      if (found && (isListed || lossBirth[loss] >= youngFrom)) {
        collected[generation] += objects;
      }
      freeLists.freed(lossList[loss] % NOT_FOUND, objects);
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

    private void untrackDicts(int end) {
      for (int birth = 0; birth < end; birth++) {
        listed[birth] -= untrackable[birth];
        reachable[birth] -= untrackable[birth];
        untrackable[birth] = 0;
      }
    }

    Outcome outcome() {
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
                  thresholds,
                  counts,
                  longLivedTotal,
                  longLivedPending,
                  stats,
                  start.gc().freezeCount())
              .withFreeLists(freeLists.lengths());
      return new Outcome(
          gc,
          own[0] + (int) sum(reachable, youngFrom, made.length),
          own[1] + (int) sum(reachable, middleFrom, youngFrom));
    }
  }

  private static long sum(int[] values, int from, int to) {
    long sum = 0;
    for (int i = from; i < to; i++) {
      sum += values[i];
    }
    return sum;
  }

  /** Collectable objects made while the application loaded. */
  long allocations() {
    return allocations;
  }

  int step() {
    return step;
  }
}
