package dev.preforklab.cpython.replay;

import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.PlainHost;
import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.gc.Collector;
import dev.preforklab.cpython.gc.GcState;
import dev.preforklab.cpython.layout.ObjectHead;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Runs a trace of collector operations in a simulated interpreter and reads the collector's
 * counters after each, as a replay in a real interpreter does.
 *
 * <p>From 3.7 on the counters are read from the interpreter's memory, before that by {@code
 * gc.get_count()}, whose tuple of three is an allocation too.
 *
 * <p>The replaying program is Python code; where its loop turns end and its calls return, a release
 * from 3.12 on checks the eval breaker, and this engine with it.
 */
public final class ReplayEngine {
  /** Names of the numbers in a row. */
  public static final List<String> COLUMNS =
      List.of(
          "count0",
          "count1",
          "count2",
          "collections0",
          "collected0",
          "uncollectable0",
          "collections1",
          "collected1",
          "uncollectable1",
          "collections2",
          "collected2",
          "uncollectable2",
          "long_lived_total",
          "long_lived_pending",
          "freeze_count_or_-1");

  public static final int MAX_BASELINE = 2_000_000;

  /** Objects that the collections asked for may look at in all: a minute or two. */
  private static final long MAX_VISITED = 500_000_000;

  private static final int BYTES_IN_OBJECT = 64;

  private final Trace trace;
  private final PlainHost host = new PlainHost();
  private final Interpreter interpreter;
  private final Collector collector;
  private final TraceObjects objects;
  private final long[] slots;
  private final long[] burst = new long[Trace.MAX_REPEAT];
  private final boolean readsMemory;
  private long visited;

  private ReplayEngine(Trace trace, PythonVersion version, int baselineFrozen, int baselineLive) {
    this.trace = trace;
    readsMemory = version.hasFreeze;
    interpreter = Interpreter.boot(host, version);
    collector = interpreter.collector;
    objects = new TraceObjects(interpreter);
    slots = new long[trace.slots()];
    GcState state = interpreter.gcState;
    state.setEnabled(false);
    for (int i = 0; i < baselineFrozen; i++) {
      objects.newBaselineObject(i < version.immortalFrozenAtStart);
    }
    if (version.major == 2) {
      objects.fillFreeLists();
    }
    collector.collect(2);
    if (version.hasFreeze) {
      collector.freeze();
    }
    long[] live = new long[baselineLive];
    for (int i = 0; i < baselineLive; i++) {
      live[i] = objects.newBaselineObject(false);
    }
    collector.setRoots(
        visit -> {
          Arrays.stream(live).forEach(visit);
          Arrays.stream(slots).forEach(visit);
        });
    if (version.hasFreeze) {
      state.setLongLivedTotal(0);
    }
    for (int i = 0; i < GcState.GENERATIONS; i++) {
      state.setCount(i, 0);
      state.setStats(i, 0, 0, 0);
    }
    state.setEnabled(true);
  }

  /**
   * Replays a trace.
   *
   * @param baselineFrozen the interpreter's own tracked objects, frozen at the start; where there
   *     is no freeze (2.7, 3.6) they are in the oldest generation
   * @param baselineLive the replaying program's own objects that are not frozen
   * @return a row of {@link #COLUMNS} for each operation
   * @throws TraceException if an operation cannot be done: it uses an empty slot, or an object of
   *     another kind
   */
  public static List<long[]> run(
      Trace trace, PythonVersion version, int baselineFrozen, int baselineLive) {
    return run(trace, version, baselineFrozen, baselineLive, MAX_VISITED);
  }

  static List<long[]> run(
      Trace trace, PythonVersion version, int baselineFrozen, int baselineLive, long maxVisited) {
    if (baselineFrozen < 0
        || baselineFrozen > MAX_BASELINE
        || baselineLive < 0
        || baselineLive > MAX_BASELINE) {
      throw new TraceException("the baseline must be from 0 to " + MAX_BASELINE + " objects");
    }
    return new ReplayEngine(trace, version, baselineFrozen, baselineLive).run(maxVisited);
  }

  private List<long[]> run(long maxVisited) {
    List<long[]> rows = new ArrayList<>(trace.operations().size());
    for (Trace.Operation operation : trace.operations()) {
      try {
        perform(operation);
      } catch (TraceException e) {
        throw new TraceException(trace.where(rows.size()) + e.getMessage());
      }
      limitWork(operation.code(), rows.size(), maxVisited);
      // the call of gc.isenabled() before each reading
      interpreter.evalBreaker();
      rows.add(row(operation.code()));
      if (!readsMemory) {
        interpreter.decref(objects.newNumbers(GcState.GENERATIONS));
      }
    }
    return rows;
  }

  /**
   * A trace can ask for a full collection of millions of objects two million times: the engine
   * counts what such operations look at, by the memory in use.
   */
  private void limitWork(Trace.Code code, int index, long maxVisited) {
    if (code == Trace.Code.COLLECT || code == Trace.Code.FREEZE || code == Trace.Code.UNFREEZE) {
      visited += host.residentBytes() / BYTES_IN_OBJECT;
      if (visited > maxVisited) {
        throw new TraceException(
            trace.where(index)
                + "the collections asked for up to here look at more than "
                + maxVisited
                + " objects");
      }
    }
  }

  private long[] row(Trace.Code code) {
    GcState state = interpreter.gcState;
    long[] row = new long[COLUMNS.size()];
    for (int i = 0; i < GcState.GENERATIONS; i++) {
      row[i] = collector.getCount(i);
      row[3 + 3 * i] = state.collections(i);
      row[4 + 3 * i] = state.collected(i);
      row[5 + 3 * i] = state.uncollectable(i);
    }
    row[12] = state.longLivedTotal();
    row[13] = state.longLivedPending();
    boolean counted = code == Trace.Code.FREEZE || code == Trace.Code.UNFREEZE;
    row[14] = counted && interpreter.version.hasFreeze ? collector.freezeCount() : -1;
    return row;
  }

  private void perform(Trace.Operation operation) {
    int a = operation.a();
    int b = operation.b();
    int c = operation.c();
    switch (operation.code()) {
      case NOP -> {}
      case NEW -> {
        long object = objects.newSlots();
        interpreter.evalBreaker();
        put(a, object);
      }
      case CHAIN -> chain(a, b);
      case LINK -> objects.setSlot(get(a, objects.slotsType), b, valueIn(c));
      case UNLINK -> objects.setSlot(get(a, objects.slotsType), b, objects.none);
      case DROP -> {
        long object = slots[a];
        slots[a] = 0;
        interpreter.decref(object);
      }
      case CYCLE -> rings(objects.slotsType, a, b);
      case BURST -> burst(a, true);
      case LIST -> put(a, objects.newList(4));
      case DICT -> put(a, objects.newDict());
      case INST -> {
        long object = objects.newInstance();
        interpreter.evalBreaker();
        put(a, object);
      }
      case TUPLE -> put(a, objects.newPair(valueIn(b), valueIn(c)));
      case LSET -> objects.setItem(get(a, objects.listType), b, valueIn(c));
      case DSET -> objects.setEntry(get(a, objects.dictType), b, valueIn(c));
      case ASET -> objects.setAttribute(get(a, objects.instanceType), b, valueIn(c));
      case LCYCLE -> rings(objects.listType, a, b);
      case DCYCLE -> rings(objects.dictType, a, b);
      case ICYCLE -> rings(objects.instanceType, a, b);
      case LBURST -> burst(a, false);
      case COLLECT -> {
        // to 3.6 its argument comes in a tuple, whose end empties the trashcan
        long arguments = readsMemory ? 0 : objects.newNumbers(1);
        collector.collect(a);
        interpreter.decref(arguments);
      }
      case THR -> {
        // a call with *arguments: on 2.7 their tuple is copied
        long arguments = interpreter.version.major == 2 ? objects.newNumbers(3) : 0;
        interpreter.gcState.setThresholds(a, b, c);
        interpreter.decref(arguments);
      }
      case FREEZE -> {
        if (interpreter.version.hasFreeze) {
          collector.freeze();
        }
      }
      case UNFREEZE -> {
        if (interpreter.version.hasFreeze) {
          collector.unfreeze();
        }
      }
      case DISABLE -> interpreter.gcState.setEnabled(false);
      case ENABLE -> interpreter.gcState.setEnabled(true);
    }
  }

  /** Stores a new object, whose one reference the slot takes over. */
  private void put(int slot, long object) {
    long old = slots[slot];
    slots[slot] = object;
    interpreter.decref(old);
  }

  private long valueIn(int slot) {
    return slots[slot] == 0 ? objects.none : slots[slot];
  }

  private long get(int slot, long type) {
    long object = slots[slot];
    if (object == 0 || interpreter.host.load(object + ObjectHead.TYPE) != type) {
      throw new TraceException(
          "slot " + slot + " does not hold a " + interpreter.types.spec(type).name());
    }
    return object;
  }

  private void chain(int slot, int length) {
    long head = 0;
    for (int i = 0; i < length; i++) {
      long object = objects.newSlots();
      interpreter.evalBreaker();
      objects.setSlot(object, 0, head == 0 ? objects.none : head);
      interpreter.decref(head);
      head = object;
      interpreter.evalBreaker();
    }
    put(slot, head);
  }

  /** Rings of new objects, each dropped when it is closed. */
  private void rings(long type, int length, int count) {
    for (int i = 0; i < count; i++) {
      long first = newMember(type);
      long last = first;
      interpreter.incref(last);
      for (int k = 1; k < length; k++) {
        long object = newMember(type);
        setLink(type, last, object);
        interpreter.decref(last);
        last = object;
        interpreter.evalBreaker();
      }
      setLink(type, last, first);
      interpreter.decref(first);
      interpreter.decref(last);
      interpreter.evalBreaker();
    }
  }

  private long newMember(long type) {
    if (type == objects.listType) {
      return objects.newList(1);
    }
    if (type == objects.dictType) {
      return objects.newDict();
    }
    long object = type == objects.slotsType ? objects.newSlots() : objects.newInstance();
    interpreter.evalBreaker();
    return object;
  }

  private void setLink(long type, long object, long value) {
    if (type == objects.listType) {
      objects.setItem(object, 0, value);
    } else if (type == objects.dictType) {
      objects.setEntry(object, 0, value);
    } else if (type == objects.slotsType) {
      objects.setSlot(object, 0, value);
    } else {
      objects.setAttribute(object, 0, value);
    }
  }

  private void burst(int count, boolean slotsObjects) {
    for (int i = 0; i < count; i++) {
      if (slotsObjects) {
        burst[i] = objects.newSlots();
        interpreter.evalBreaker();
      } else {
        burst[i] = objects.newList(0);
      }
      interpreter.evalBreaker();
    }
    for (int i = 0; i < count; i++) {
      interpreter.decref(burst[i]);
      interpreter.evalBreaker();
    }
  }
}
