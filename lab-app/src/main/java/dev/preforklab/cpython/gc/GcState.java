package dev.preforklab.cpython.gc;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.RuntimeState;
import dev.preforklab.cpython.layout.GcList;

/** The collector's variables ({@code struct _gc_runtime_state}), read and written in place. */
public final class GcState {
  /** Young, middle and old; the permanent generation is not counted. */
  public static final int GENERATIONS = 3;

  /** work_to_do of a new interpreter: the first increments have nothing to do but the young. */
  private static final int INITIAL_WORK = -5000;

  private final Host host;
  private final long runtime;
  private final GcList lists;
  private int cause = Host.CAUSE_GC_HEADER;

  public GcState(Interpreter interpreter) {
    host = interpreter.host;
    runtime = interpreter.runtime;
    lists = interpreter.lists;
  }

  /** Sets the state as a starting process finds it. */
  public void boot(PythonVersion version) {
    for (int i = 0; i < GENERATIONS; i++) {
      lists.init(head(i));
    }
    lists.init(permanentHead());
    setThresholds(version.threshold0, version.threshold1, version.threshold2);
    setEnabled(true);
    if (version.incremental) {
      setWorkToDo(INITIAL_WORK);
    }
  }

  /** Sets the cause of all further stores, one of {@code Host.CAUSE_}. */
  public void setCause(int newCause) {
    cause = newCause;
  }

  /** The list head of a generation. */
  public long head(int generation) {
    return runtime + RuntimeState.GENERATIONS + (long) generation * RuntimeState.GENERATION_STRIDE;
  }

  /** The list head of the permanent generation. */
  public long permanentHead() {
    return runtime + RuntimeState.PERMANENT_GENERATION;
  }

  /** A list head that stands on the stack during a collection. */
  long stackHead(int number) {
    return runtime + RuntimeState.GC_STACK_LISTS + 16L * number;
  }

  public int threshold(int generation) {
    return (int) thresholdAndCount(generation);
  }

  public int count(int generation) {
    return (int) (thresholdAndCount(generation) >>> 32);
  }

  public void setCount(int generation, int count) {
    setThresholdAndCount(generation, threshold(generation), count);
  }

  public void setThresholds(int t0, int t1, int t2) {
    setThresholdAndCount(0, t0, count(0));
    setThresholdAndCount(1, t1, count(1));
    setThresholdAndCount(2, t2, count(2));
  }

  private long thresholdAndCount(int generation) {
    return host.load(head(generation) + RuntimeState.THRESHOLD_AND_COUNT);
  }

  private void setThresholdAndCount(int generation, int threshold, int count) {
    set(
        head(generation) + RuntimeState.THRESHOLD_AND_COUNT,
        (threshold & 0xffffffffL) | (long) count << 32);
  }

  public boolean isEnabled() {
    return host.load(runtime + RuntimeState.GC_ENABLED) != 0;
  }

  public void setEnabled(boolean enabled) {
    set(runtime + RuntimeState.GC_ENABLED, enabled ? 1 : 0);
  }

  public boolean isCollecting() {
    return host.load(runtime + RuntimeState.GC_COLLECTING) != 0;
  }

  void setCollecting(boolean collecting) {
    set(runtime + RuntimeState.GC_COLLECTING, collecting ? 1 : 0);
  }

  /** Objects that survived the last full collection. */
  public long longLivedTotal() {
    return host.load(runtime + RuntimeState.LONG_LIVED_TOTAL);
  }

  public void setLongLivedTotal(long value) {
    set(runtime + RuntimeState.LONG_LIVED_TOTAL, value);
  }

  /** Objects that survived a collection of the middle generation since the last full one. */
  public long longLivedPending() {
    return host.load(runtime + RuntimeState.LONG_LIVED_PENDING);
  }

  public void setLongLivedPending(long value) {
    set(runtime + RuntimeState.LONG_LIVED_PENDING, value);
  }

  public boolean isScheduled() {
    return host.load(runtime + RuntimeState.GC_SCHEDULED) != 0;
  }

  public void setScheduled(boolean scheduled) {
    set(runtime + RuntimeState.GC_SCHEDULED, scheduled ? 1 : 0);
  }

  /** Which of the two old lists holds what the running cycle has visited; 3.14. */
  public int visitedSpace() {
    return (int) host.load(runtime + RuntimeState.GC_VISITED_SPACE);
  }

  void setVisitedSpace(int space) {
    set(runtime + RuntimeState.GC_VISITED_SPACE, space);
  }

  /** The list of an old space, 0 or 1; 3.14. */
  public long spaceHead(int space) {
    return head(1 + space);
  }

  /** Whether the next increment marks from the roots and does nothing else; 3.14. */
  public boolean isMarkPhase() {
    return host.load(runtime + RuntimeState.GC_PHASE) == 0;
  }

  void setMarkPhase(boolean mark) {
    set(runtime + RuntimeState.GC_PHASE, mark ? 0 : 1);
  }

  /** Objects that increments are behind with; negative if they are ahead; 3.14. */
  public long workToDo() {
    return host.load(runtime + RuntimeState.GC_WORK_TO_DO);
  }

  public void setWorkToDo(long work) {
    set(runtime + RuntimeState.GC_WORK_TO_DO, work);
  }

  /** GC objects taken from the heap and not given back; 3.14. */
  public long heapSize() {
    return host.load(runtime + RuntimeState.GC_HEAP_SIZE);
  }

  public void setHeapSize(long objects) {
    set(runtime + RuntimeState.GC_HEAP_SIZE, objects);
  }

  /** Collections of a generation since the start, inherited by fork. */
  public long collections(int generation) {
    return stat(generation, 0);
  }

  public long collected(int generation) {
    return stat(generation, 8);
  }

  public long uncollectable(int generation) {
    return stat(generation, 16);
  }

  /** Sets a generation's three statistics, as gc.get_stats gives them. */
  public void setStats(int generation, long collections, long collected, long uncollectable) {
    long stats = stats(generation);
    set(stats, collections);
    set(stats + 8, collected);
    set(stats + 16, uncollectable);
  }

  private long stat(int generation, int offset) {
    return host.load(stats(generation) + offset);
  }

  private long stats(int generation) {
    return runtime + RuntimeState.GENERATION_STATS + 24L * generation;
  }

  private void set(long address, long value) {
    host.store(address, value, cause);
  }
}
