package dev.preforklab.cpython.refcount;

import static dev.preforklab.cpython.Host.CAUSE_ALLOCATOR;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.RuntimeState;
import dev.preforklab.cpython.layout.ObjectHead;
import java.util.Arrays;
import java.util.function.LongConsumer;

/**
 * The free lists of single types. An object taken from one, or put on one, does not pass through
 * the allocator, so the collector's count stays. Full collections give all of them back.
 *
 * <p>Lists, dicts, sets and key tables wait in static arrays; tuples are chained by their first
 * item, floats by their type word.
 */
public final class FreeLists {
  /** {@code f_back}, by which free frames are chained. */
  private static final int FRAME_BACK = 24;

  /** PyFrame_MAXFREELIST. */
  private static final int FRAMES = 200;

  private final Interpreter interpreter;
  private final Host host;
  private final long runtime;
  private final PythonVersion version;
  private final OldNumbers oldNumbers;
  private int listRoom;
  private int dictRoom;
  private int keysRoom;
  private int floatRoom;
  private final int[] tupleRoom;

  public FreeLists(Interpreter interpreter) {
    this.interpreter = interpreter;
    host = interpreter.host;
    runtime = interpreter.runtime;
    version = interpreter.version;
    oldNumbers = new OldNumbers(interpreter);
    listRoom = version.listFreeList;
    dictRoom = version.dictFreeList;
    keysRoom = version.keysFreeList;
    floatRoom = version.floatFreeList;
    tupleRoom = new int[version.tupleFreeListPut + 1];
    Arrays.fill(tupleRoom, version.tupleFreeList);
  }

  /**
   * From now on there is room for so many objects only, because objects wait on the lists of which
   * nothing else is known.
   *
   * @param tuples by length
   */
  public void limit(int lists, int dicts, int keys, int floats, int[] tuples) {
    listRoom = lists;
    dictRoom = dicts;
    keysRoom = keys;
    floatRoom = floats;
    System.arraycopy(tuples, 0, tupleRoom, 0, Math.min(tuples.length, tupleRoom.length));
  }

  /** The ints and floats of 2.7. */
  public OldNumbers oldNumbers() {
    return oldNumbers;
  }

  /** A list object with its GC head, or 0. */
  public long takeList() {
    return take(RuntimeState.LIST_FREE_COUNT);
  }

  /** Keeps a dead list; false if there is no room. */
  public boolean putList(long object) {
    return put(RuntimeState.LIST_FREE_COUNT, listRoom, object);
  }

  /** A dict object with its GC head, or 0. */
  public long takeDict() {
    return take(RuntimeState.DICT_FREE_COUNT);
  }

  public boolean putDict(long object) {
    return put(RuntimeState.DICT_FREE_COUNT, dictRoom, object);
  }

  /** A key table of the smallest size, or 0. */
  public long takeKeys() {
    return take(RuntimeState.KEYS_FREE_COUNT);
  }

  public boolean putKeys(long keys) {
    return put(RuntimeState.KEYS_FREE_COUNT, keysRoom, keys);
  }

  /** A set object with its GC head, or 0 (2.7 only). */
  public long takeSet() {
    return take(RuntimeState.SET_FREE_COUNT);
  }

  public boolean putSet(long object) {
    return put(RuntimeState.SET_FREE_COUNT, version.setFreeList, object);
  }

  /** A tuple of a length, or 0. */
  public long takeTuple(long length) {
    if (length < 1 || length > version.tupleFreeListTake) {
      return 0;
    }
    return takeChained(
        RuntimeState.TUPLE_FREE_COUNT + 8 * (int) length,
        RuntimeState.TUPLE_FREE + 8 * (int) length,
        ObjectHead.VAR_BYTES);
  }

  public boolean putTuple(long object, long length) {
    if (length < 1 || length > version.tupleFreeListPut) {
      return false;
    }
    return putChained(
        RuntimeState.TUPLE_FREE_COUNT + 8 * (int) length,
        RuntimeState.TUPLE_FREE + 8 * (int) length,
        ObjectHead.VAR_BYTES,
        tupleRoom[(int) length],
        object);
  }

  /** A float object, or 0. */
  public long takeFloat() {
    return takeChained(RuntimeState.FLOAT_FREE_COUNT, RuntimeState.FLOAT_FREE, ObjectHead.TYPE);
  }

  public boolean putFloat(long object) {
    return putChained(
        RuntimeState.FLOAT_FREE_COUNT, RuntimeState.FLOAT_FREE, ObjectHead.TYPE, floatRoom, object);
  }

  /** A builtin function or method that was bound to an object, or 0 (to 3.6 only). */
  public long takeBound(boolean builtin) {
    int offset = builtin ? 0 : 8;
    return takeChained(
        RuntimeState.BOUND_FREE_COUNT + offset, RuntimeState.BOUND_FREE + offset, ObjectHead.BYTES);
  }

  public boolean putBound(boolean builtin, long object) {
    int offset = builtin ? 0 : 8;
    return putChained(
        RuntimeState.BOUND_FREE_COUNT + offset,
        RuntimeState.BOUND_FREE + offset,
        ObjectHead.BYTES,
        version.methodFreeList,
        object);
  }

  /** A frame that code has left behind which kept another one already, or 0 (to 3.10 only). */
  public long takeFrame() {
    return takeChained(RuntimeState.FRAME_FREE_COUNT, RuntimeState.FRAME_FREE, FRAME_BACK);
  }

  /** Keeps such a frame; false if there is no room. */
  public boolean putFrame(long object) {
    return putChained(
        RuntimeState.FRAME_FREE_COUNT, RuntimeState.FRAME_FREE, FRAME_BACK, FRAMES, object);
  }

  /** Whether a frame waits. */
  public boolean hasFrames() {
    return host.load(runtime + RuntimeState.FRAME_FREE) != 0;
  }

  /** Keeps a dead block of a list of which only this is known, until a full collection. */
  public void putOther(long block) {
    set(block, host.load(runtime + RuntimeState.UNKNOWN_FREE));
    set(runtime + RuntimeState.UNKNOWN_FREE, block);
  }

  /** Takes the dead block of that kind that was kept last; 0 if there is none. */
  public long takeOther() {
    long block = host.load(runtime + RuntimeState.UNKNOWN_FREE);
    if (block != 0) {
      set(runtime + RuntimeState.UNKNOWN_FREE, host.load(block));
    }
    return block;
  }

  /**
   * Gives kept objects back to the allocator ({@code clear_freelists}): all of them, but on 2.7 no
   * lists, dicts and sets. Of two arenas that have as many free pools the one that had them first
   * is further back and stays if it becomes empty first, so the order of the lists matters.
   */
  public void clear() {
    if (version.major == 2) {
      oldNumbers.clear();
    }
    for (long o; (o = host.load(runtime + RuntimeState.UNKNOWN_FREE)) != 0; ) {
      set(runtime + RuntimeState.UNKNOWN_FREE, host.load(o));
      interpreter.malloc.free(o);
    }
    for (long o; (o = takeBound(false)) != 0; ) {
      interpreter.gcDelete(o);
    }
    for (long o; (o = takeFrame()) != 0; ) {
      interpreter.gcDelete(o);
    }
    for (long o; (o = takeBound(true)) != 0; ) {
      interpreter.gcDelete(o);
    }
    if (version.atLeast(3, 13)) {
      clearFloats();
      clearTuples();
    } else {
      clearTuples();
      clearFloats();
    }
    if (version.major == 2) {
      return;
    }
    for (long o; (o = takeList()) != 0; ) {
      interpreter.gcDelete(o);
    }
    for (long o; (o = takeDict()) != 0; ) {
      interpreter.gcDelete(o);
    }
    for (long o; (o = takeKeys()) != 0; ) {
      interpreter.malloc.free(o);
    }
    for (long o; (o = takeSet()) != 0; ) {
      interpreter.gcDelete(o);
    }
  }

  private void clearTuples() {
    for (long t = 1; t <= 20; t++) {
      int count = RuntimeState.TUPLE_FREE_COUNT + 8 * (int) t;
      int head = RuntimeState.TUPLE_FREE + 8 * (int) t;
      for (long o; (o = takeChained(count, head, ObjectHead.VAR_BYTES)) != 0; ) {
        interpreter.gcDelete(o);
      }
    }
  }

  private void clearFloats() {
    for (long o; (o = takeFloat()) != 0; ) {
      interpreter.malloc.free(o);
    }
  }

  /** Visits the blocks of what waits on the lists, but for 2.7's numbers. */
  public void forEachBlock(LongConsumer visit) {
    int head = version.gcHeadBytes;
    visitChain(RuntimeState.UNKNOWN_FREE, 0, 0, visit);
    visitChain(RuntimeState.FRAME_FREE, FRAME_BACK, head, visit);
    for (int t = 1; t <= 20; t++) {
      visitChain(RuntimeState.TUPLE_FREE + 8 * t, ObjectHead.VAR_BYTES, head, visit);
    }
    visitChain(RuntimeState.FLOAT_FREE, ObjectHead.TYPE, 0, visit);
    visitChain(RuntimeState.BOUND_FREE, ObjectHead.BYTES, head, visit);
    visitChain(RuntimeState.BOUND_FREE + 8, ObjectHead.BYTES, head, visit);
    visitArray(RuntimeState.LIST_FREE_COUNT, head, visit);
    visitArray(RuntimeState.DICT_FREE_COUNT, head, visit);
    visitArray(RuntimeState.KEYS_FREE_COUNT, 0, visit);
    visitArray(RuntimeState.SET_FREE_COUNT, head, visit);
  }

  private void visitChain(int first, int link, int head, LongConsumer visit) {
    for (long o = host.load(runtime + first); o != 0; o = host.load(o + link)) {
      visit.accept(o - head);
    }
  }

  private void visitArray(int countOffset, int head, LongConsumer visit) {
    long count = host.load(runtime + countOffset);
    for (long i = 1; i <= count; i++) {
      visit.accept(host.load(runtime + countOffset + 8 * i) - head);
    }
  }

  /** Objects on a list, by its {@code RuntimeState} offset. */
  public long count(int countOffset) {
    return host.load(runtime + countOffset);
  }

  private long take(int countOffset) {
    long count = host.load(runtime + countOffset);
    if (count == 0) {
      return 0;
    }
    set(runtime + countOffset, count - 1);
    return host.load(runtime + countOffset + 8 * count);
  }

  private boolean put(int countOffset, int limit, long object) {
    long count = host.load(runtime + countOffset);
    if (count >= limit) {
      return false;
    }
    set(runtime + countOffset + 8 * (count + 1), object);
    set(runtime + countOffset, count + 1);
    return true;
  }

  private long takeChained(int countOffset, int headOffset, int link) {
    long object = host.load(runtime + headOffset);
    if (object != 0) {
      set(runtime + headOffset, host.load(object + link));
      set(runtime + countOffset, host.load(runtime + countOffset) - 1);
    }
    return object;
  }

  private boolean putChained(int countOffset, int headOffset, int link, int limit, long object) {
    long count = host.load(runtime + countOffset);
    if (count >= limit) {
      return false;
    }
    set(object + link, host.load(runtime + headOffset));
    set(runtime + headOffset, object);
    set(runtime + countOffset, count + 1);
    return true;
  }

  private void set(long address, long value) {
    host.store(address, value, CAUSE_ALLOCATOR);
  }
}
