package dev.preforklab.cpython.gc;

import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.layout.GcHead;
import dev.preforklab.cpython.layout.ObjectHead;
import dev.preforklab.cpython.layout.SpacedGcList;
import dev.preforklab.cpython.layout.TypeSpec;

/**
 * The incremental collector of 3.14.0 to 3.14.4, after {@code Python/gc.c}; not verified against a
 * real interpreter. Read {@link #collectIncrement} first.
 *
 * <p>Generation 0 is the young list. The two other lists are the old spaces: <em>visited</em>, what
 * the running cycle has been through, and <em>pending</em>. A cycle marks what is reachable from
 * the interpreter's roots, which moves it to visited at once, then takes what is left in
 * increments, each closed under references to what is not yet visited, and is complete when nothing
 * is pending.
 *
 * <p>What holds between collections: the bit in next names the list that an object is on; young
 * objects carry pending's, permanent ones visited's.
 */
public final class IncrementalCollector extends Collector {
  /** By the default scale factor of 10 an increment takes a hundredth of the heap more. */
  private static final int SCAN_RATE_DIVISOR = 10;

  private static final int MIN_SCALE_FACTOR = 2;

  private final SpacedGcList lists;
  private final Marker marker;

  /** Objects that the collection under way has walked over once, without taking part in it. */
  private long walked;

  /** Objects that the collection under way has taken from the pending space. */
  private long gathered;

  private long cycles;

  IncrementalCollector(Interpreter interpreter) {
    super(interpreter);
    lists = (SpacedGcList) interpreter.lists;
    marker = new Marker(interpreter, lists);
  }

  /** Cycles completed since this collector was made; for tests. */
  public long cycles() {
    return cycles;
  }

  @Override
  public void objectAllocated() {
    state.setHeapSize(state.heapSize() + 1);
    super.objectAllocated();
  }

  @Override
  public void objectFreed() {
    state.setHeapSize(state.heapSize() - 1);
    super.objectFreed();
  }

  @Override
  public void track(long head) {
    lists.append(head, state.head(0));
    lists.setSpace(head, state.visitedSpace() ^ 1);
  }

  @Override
  public int getCount(int generation) {
    return generation == 0
        ? state.count(0)
        : state.count(1 + (state.visitedSpace() ^ (generation - 1)));
  }

  /** Every automatic collection is an increment. */
  @Override
  void collectGenerations() {
    guardedCollect(1);
  }

  @Override
  long collectMain(int generation) {
    walked = 0;
    gathered = 0;
    return switch (generation) {
      case 0 -> collectYoung();
      case 1 -> collectIncrement();
      default -> collectFull();
    };
  }

  /**
   * Objects of the collected region, and half of those marked or gathered for it: the region is
   * traversed twice (subtract_refs, move_unreachable), the others once.
   */
  @Override
  long objectsVisited() {
    return detector.objects + walked / 2;
  }

  @Override
  public long oldObjectsVisited(int generation) {
    return generation == 2 ? detector.objects : gathered + walked / 2;
  }

  /** The two other counts are of collections that this collector's predecessor had. */
  @Override
  public void restoreCounts(int[] counts, long gcObjects) {
    state.setCount(0, counts[0]);
    state.setHeapSize(gcObjects);
  }

  private long pending() {
    return state.spaceHead(state.visitedSpace() ^ 1);
  }

  private long visited() {
    return state.spaceHead(state.visitedSpace());
  }

  private long collectYoung() {
    long young = state.head(0);
    untrackTuplesOf(young);
    lists.setSpaceOfAll(young, state.visitedSpace());
    long collected = collectRegion(young, visited());
    state.setCount(0, 0);
    int space = 1 + state.visitedSpace();
    state.setCount(space, state.count(space) + 1);
    addStats(0, collected);
    return collected;
  }

  /** gc_collect_increment. */
  private long collectIncrement() {
    state.setWorkToDo(state.workToDo() + newWork());
    untrackTuplesOf(state.head(0));
    if (state.isMarkPhase()) {
      long marked = markRoots();
      // once in mark_at_start, once in its caller
      state.setWorkToDo(state.workToDo() - 2 * marked);
      state.setMarkPhase(false);
      return 0;
    }
    int space = state.visitedSpace();
    long increment = state.stackHead(1);
    lists.init(increment);
    long size = lists.setSpaceOfAll(state.head(0), space);
    lists.merge(state.head(0), increment);
    while (size < state.workToDo() && !lists.isEmpty(pending())) {
      long gc = lists.next(pending());
      lists.move(gc, increment);
      lists.setSpace(gc, space);
      marker.begin(increment, space);
      marker.expandFrom(gc);
      size += 1 + marker.moved();
      gathered += 1 + marker.moved();
    }
    walked += gathered;
    long collected = collectRegion(increment, visited());
    state.setWorkToDo(
        state.workToDo() + state.heapSize() / SCAN_RATE_DIVISOR / scaleFactor() - size);
    addStats(1, collected);
    if (lists.isEmpty(pending())) {
      completeCycle();
    }
    return collected;
  }

  /** gc_collect_full: everything to visited, collected there. */
  private long collectFull() {
    long young = state.head(0);
    untrackTuplesOf(young);
    lists.merge(young, pending());
    lists.setSpaceOfAll(pending(), state.visitedSpace());
    lists.merge(pending(), visited());
    long collected = collectRegion(visited(), visited());
    for (int i = 0; i < GcState.GENERATIONS; i++) {
      state.setCount(i, 0);
    }
    completeCycle();
    oldListChanges++;
    interpreter.freeLists.clear();
    addStats(2, collected);
    return collected;
  }

  /** gc_collect_region: what is reachable from outside moves to another list, the rest is freed. */
  private long collectRegion(long from, long to) {
    long unreachable = state.stackHead(0);
    detector.deduceUnreachable(from, unreachable);
    untrackTuples();
    if (from != to) {
      lists.merge(from, to);
    }
    long collected = clearMarks(unreachable);
    deleteGarbage(unreachable, to);
    return collected;
  }

  /** assess_work_to_do. */
  private long newWork() {
    long newObjects = state.count(0);
    long heapFraction = state.heapSize() / SCAN_RATE_DIVISOR / scaleFactor();
    state.setCount(0, 0);
    return newObjects + Math.min(heapFraction, newObjects * 3 / 2);
  }

  private int scaleFactor() {
    return Math.max(state.threshold(1), MIN_SCALE_FACTOR);
  }

  /** mark_at_start; returns the number of objects marked. */
  private long markRoots() {
    long reachable = state.stackHead(1);
    lists.init(reachable);
    marker.begin(reachable, state.visitedSpace());
    roots().visitEach(marker::move);
    marker.drainTo(visited());
    walked += marker.moved();
    return marker.moved();
  }

  /** completed_scavenge. */
  private void completeCycle() {
    int notVisited = state.visitedSpace();
    if (lists.isEmpty(state.permanentHead())) {
      state.setVisitedSpace(notVisited ^ 1);
      lists.setSpaceOfAll(state.head(0), notVisited);
    } else {
      // Frozen objects must not be touched and must count as visited: the others change.
      long pending = pending();
      lists.merge(visited(), pending);
      lists.setSpaceOfAll(pending, notVisited ^ 1);
    }
    state.setWorkToDo(0);
    state.setMarkPhase(true);
    cycles++;
  }

  private void untrackTuplesOf(long list) {
    long gc = lists.next(list);
    while (gc != list) {
      long next = lists.next(gc);
      long object = gc + interpreter.version.gcHeadBytes;
      int code = interpreter.types.code(host.load(object + ObjectHead.TYPE));
      if ((code & TypeSpec.CODE_TUPLE) != 0) {
        Untracking.maybeUntrackTuple(interpreter, object);
      }
      gc = next;
    }
  }

  @Override
  long clearMarks(long unreachable) {
    long n = 0;
    for (long gc = lists.next(unreachable); gc != unreachable; gc = lists.next(gc)) {
      lists.setNextWord(gc, lists.nextWord(gc) & ~GcHead.NEXT_UNREACHABLE_INCREMENTAL);
      n++;
    }
    return n;
  }

  /** gc.freeze(): stores into the heads of all that is not visited yet. */
  @Override
  public void freeze() {
    oldListChanges++;
    int space = state.visitedSpace();
    lists.setSpaceOfAll(state.head(0), space);
    lists.setSpaceOfAll(pending(), space);
    super.freeze();
  }

  @Override
  public void unfreeze() {
    oldListChanges++;
    lists.merge(state.permanentHead(), visited());
  }

  /** What gc.get_objects(generation) has: 1 is empty, 2 both old spaces. */
  @Override
  public long generationSize(int generation) {
    return switch (generation) {
      case 0 -> lists.size(state.head(0));
      case 1 -> 0;
      default -> lists.size(state.spaceHead(0)) + lists.size(state.spaceHead(1));
    };
  }
}
