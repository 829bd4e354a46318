package dev.preforklab.cpython.replay;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.PythonVersion.InstanceLayout;
import dev.preforklab.cpython.gc.Untracking;
import dev.preforklab.cpython.layout.DictLayout;
import dev.preforklab.cpython.layout.ObjectHead;
import dev.preforklab.cpython.layout.Traversal;
import dev.preforklab.cpython.layout.TypeSpec;

/**
 * The few kinds of objects that traces are made of, built in simulated memory as the interpreter
 * builds them: allocated, filled and tracked in the same order.
 */
final class TraceObjects {
  static final int FIELDS = 4;
  private static final int DEAD_LISTS_AT_START = 74;

  final long none;
  final long slotsType;
  final long listType;
  final long tupleType;
  final long dictType;
  final long instanceType;
  private final long atomicType;

  private final Interpreter interpreter;
  private final Host host;
  private final PythonVersion version;
  private final DictLayout dicts;
  private final long[] keys = new long[FIELDS];

  // what the class I has learnt: the place of each attribute in its shared keys, and room for more
  private final int[] sharedIndex = {-1, -1, -1, -1};
  private int sharedEntries;
  private int sharedUsable = PythonVersion.SHARED_KEYS_MAX_SIZE;

  TraceObjects(Interpreter interpreter) {
    this.interpreter = interpreter;
    host = interpreter.host;
    version = interpreter.version;
    dicts = new DictLayout(version);
    long plainType = interpreter.addStaticType(TypeSpec.atomic("NoneType", 16, 0));
    none = interpreter.addStaticObject("None", plainType, 16);
    for (int i = 0; i < FIELDS; i++) {
      keys[i] = interpreter.addStaticObject("f" + i, plainType, 64);
    }
    atomicType = interpreter.addStaticType(TypeSpec.blocks("baseline", 24, 16, 0, false));
    slotsType = interpreter.addStaticType(TypeSpec.blocks("N", 48, 16, FIELDS, false));
    listType = type("list", TypeSpec.LIST, 40, TypeSpec.Exact.LIST);
    tupleType = type("tuple", TypeSpec.TUPLE, 24, TypeSpec.Exact.TUPLE);
    dictType = type("dict", TypeSpec.DICT, dicts.objectBytes, TypeSpec.Exact.DICT);
    instanceType = type("I", TypeSpec.INSTANCE, 32, TypeSpec.Exact.NONE);
  }

  private long type(String name, int traversal, int bytes, TypeSpec.Exact exact) {
    return interpreter.addStaticType(
        new TypeSpec(name, traversal, true, bytes, 8, 0, 0, false, exact));
  }

  /** A tracked object without references that nothing ever frees. */
  long newBaselineObject(boolean immortal) {
    long object = interpreter.newGcObject(atomicType, 24);
    interpreter.track(object);
    if (immortal) {
      set(object, ObjectHead.IMMORTAL_REF_COUNT);
    }
    return object;
  }

  /** N(): four slots, all empty. */
  long newSlots() {
    long object = interpreter.newGcObject(slotsType, 16 + 8 * FIELDS);
    for (int i = 0; i < FIELDS; i++) {
      set(object + 16 + 8L * i, 0);
    }
    interpreter.track(object);
    return object;
  }

  /** A list of so many times None. */
  long newList(int count) {
    long object = interpreter.freeLists.takeList();
    if (object == 0) {
      object = interpreter.newGcObject(listType, 40);
    } else {
      reuse(object, listType);
    }
    long items = count == 0 ? 0 : interpreter.malloc.allocate(8L * count);
    for (int i = 0; i < count; i++) {
      interpreter.incref(none);
      set(items + 8L * i, none);
    }
    set(object + ObjectHead.SIZE, count);
    set(object + ObjectHead.VAR_BYTES, items);
    set(object + ObjectHead.VAR_BYTES + 8, count);
    interpreter.track(object);
    return object;
  }

  long newPair(long first, long second) {
    long object = interpreter.freeLists.takeTuple(2);
    if (object == 0) {
      object = interpreter.newGcObject(tupleType, ObjectHead.VAR_BYTES + 16);
    } else {
      reuse(object, tupleType);
    }
    interpreter.incref(first);
    interpreter.incref(second);
    set(object + ObjectHead.SIZE, 2);
    set(object + ObjectHead.VAR_BYTES, first);
    set(object + ObjectHead.VAR_BYTES + 8, second);
    interpreter.track(object);
    return object;
  }

  /**
   * Leaves dead lists and a dict to be used again, as many as a replaying program under 2.7 has
   * left when the trace begins; that release never gives them back.
   */
  void fillFreeLists() {
    long[] dead = new long[DEAD_LISTS_AT_START];
    for (int i = 0; i < dead.length; i++) {
      dead[i] = newList(0);
    }
    for (long object : dead) {
      interpreter.decref(object);
    }
    interpreter.decref(newDict());
  }

  /** A tuple of numbers, as a call's arguments or its result. */
  long newNumbers(int count) {
    long object = interpreter.freeLists.takeTuple(count);
    if (object == 0) {
      object = interpreter.newGcObject(tupleType, ObjectHead.VAR_BYTES + 8L * count);
    } else {
      reuse(object, tupleType);
    }
    set(object + ObjectHead.SIZE, count);
    for (int i = 0; i < count; i++) {
      interpreter.incref(none);
      set(object + ObjectHead.VAR_BYTES + 8L * i, none);
    }
    interpreter.track(object);
    return object;
  }

  /** {}: to 3.13 not tracked before it holds something that may be. */
  long newDict() {
    long object = interpreter.freeLists.takeDict();
    if (object == 0) {
      object = interpreter.newGcObject(dictType, dicts.objectBytes);
    } else {
      reuse(object, dictType);
    }
    if (dicts.isOld) {
      for (int offset = DictLayout.OLD_FILL; offset < dicts.objectBytes; offset += 8) {
        set(object + offset, 0);
      }
      set(object + DictLayout.OLD_MASK, DictLayout.MIN_SLOTS - 1);
      set(object + DictLayout.OLD_TABLE, object + DictLayout.OLD_SMALL_TABLE);
    } else {
      set(object + DictLayout.USED, 0);
      set(object + DictLayout.KEYS, 0);
      set(object + DictLayout.VALUES, 0);
    }
    return interpreter.newDictTracked(object);
  }

  private void reuse(long object, long type) {
    set(object, 1);
    set(object + ObjectHead.TYPE, type);
  }

  /** I(): an instance without attributes; its values are made with it from 3.11 on. */
  long newInstance() {
    InstanceLayout layout = version.instanceLayout;
    if (layout != InstanceLayout.DICT && sharedUsable > 1) {
      sharedUsable--;
    }
    int capacity = sharedEntries + sharedUsable;
    int inline = layout == InstanceLayout.INLINE ? 8 + 9 * capacity : 0;
    int bytes = layout == InstanceLayout.VALUES ? 24 : layout == InstanceLayout.DICT ? 32 : 16;
    long object =
        interpreter.newGcObject(instanceType, bytes + inline, version.instancePreHeaderBytes);
    switch (layout) {
      case DICT -> {
        set(object + 16, 0);
        set(object + 24, 0);
      }
      case VALUES -> {
        long prefix = (capacity + 2L + 7) & -8;
        long values = interpreter.malloc.allocate(prefix + 8L * capacity) + prefix;
        set(values - 8, capacity | prefix << 56);
        clear(values, capacity);
        setValues(object, values);
      }
      case INLINE -> {
        set(object + 16, capacity);
        clear(object + 24, capacity);
      }
    }
    interpreter.track(object);
    return object;
  }

  private void clear(long values, int count) {
    for (int i = 0; i < count; i++) {
      set(values + 8L * i, 0);
    }
  }

  private boolean tagsValues() {
    return version.atLeast(3, 12);
  }

  /** Address of an instance's values, or 0 once it has a dict. */
  private long values(long object) {
    if (version.instanceLayout == InstanceLayout.INLINE) {
      return host.load(object + 16) == 0 ? 0 : object + 24;
    }
    long word = host.load(object + Traversal.valuesOffset(tagsValues()));
    return tagsValues() ? ((word & 1) == 0 ? 0 : word + 1) : word;
  }

  private void setValues(long object, long values) {
    boolean tagged = tagsValues();
    set(object + Traversal.valuesOffset(tagged), tagged ? values - 1 : values);
  }

  /** Stores a reference into a word: takes the new one, drops the old one. */
  void assign(long address, long value) {
    interpreter.incref(value);
    long old = host.load(address);
    set(address, value);
    interpreter.decref(old);
  }

  void setSlot(long object, int field, long value) {
    assign(object + 16 + 8L * field, value);
  }

  void setItem(long list, int index, long value) {
    assign(host.load(list + ObjectHead.VAR_BYTES) + 8L * index, value);
  }

  /** dict[key] = value, or the first time, a new entry. */
  void setEntry(long dict, int field, long value) {
    if (!interpreter.isTracked(dict) && Untracking.mayBeTracked(interpreter, value)) {
      interpreter.track(dict);
    }
    long entry = dicts.isOld ? oldEntry(dict, field) : entry(dict, field);
    assign(entry + 8, value);
  }

  private long oldEntry(long dict, int field) {
    long entry = dict + DictLayout.OLD_SMALL_TABLE + 24L * field + 8;
    if (host.load(entry) == 0) {
      interpreter.incref(keys[field]);
      set(entry, keys[field]);
    }
    return entry;
  }

  /**
   * Address of the key word of an entry; the dict has at most four, so they are searched in turn.
   */
  private long entry(long dict, int field) {
    int kind = DictLayout.KIND_UNICODE;
    long table = host.load(dict + DictLayout.KEYS);
    if (table == 0) {
      table = newKeys(kind);
      set(dict + DictLayout.KEYS, table);
    }
    long used = host.load(table + dicts.keysEntries);
    long entry = table + dicts.firstEntry(3) + dicts.entryKey(kind);
    for (long i = 0; i < used; i++) {
      if (host.load(entry) == keys[field]) {
        return entry;
      }
      entry += dicts.entryBytes(kind);
    }
    interpreter.incref(keys[field]);
    set(entry, keys[field]);
    set(entry + 8, 0);
    set(table + dicts.keysEntries, used + 1);
    set(table + dicts.keysUsable, DictLayout.usable(8) - used - 1);
    set(dict + DictLayout.USED, used + 1);
    return entry;
  }

  private long newKeys(int kind) {
    long table = interpreter.freeLists.takeKeys();
    if (table == 0) {
      table = interpreter.malloc.allocate(dicts.keysBytes(3, kind));
    }
    set(table, 1);
    set(table + DictLayout.KEYS_SIZE_AND_KIND, DictLayout.sizeAndKind(3, kind));
    set(table + dicts.keysUsable, DictLayout.usable(8));
    set(table + dicts.keysEntries, 0);
    set(table + dicts.keysIndices, -1);
    return table;
  }

  /** instance.attribute = value: in its values, or in the dict that the first attribute makes. */
  void setAttribute(long object, int field, long value) {
    if (version.instanceLayout == InstanceLayout.DICT) {
      long dict = host.load(object + 16);
      if (dict == 0) {
        dict = newDict();
        set(object + 16, dict);
      }
      setEntry(dict, field, value);
      return;
    }
    long values = values(object);
    if (values != 0 && sharedIndex[field] < 0 && sharedUsable > 0) {
      sharedIndex[field] = sharedEntries++;
      sharedUsable--;
    }
    if (values == 0) {
      setEntry(host.load(object - 24), field, value);
    } else if (sharedIndex[field] < 0) {
      setEntry(materializeDict(object, values), field, value);
    } else {
      assign(values + 8L * sharedIndex[field], value);
    }
  }

  /** The class's shared keys are full: the instance gets a dict of its own for good. */
  private long materializeDict(long object, long values) {
    long dict = newDict();
    for (int index = 0; index < sharedEntries; index++) {
      long value = host.load(values + 8L * index);
      if (value != 0) {
        // The dict takes the reference over; for a moment there are two.
        setEntry(dict, fieldAt(index), value);
        set(values + 8L * index, 0);
        interpreter.decref(value);
      }
    }
    if (version.instanceLayout == InstanceLayout.INLINE) {
      set(object + 16, 0);
    } else {
      interpreter.malloc.free(values - (host.load(values - 8) >>> 56));
      set(object + Traversal.valuesOffset(tagsValues()), 0);
    }
    set(object - 24, dict);
    return dict;
  }

  private int fieldAt(int index) {
    int field = 0;
    while (sharedIndex[field] != index) {
      field++;
    }
    return field;
  }

  private void set(long address, long value) {
    host.store(address, value, Host.CAUSE_DATA);
  }
}
