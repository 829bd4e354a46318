package dev.preforklab.prefork.profile;

import java.nio.file.Path;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Turns one request record into a {@link RequestTrace}, checking that each block has one fate. */
final class RequestCompiler {
  private static final byte LIVE = 0;
  private static final byte FREED = 1;
  private static final byte SETTLED = 2;
  private static final byte CARRIED = 3;

  /** With its GC head, where that is smallest. */
  private static final int TUPLE_OF_ONE_BYTES = 16 + 24 + 8;

  private final Path file;
  private final long line;
  int endpoint = -1;
  int[] after = {};
  int[] shares = {};
  long cpuNs;
  private RequestTrace.@Nullable State state;
  private int[] events = new int[0];
  private int allocations = -1;
  private byte[] domain = new byte[0];
  private byte[] fate = new byte[0];
  private final IntArray garbageGc = new IntArray(8);
  private final IntArray garbageGcStart = new IntArray(8);
  private final IntArray garbageOwned = new IntArray(8);
  private final IntArray garbageOwnedStart = new IntArray(8);
  private final IntArray garbageLost = new IntArray(8);
  private final IntArray carried = new IntArray(8);
  private final IntArray carriedRequests = new IntArray(8);
  private final IntArray ownerless = new IntArray(8);
  private int[] gathered = new int[0];
  private int[] held = new int[0];
  private boolean heldAreTold;
  private byte[] freeList = new byte[0];
  private boolean[] resized = new boolean[0];
  private boolean[] direct = new boolean[0];
  private boolean[] unlisted = new boolean[0];
  private boolean[] atomic = new boolean[0];
  private int[] shelved = new int[0];
  private int[] tracked = new int[0];
  private int[] filled = new int[0];
  private int[] older = new int[0];
  private FreeListChanges freeListChanges = FreeListChanges.NONE;

  RequestCompiler(Path file, long line) {
    this.file = file;
    this.line = line;
  }

  /** Of what a worker does before its first request, which has no endpoint. */
  static RequestCompiler ofStart(Path file, long line) {
    RequestCompiler compiler = new RequestCompiler(file, line);
    compiler.endpoint = 0;
    compiler.state = RequestTrace.State.START;
    return compiler;
  }

  void state(String name) {
    state =
        switch (name) {
          case "cold" -> RequestTrace.State.COLD;
          case "first" -> RequestTrace.State.FIRST;
          case "warm" -> RequestTrace.State.WARM;
          default -> throw bad("request state \"" + name + "\", not cold, first or warm");
        };
  }

  void events(IntArray raw) {
    events = new int[raw.size()];
    domain = new byte[raw.size()];
    fate = new byte[raw.size()];
    int ordinals = 0;
    for (int i = 0; i < events.length; i++) {
      int event = raw.get(i);
      if (event >= 0) {
        int kind = event & 3;
        domain[ordinals++] = (byte) kind;
        events[i] = event;
      } else {
        int ordinal = ordinals + event;
        if (ordinal < 0 || fate[ordinal] != LIVE) {
          throw bad("event " + i + " frees a block that is not there");
        }
        fate[ordinal] = FREED;
        events[i] = ~ordinal;
      }
    }
    allocations = ordinals;
    freeList = new byte[ordinals];
    resized = new boolean[ordinals];
    direct = new boolean[ordinals];
    unlisted = new boolean[ordinals];
    atomic = new boolean[ordinals];
  }

  void garbage(IntArray gc, IntArray owned) {
    if (gc.size() == 0) {
      for (int i = 0; i < owned.size(); i++) {
        settle(owned.get(i), "garbage");
        ownerless.add(owned.get(i));
      }
      return;
    }
    garbageGcStart.add(garbageGc.size());
    garbageOwnedStart.add(garbageOwned.size());
    for (int i = 0; i < gc.size(); i++) {
      settle(gc.get(i), "garbage");
      if (domain[gc.get(i)] != RequestTrace.GC) {
        throw bad("garbage object " + gc.get(i) + " has no GC head");
      }
      garbageGc.add(gc.get(i));
    }
    for (int i = 0; i < owned.size(); i++) {
      settle(owned.get(i), "garbage");
      garbageOwned.add(owned.get(i));
    }
  }

  /** Events before each garbage group is unreachable, as distances from one to the next. */
  void lost(IntArray deltas) {
    long at = 0;
    for (int i = 0; i < deltas.size(); i++) {
      at += deltas.get(i);
      if (at > events.length) {
        throw bad("lost after event " + at + " of " + events.length);
      }
      garbageLost.add((int) at);
    }
  }

  void carried(int ordinal, int requests) {
    settle(ordinal, "carried");
    fate[ordinal] = CARRIED;
    carried.add(ordinal);
    carriedRequests.add(requests);
  }

  /** Objects that are dropped together with later ones, as distances between ordinals. */
  void gathered(IntArray deltas) {
    gathered = gcOrdinals("gathered", deltas);
    for (int ordinal : gathered) {
      settle(ordinal, "gathered");
    }
  }

  void held(IntArray ordinals) {
    heldAreTold = true;
    held = ordinals.toArray();
    for (int ordinal : held) {
      settle(ordinal, "held");
    }
  }

  /** Objects of a type with a free list, as distances from one ordinal to the next. */
  void freeListed(int number, IntArray deltas) {
    if (number < 1 || number > RequestTrace.FREE_LISTS_MAX) {
      throw bad("free list " + number + ", not 1 to " + RequestTrace.FREE_LISTS_MAX);
    }
    for (int ordinal : gcOrdinals("free_listed", deltas)) {
      freeList[ordinal] = (byte) number;
    }
  }

  /** Objects that a realloc moved, as distances from one ordinal to the next. */
  void resized(IntArray deltas) {
    for (int ordinal : gcOrdinals("resized", deltas)) {
      resized[ordinal] = true;
    }
  }

  /** Objects that did not come from a free list, as distances from one ordinal to the next. */
  void direct(IntArray deltas) {
    for (int ordinal : gcOrdinals("direct", deltas)) {
      direct[ordinal] = true;
    }
  }

  /** Objects that no list of the collector has, as distances likewise. */
  void unlisted(IntArray deltas) {
    for (int ordinal : gcOrdinals("unlisted", deltas)) {
      unlisted[ordinal] = true;
    }
  }

  /** Tuples that collections take off their lists, as distances likewise. */
  void atomic(IntArray deltas) {
    for (int ordinal : gcOrdinals("atomic", deltas)) {
      atomic[ordinal] = true;
    }
  }

  /**
   * Unlisted objects that come on a list: events since the one before, ordinals back from the next
   * allocation, and so on.
   */
  void tracked(IntArray raw) {
    if (raw.size() % 2 != 0) {
      throw bad("tracked must have two numbers an object");
    }
    tracked = new int[raw.size()];
    Walk walk = new Walk();
    for (int i = 0; i < tracked.length; i += 2) {
      tracked[i] = walk.on(raw.get(i), "tracked");
      int ordinal = walk.made - raw.get(i + 1);
      if (!walk.isThere(ordinal) || !unlisted[ordinal]) {
        throw bad("tracked object " + ordinal + " is no unlisted one that is there");
      }
      // It is on a list from now on.
      walk.gone[ordinal] = true;
      tracked[i + 1] = ordinal;
    }
  }

  /**
   * When tuples that collections take off are full: events since the one before, ordinals back from
   * the next allocation, ordinals on to a tuple in it or 0, and so on.
   */
  void filled(IntArray raw) {
    if (raw.size() % 3 != 0) {
      throw bad("filled must have three numbers a tuple");
    }
    filled = new int[raw.size()];
    int[] allocating = allocationEvents();
    Walk walk = new Walk();
    for (int i = 0; i < filled.length; i += 3) {
      filled[i] = walk.on(raw.get(i), "filled");
      int ordinal = walk.made - raw.get(i + 1);
      if (ordinal < 0 || raw.get(i + 2) >= walk.made - ordinal) {
        throw bad("filled tuple " + ordinal + " or the one in it is not made yet");
      }
      int inner = ordinal + raw.get(i + 2);
      if (!walk.isThere(ordinal)
          || !walk.isThere(inner)
          || !atomic[ordinal]
          || !atomic[inner]
          || (inner > ordinal && allocating[ordinal] >>> 2 < TUPLE_OF_ONE_BYTES)) {
        throw bad("filled tuple " + ordinal + " or the one in it is no atomic one that is there");
      }
      filled[i + 1] = ordinal;
      filled[i + 2] = inner > ordinal ? inner : -1;
    }
  }

  private int[] allocationEvents() {
    return Arrays.stream(events).filter(event -> event >= 0).toArray();
  }

  /** Goes through the events. */
  private final class Walk {
    /** Allocations so far. */
    int made;

    /** By ordinal, whether it has been freed. */
    final boolean[] gone = new boolean[Math.max(allocations, 0)];

    private int event;

    /**
     * Goes further.
     *
     * @param name of what is told of the place, for the message if it is none
     * @return events so far
     */
    int on(int further, String name) {
      if (further > events.length - event) {
        throw bad(name + " after event " + ((long) event + further) + " of " + events.length);
      }
      for (int end = event + further; event < end; event++) {
        if (events[event] >= 0) {
          made++;
        } else {
          gone[~events[event]] = true;
        }
      }
      return event;
    }

    boolean isThere(int ordinal) {
      return ordinal >= 0 && ordinal < made && !gone[ordinal];
    }
  }

  /** A tuple that is garbage gets other references, see {@link GarbageLinks}. */
  private void forgetTuplesInGarbage() {
    boolean[] garbage = new boolean[allocations];
    for (int i = 0; i < garbageGc.size(); i++) {
      garbage[garbageGc.get(i)] = true;
    }
    for (int i = 0; i < garbageOwned.size(); i++) {
      garbage[garbageOwned.get(i)] = true;
    }
    for (int i = 0; i < filled.length; i += 3) {
      if (filled[i + 2] >= 0 && (garbage[filled[i + 1]] || garbage[filled[i + 2]])) {
        filled[i + 2] = -1;
      }
    }
  }

  /** Objects that the request put on a free list, as distances from one ordinal to the next. */
  void shelved(IntArray deltas) {
    shelved = gcOrdinals("shelved", deltas);
    for (int ordinal : shelved) {
      if (fate[ordinal] != CARRIED) {
        throw bad("shelved object " + ordinal + " is not carried");
      }
    }
  }

  private int[] gcOrdinals(String what, IntArray deltas) {
    if (allocations < 0) {
      throw bad("a request's events must come before its " + what + " objects");
    }
    int[] ordinals = new int[deltas.size()];
    long ordinal = 0;
    for (int i = 0; i < ordinals.length; i++) {
      ordinal += deltas.get(i);
      if (ordinal >= allocations || domain[(int) ordinal] != RequestTrace.GC) {
        throw bad(what + " object " + ordinal + " is no object with a GC head");
      }
      ordinals[i] = (int) ordinal;
    }
    return ordinals;
  }

  /** Changes of the free lists' lengths: events since the one before, list, change, and so on. */
  void freeListChanges(IntArray raw) {
    if (allocations < 0) {
      throw bad("a request's events must come before its free_list_changes");
    }
    if (raw.size() % 3 != 0) {
      throw bad("free_list_changes must have three numbers a change");
    }
    IntArray rows = new IntArray(raw.size());
    long at = 0;
    for (int i = 0; i < raw.size(); i += 3) {
      at += raw.get(i);
      int list = raw.get(i + 1);
      if (raw.get(i) < 0 || at > events.length) {
        throw bad("free_list_changes after event " + at + " of " + events.length);
      }
      if (list < 1 || list > RequestTrace.FREE_LISTS_MAX) {
        throw bad("free list " + list + ", not 1 to " + RequestTrace.FREE_LISTS_MAX);
      }
      rows.add((int) at);
      rows.add(list);
      rows.add(raw.get(i + 2));
    }
    freeListChanges = new FreeListChanges(rows);
  }

  /** Ends of older objects: events since the one before, free list or 0, and so on. */
  void older(IntArray raw) {
    if (allocations < 0) {
      throw bad("a request's events must come before its older objects");
    }
    if (raw.size() % 2 != 0) {
      throw bad("older must have two numbers an object");
    }
    older = raw.toArray();
    Walk walk = new Walk();
    for (int i = 0; i < older.length; i += 2) {
      older[i] = walk.on(raw.get(i), "older object");
      if (older[i + 1] > RequestTrace.FREE_LISTS_MAX) {
        throw bad("free list " + older[i + 1] + ", not 0 to " + RequestTrace.FREE_LISTS_MAX);
      }
    }
  }

  RequestTrace finish() {
    if (endpoint < 0 || state == null || allocations < 0) {
      throw bad("a request needs endpoint, state and events");
    }
    IntArray rest = new IntArray(allocations);
    for (int ordinal = 0; ordinal < allocations; ordinal++) {
      if (fate[ordinal] == LIVE) {
        rest.add(ordinal);
      }
    }
    if (!heldAreTold) {
      held = rest.toArray();
    } else if (rest.size() > 0) {
      throw bad(
          rest.size()
              + " blocks of a request are neither freed, garbage, carried, gathered nor held");
    }
    settleOwnerless();
    forgetTuplesInGarbage();
    int groups = garbageGcStart.size();
    garbageGcStart.add(garbageGc.size());
    garbageOwnedStart.add(garbageOwned.size());
    checkLost(groups);
    return new RequestTrace(
        endpoint,
        state,
        new RequestTrace.Preceding(after, shares),
        cpuNs,
        events,
        new RequestTrace.Blocks(
            Arrays.copyOf(domain, allocations), freeList, resized, direct, unlisted, atomic),
        new RequestTrace.Garbage(
            garbageGc.toArray(),
            garbageGcStart.toArray(),
            garbageOwned.toArray(),
            garbageOwnedStart.toArray(),
            garbageLost.toArray()),
        new RequestTrace.Survivors(
            carried.toArray(), carriedRequests.toArray(), gathered, held, shelved),
        new RequestTrace.Moments(freeListChanges, tracked, filled, older));
  }

  /** Where it is not told, garbage becomes unreachable at the end. */
  private void checkLost(int groups) {
    if (garbageLost.size() == 0) {
      for (int group = 0; group < groups; group++) {
        garbageLost.add(events.length);
      }
    }
    if (garbageLost.size() != groups) {
      throw bad("lost tells of " + garbageLost.size() + " groups of garbage, there are " + groups);
    }
    int[] madeAfter = new int[allocations];
    // and on the collector's lists: later, it would be put there when a collection has freed it
    int ordinal = 0;
    for (int i = 0; i < events.length; i++) {
      if (events[i] >= 0) {
        madeAfter[ordinal++] = i;
      }
    }
    for (int i = 0; i < tracked.length; i += 2) {
      madeAfter[tracked[i + 1]] = tracked[i] - 1;
    }
    for (int group = 0; group < groups; group++) {
      int from = garbageGcStart.get(group);
      int fromOwned = garbageOwnedStart.get(group);
      int lost = garbageLost.get(group);
      for (int i = from; i < garbageGcStart.get(group + 1); i++) {
        checkMade(garbageGc.get(i), madeAfter, lost);
      }
      for (int i = fromOwned; i < garbageOwnedStart.get(group + 1); i++) {
        checkMade(garbageOwned.get(i), madeAfter, lost);
      }
    }
  }

  private void checkMade(int ordinal, int[] madeAfter, int lost) {
    if (madeAfter[ordinal] >= lost) {
      throw bad("garbage " + ordinal + " is lost before it is made");
    }
  }

  /**
   * Blocks that a collection frees, but whose owner is of another request: they go with the last
   * group of this one, or, if it has none, die in the next request.
   */
  private void settleOwnerless() {
    boolean group = garbageGcStart.size() > 0;
    for (int i = 0; i < ownerless.size(); i++) {
      if (group) {
        garbageOwned.add(ownerless.get(i));
      } else {
        carried.add(ownerless.get(i));
        carriedRequests.add(1);
      }
    }
  }

  private void settle(int ordinal, String how) {
    if (allocations < 0) {
      throw bad("a request's events must come before its " + how + " blocks");
    }
    if (ordinal < 0 || ordinal >= allocations) {
      throw bad(how + " block " + ordinal + " of " + allocations);
    }
    if (fate[ordinal] != LIVE) {
      throw bad(how + " block " + ordinal + " is freed or listed twice");
    }
    fate[ordinal] = SETTLED;
  }

  private ProfileException bad(String problem) {
    return new ProfileException(file, "line " + line + ": " + problem);
  }
}
