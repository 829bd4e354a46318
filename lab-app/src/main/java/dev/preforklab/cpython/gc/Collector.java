package dev.preforklab.cpython.gc;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.RuntimeState;
import dev.preforklab.cpython.layout.GcHead;
import dev.preforklab.cpython.layout.GcList;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The generational collector of {@code Modules/gcmodule.c}. Read {@link #collectMain} first; it is
 * the order of phases, {@link CycleDetector} the phases that find garbage.
 *
 * <p>Everything is at the real place: thresholds are compared strictly, the oldest generation
 * first; a full collection waits until a quarter of the long-lived objects are new.
 */
public class Collector {
  final Interpreter interpreter;
  final Host host;
  final GcState state;
  private final GcList lists;
  final Detector detector;
  private final boolean separateGcRefs;
  private final boolean collectsAtEvalBreaker;
  private final int headBytes;
  private @Nullable GcListener listener;
  private Roots roots = visit -> {};
  long oldListChanges;
  private long finished;

  /** Objects without memory on the lists, and those of them in the oldest generation. */
  private int unseen;

  private int unseenOld;

  Collector(Interpreter interpreter) {
    this.interpreter = interpreter;
    host = interpreter.host;
    state = interpreter.gcState;
    lists = interpreter.lists;
    separateGcRefs = interpreter.version.separateGcRefs;
    collectsAtEvalBreaker = interpreter.version.collectsAtEvalBreaker;
    headBytes = interpreter.version.gcHeadBytes;
    detector = separateGcRefs ? new OldCycleDetector(interpreter) : new CycleDetector(interpreter);
  }

  /** The collector of an interpreter's release. */
  public static Collector of(Interpreter interpreter) {
    return interpreter.version.incremental
        ? new IncrementalCollector(interpreter)
        : new Collector(interpreter);
  }

  /** Names where marking starts from; only the incremental collector asks. */
  public final void setRoots(Roots newRoots) {
    roots = newRoots;
  }

  public final Roots roots() {
    return roots;
  }

  /** Names who hears of collections; null for nobody. */
  public void setListener(@Nullable GcListener newListener) {
    listener = newListener;
  }

  /** The allocator has served a GC object: counts it, and collects or asks for it if due. */
  public void objectAllocated() {
    long address = state.head(0) + RuntimeState.THRESHOLD_AND_COUNT;
    long word = host.load(address) + (1L << 32);
    host.store(address, word, interpreter.gcHeadCause());
    int threshold = (int) word;
    if ((int) (word >>> 32) > threshold
        && threshold != 0
        && state.isEnabled()
        && !state.isCollecting()) {
      if (collectsAtEvalBreaker) {
        state.setScheduled(true);
      } else {
        collectGenerations();
      }
    }
  }

  /** A GC object was given back to the allocator. */
  public void objectFreed() {
    long address = state.head(0) + RuntimeState.THRESHOLD_AND_COUNT;
    long word = host.load(address);
    if (word >>> 32 != 0) {
      host.store(address, word - (1L << 32), interpreter.gcHeadCause());
    }
  }

  /**
   * An object without memory here, such as a frame or an iterator of the interpreter's, comes on
   * the youngest list; it leaves before those that came earlier. Only the lengths of the lists
   * tell.
   */
  public void enterUnseen() {
    unseen++;
  }

  /** The object that came last without memory leaves its list. */
  public void leaveUnseen() {
    unseen--;
    unseenOld = Math.min(unseenOld, unseen);
  }

  /** Runs what {@link #objectAllocated} asked the eval breaker for. */
  public void runScheduled() {
    state.setScheduled(false);
    if (state.isEnabled() && !state.isCollecting()) {
      collectGenerations();
    }
  }

  /** Collects the oldest generation whose count is over its threshold. */
  void collectGenerations() {
    for (int i = GcState.GENERATIONS - 1; i >= 0; i--) {
      if (state.count(i) > state.threshold(i)) {
        if (i == GcState.GENERATIONS - 1 && state.longLivedPending() < state.longLivedTotal() / 4) {
          continue;
        }
        guardedCollect(i);
        return;
      }
    }
  }

  /**
   * gc.collect(generation): works whether or not the collector is enabled.
   *
   * @param generation 0 to 2
   * @return the number of unreachable objects; 0 if a collection is under way
   */
  public long collect(int generation) {
    if (generation < 0 || generation >= GcState.GENERATIONS) {
      throw new IllegalArgumentException("no generation " + generation + "; known: 0 to 2");
    }
    return state.isCollecting() ? 0 : guardedCollect(generation);
  }

  final long guardedCollect(int generation) {
    GcListener hears = listener;
    if (hears != null) {
      hears.started(generation);
    }
    state.setCollecting(true);
    detector.reset();
    long collected = collectMain(generation);
    state.setCollecting(false);
    if (hears != null) {
      hears.done(generation, collected, 0, objectsVisited(), detector.references);
    }
    return collected;
  }

  /**
   * Sets the counters that a captured collector had.
   *
   * @param gcObjects objects with a GC head in the captured heap
   */
  public void restoreCounts(int[] counts, long gcObjects) {
    for (int i = 0; i < GcState.GENERATIONS; i++) {
      state.setCount(i, counts[i]);
    }
  }

  /**
   * Of the objects that the collection just done has been through, those that are likely not to be
   * in a cache: the old ones.
   */
  public long oldObjectsVisited(int generation) {
    return generation == GcState.GENERATIONS - 1 ? detector.objects : 0;
  }

  /** Objects that the collection just done has been through. */
  long objectsVisited() {
    return detector.objects;
  }

  /** The collection itself; returns the number of unreachable objects. */
  long collectMain(int generation) {
    if (generation + 1 < GcState.GENERATIONS) {
      state.setCount(generation + 1, state.count(generation + 1) + 1);
    }
    for (int i = 0; i <= generation; i++) {
      state.setCount(i, 0);
    }
    long young = state.head(generation);
    for (int i = 0; i < generation; i++) {
      lists.merge(state.head(i), young);
    }
    boolean full = generation == GcState.GENERATIONS - 1;
    long old = full ? young : state.head(generation + 1);
    long unreachable = state.stackHead(0);

    detector.deduceUnreachable(young, unreachable);
    long survivors = detector.reachable - untrackTuples();
    if (!full) {
      if (generation == GcState.GENERATIONS - 2) {
        state.setLongLivedPending(state.longLivedPending() + survivors + unseen - unseenOld);
        unseenOld = unseen;
      }
      lists.merge(young, old);
    } else {
      // Dicts only now, so that a dict that is being built is not looked at again and again.
      survivors -= untrackDicts();
      state.setLongLivedPending(0);
      state.setLongLivedTotal(survivors + unseen);
      unseenOld = unseen;
    }

    long collected = clearMarks(unreachable);
    deleteGarbage(unreachable, old);
    if (full) {
      oldListChanges++;
      interpreter.freeLists.clear();
    }
    addStats(generation, collected);
    return collected;
  }

  /** Counts a collection. */
  final void addStats(int generation, long collected) {
    finished++;
    state.setStats(
        generation,
        state.collections(generation) + 1,
        state.collected(generation) + collected,
        state.uncollectable(generation));
  }

  /** Collections of all generations by this process itself, without those before its fork. */
  public final long finished() {
    return finished;
  }

  final long untrackTuples() {
    long untracked = 0;
    for (int i = 0; i < detector.tupleCount; i++) {
      if (Untracking.maybeUntrackTuple(interpreter, detector.tuples[i])) {
        untracked++;
      }
    }
    return untracked;
  }

  private long untrackDicts() {
    long untracked = 0;
    for (int i = 0; i < detector.dictCount; i++) {
      if (Untracking.maybeUntrackDict(interpreter, detector.dicts[i])) {
        untracked++;
      }
    }
    return untracked;
  }

  /** Makes the unreachable list an ordinary one again; returns its length. */
  long clearMarks(long unreachable) {
    long n = 0;
    for (long gc = lists.next(unreachable); gc != unreachable; n++) {
      long next = lists.next(gc) & ~GcHead.NEXT_UNREACHABLE;
      if (!separateGcRefs) {
        lists.setNext(gc, next);
      }
      gc = next;
    }
    return n;
  }

  /** Calls tp_clear on each; what is still there afterwards is moved to the older generation. */
  final void deleteGarbage(long collectable, long old) {
    while (!lists.isEmpty(collectable)) {
      long gc = lists.next(collectable);
      long object = gc + headBytes;
      interpreter.incref(object);
      interpreter.deallocator.clear(object);
      interpreter.decref(object);
      if (lists.next(collectable) == gc) {
        if (separateGcRefs) {
          long flags = host.load(gc + GcHead.REFS) & (1L << interpreter.version.gcRefsShift) - 1;
          host.store(
              gc + GcHead.REFS,
              GcHead.OLD_REACHABLE << interpreter.version.gcRefsShift | flags,
              interpreter.gcHeadCause());
        } else {
          host.store(
              gc + GcHead.PREV,
              host.load(gc + GcHead.PREV) & ~GcHead.PREV_COLLECTING,
              interpreter.gcHeadCause());
        }
        lists.move(gc, old);
      }
    }
  }

  /**
   * Calls tp_clear on the objects that a full collection comes to before any of some others, as it
   * does when it has found them unreachable.
   *
   * @param others objects that it is not to pass
   * @param stay objects before them on which it is not called
   */
  public void clearBefore(Set<Long> others, Set<Long> stay) {
    long collectable = state.stackHead(0);
    lists.init(collectable);
    long old = state.head(GcState.GENERATIONS - 1);
    long gc = lists.next(old);
    while (gc != old && !others.contains(gc + headBytes)) {
      long next = lists.next(gc);
      if (!stay.contains(gc + headBytes)) {
        lists.move(gc, collectable);
      }
      gc = next;
    }
    deleteGarbage(collectable, old);
  }

  /** gc.freeze(): every tracked object to the permanent generation, counts to 0. */
  public void freeze() {
    oldListChanges++;
    for (int i = 0; i < GcState.GENERATIONS; i++) {
      lists.merge(state.head(i), state.permanentHead());
      state.setCount(i, 0);
    }
  }

  /** gc.unfreeze(): the permanent generation into the oldest; no counter changes. */
  public void unfreeze() {
    oldListChanges++;
    lists.merge(state.permanentHead(), state.head(GcState.GENERATIONS - 1));
  }

  /** gc.get_freeze_count(); walks the list. */
  public long freezeCount() {
    return lists.size(state.permanentHead());
  }

  /**
   * Grows whenever the oldest or the permanent generation changes as a whole: by a full collection,
   * freeze or unfreeze. For those who keep a count of tracked objects.
   */
  public long oldListChanges() {
    return oldListChanges;
  }

  /** The counter at this place in what {@code gc.get_count()} gives. */
  public int getCount(int generation) {
    return state.count(generation);
  }

  /** Puts an object that is on no list at the end of the youngest generation. */
  public void track(long head) {
    lists.append(head, state.head(0));
  }

  /** Tracked objects of a generation; walks the list. */
  public long generationSize(int generation) {
    return lists.size(state.head(generation));
  }
}
