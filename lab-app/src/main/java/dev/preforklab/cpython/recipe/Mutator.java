package dev.preforklab.cpython.recipe;

import static dev.preforklab.cpython.Host.CAUSE_DATA;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.layout.DictLayout;
import dev.preforklab.cpython.layout.ObjectHead;
import dev.preforklab.cpython.layout.Traversal;
import dev.preforklab.cpython.layout.TypeSpec;
import dev.preforklab.cpython.layout.TypeSpec.Exact;
import java.util.Set;
import java.util.function.LongConsumer;

/**
 * Makes the builtin objects that a recipe's code makes, with the blocks, sizes, free lists and the
 * order of allocations of each release. Sources: {@code Objects/*object.c}; sizes and orders were
 * read off real interpreters by the addresses of their objects.
 *
 * <p>Each method that makes an object returns a new reference. {@link Instances} makes instances.
 */
final class Mutator {
  private static final int SMALL_INT_LEAST = -5;
  private static final int SMALL_INT_MOST = 256;
  private static final int DIGIT_BITS = 30;
  private static final int LIST_ITEMS = ObjectHead.VAR_BYTES;
  private static final int LIST_ALLOCATED = LIST_ITEMS + 8;
  private static final int SET_FILL = 16;
  private static final int SET_USED = 24;
  private static final int SET_MASK = 32;
  private static final int SET_TABLE = 40;
  private static final int SET_SMALL_TABLE = 64;
  private static final int SET_SMALL_SLOTS = 8;
  private static final int SET_ENTRY_BYTES = 16;
  private static final int FLOAT_BYTES = 24;
  private static final int LIST_BYTES = 40;
  private static final int ARRAY_BYTES = 64;

  /** The addresses of the builtin types' objects; equal in all processes of one family. */
  private record Types(
      long int_,
      long float_,
      long str,
      long bytes,
      long list,
      long tuple,
      long dict,
      long set,
      long array,
      long none,
      long smallInt,
      long emptyTuple) {}

  final Interpreter interpreter;
  final PythonVersion version;
  final DictLayout dicts;
  private final Host host;
  private final boolean isOld;
  private final Types types;

  /** A mutator of a fresh interpreter: adds the builtin types. */
  Mutator(Interpreter interpreter) {
    this(interpreter, addTypes(interpreter));
  }

  private Mutator(Interpreter interpreter, Types types) {
    this.interpreter = interpreter;
    this.types = types;
    host = interpreter.host;
    version = interpreter.version;
    isOld = version.major == 2;
    dicts = new DictLayout(version);
  }

  /** The mutator of a forked process. */
  Mutator forked(Interpreter child) {
    return new Mutator(child, types);
  }

  private static Types addTypes(Interpreter interpreter) {
    PythonVersion version = interpreter.version;
    int setBytes = version.major == 2 ? 232 : 200;
    long int_ = interpreter.addStaticType(TypeSpec.atomic("int", 24, 4, Exact.INT));
    long tuple = interpreter.addStaticType(container("tuple", TypeSpec.TUPLE, 24, 8, Exact.TUPLE));
    long noneType = interpreter.addStaticType(TypeSpec.atomic("NoneType", 16, 0));
    return new Types(
        int_,
        interpreter.addStaticType(TypeSpec.atomic("float", FLOAT_BYTES, 0, Exact.FLOAT)),
        interpreter.addStaticType(TypeSpec.atomic("str", version.asciiHeaderBytes, 1)),
        interpreter.addStaticType(TypeSpec.atomic("bytes", 33, 1)),
        interpreter.addStaticType(container("list", TypeSpec.LIST, LIST_BYTES, 0, Exact.LIST)),
        tuple,
        interpreter.addStaticType(
            container("dict", TypeSpec.DICT, new DictLayout(version).objectBytes, 0, Exact.DICT)),
        interpreter.addStaticType(container("set", TypeSpec.SET, setBytes, 0, Exact.SET)),
        interpreter.addStaticType(TypeSpec.atomic("array", ARRAY_BYTES, 8)),
        interpreter.addStaticObject("None", noneType, 16),
        interpreter.addStaticObject("small int", int_, 32),
        interpreter.addStaticObject("()", tuple, 24));
  }

  private static TypeSpec container(
      String name, int traversal, int basicBytes, int itemBytes, Exact exact) {
    return new TypeSpec(name, traversal, true, basicBytes, itemBytes, 0, 0, false, exact);
  }

  /** A new reference to None. */
  long none() {
    interpreter.incref(types.none);
    return types.none;
  }

  /** A block that is no object and holds no references. */
  long scratch(long bytes) {
    return interpreter.malloc.allocate(bytes);
  }

  void freeScratch(long block) {
    interpreter.malloc.free(block);
  }

  /** An int; small ones exist already. */
  long newInt(long value) {
    if (value >= SMALL_INT_LEAST && value <= SMALL_INT_MOST) {
      interpreter.incref(types.smallInt);
      return types.smallInt;
    }
    if (isOld) {
      return interpreter.freeLists.oldNumbers().allocate(false, types.int_);
    }
    return interpreter.newObject(types.int_, 24 + 4L * Math.max(1, digits(value)));
  }

  /**
   * The value of {@code i + constant}, i not negative. With an operand of several digits the sum
   * gets room for a carry ({@code x_add}), which stays with it; a difference does not.
   */
  long newSum(long i, long constant) {
    int digits = Math.max(digits(i), digits(constant));
    if (isOld || digits <= 1) {
      return newInt(i + constant);
    }
    return interpreter.newObject(types.int_, 24 + 4L * (constant < 0 ? digits : digits + 1));
  }

  private static int digits(long value) {
    int digits = 0;
    for (long rest = Math.abs(value); rest != 0; rest >>>= DIGIT_BITS) {
      digits++;
    }
    return digits;
  }

  long newFloat() {
    if (isOld) {
      return interpreter.freeLists.oldNumbers().allocate(true, types.float_);
    }
    long object = interpreter.freeLists.takeFloat();
    if (object == 0) {
      return interpreter.newObject(types.float_, FLOAT_BYTES);
    }
    writeHead(object, types.float_);
    return object;
  }

  /**
   * The value of {@code "%0*d" % (length, i)}: the tuple, the digits, the writer's buffer, then the
   * text in a block of its own size.
   *
   * @param digits characters of i
   */
  long newStr(int length, int digits) {
    long arguments = newTuple(0, 0);
    long text;
    if (isOld) {
      long buffer = interpreter.newObject(types.str, version.asciiHeaderBytes + 5L + 100);
      text = shrunk(buffer, version.asciiHeaderBytes + (long) Math.max(length, digits));
    } else {
      long number = interpreter.newObject(types.str, version.asciiHeaderBytes + (long) digits);
      long buffer =
          interpreter.newObject(types.str, version.asciiHeaderBytes + (long) Math.max(length, 105));
      interpreter.decref(number);
      text = shrunk(buffer, version.asciiHeaderBytes + (long) Math.max(length, digits));
    }
    interpreter.decref(arguments);
    return text;
  }

  private long shrunk(long buffer, long bytes) {
    return interpreter.malloc.reallocate(buffer, bytes);
  }

  /** The value of {@code bytes(bytearray(length))}. */
  long newBytes(int length) {
    long array = interpreter.malloc.allocate(isOld ? 48 : 56);
    long content = length == 0 ? 0 : allocateMemory(length + 1L);
    long object =
        interpreter.newObject(types.bytes, (isOld ? version.asciiHeaderBytes : 33) + (long) length);
    if (content != 0) {
      freeMemory(content);
    }
    interpreter.malloc.free(array);
    return object;
  }

  /** An array of longs, all 0: the object and its buffer. */
  long newArray(int length) {
    long object = interpreter.newObject(types.array, ARRAY_BYTES);
    long items = interpreter.raw.allocate(Math.max(1, 8L * length));
    set(object + LIST_ITEMS, items);
    set(object + ObjectHead.SIZE, length);
    for (long offset = 0; offset < 8L * length; offset += Host.BYTES_IN_PAGE) {
      set(items + offset, 0);
    }
    return object;
  }

  /** Gives an array's buffer back; the object itself follows with its last reference. */
  void releaseArray(long object) {
    if (host.load(object + ObjectHead.TYPE) == types.array) {
      interpreter.raw.free(host.load(object + LIST_ITEMS));
      set(object + LIST_ITEMS, interpreter.raw.allocate(1));
    }
  }

  boolean isArray(long object) {
    return host.load(object + ObjectHead.TYPE) == types.array;
  }

  /** A tuple of two references; 0 stands for something that is not counted. */
  long newTuple(long first, long second) {
    long object = tupleObject(2);
    set(object + ObjectHead.VAR_BYTES, first);
    set(object + ObjectHead.VAR_BYTES + 8, second);
    interpreter.track(object);
    return object;
  }

  /** A tuple that takes over the references. */
  long newTuple(long[] items) {
    if (items.length == 0) {
      interpreter.incref(types.emptyTuple);
      return types.emptyTuple;
    }
    long object = tupleObject(items.length);
    for (int i = 0; i < items.length; i++) {
      set(object + ObjectHead.VAR_BYTES + 8L * i, items[i]);
    }
    interpreter.track(object);
    return object;
  }

  private long tupleObject(int length) {
    long object = interpreter.freeLists.takeTuple(length);
    if (object == 0) {
      object = interpreter.newGcObject(types.tuple, ObjectHead.VAR_BYTES + 8L * length);
    } else {
      writeHead(object, types.tuple);
    }
    set(object + ObjectHead.SIZE, length);
    return object;
  }

  /** A list that takes over the references, its buffer just large enough ({@code [a, b]}). */
  long newList(long[] items) {
    long object = interpreter.freeLists.takeList();
    if (object == 0) {
      object = interpreter.newGcObject(types.list, LIST_BYTES);
    } else {
      writeHead(object, types.list);
    }
    long buffer = items.length == 0 ? 0 : allocateMemory(8L * items.length);
    for (int i = 0; i < items.length; i++) {
      set(buffer + 8L * i, items[i]);
    }
    set(object + ObjectHead.SIZE, items.length);
    set(object + LIST_ITEMS, buffer);
    set(object + LIST_ALLOCATED, items.length);
    interpreter.track(object);
    return object;
  }

  /** PyMem_Malloc: the C library's heap on 2.7, pymalloc later. */
  private long allocateMemory(long bytes) {
    return isOld ? interpreter.raw.allocate(bytes) : interpreter.malloc.allocate(bytes);
  }

  /** PyMem_Free. */
  private void freeMemory(long block) {
    if (isOld) {
      interpreter.raw.free(block);
    } else {
      interpreter.malloc.free(block);
    }
  }

  /** list.append; takes the reference over. */
  void append(long list, long item) {
    long size = host.load(list + ObjectHead.SIZE);
    long allocated = host.load(list + LIST_ALLOCATED);
    if (size == allocated) {
      long wanted = grownList(size + 1);
      long items = host.load(list + LIST_ITEMS);
      long moved =
          isOld
              ? interpreter.raw.reallocate(items, 8 * wanted)
              : interpreter.malloc.reallocate(items, 8 * wanted);
      set(list + LIST_ITEMS, moved);
      set(list + LIST_ALLOCATED, wanted);
    }
    set(host.load(list + LIST_ITEMS) + 8 * size, item);
    set(list + ObjectHead.SIZE, size + 1);
  }

  private long grownList(long size) {
    if (version.atLeast(3, 9)) {
      return size + (size >> 3) + 6 & ~3;
    }
    return size + (size >> 3) + (size < 9 ? 3 : 6);
  }

  long listSize(long list) {
    return host.load(list + ObjectHead.SIZE);
  }

  long listItem(long list, long index) {
    return host.load(host.load(list + LIST_ITEMS) + 8 * index);
  }

  /** Puts an item into a place of a list that holds none; takes the reference over. */
  void setListItem(long list, long index, long item) {
    set(host.load(list + LIST_ITEMS) + 8 * index, item);
  }

  /** Every item of a tuple, member of a set or value of a dict, in memory order. */
  void forEachReferent(long object, LongConsumer action) {
    Traversal traversal = new Traversal(host, version);
    traversal.locate(object, interpreter.spec(object));
    for (long i = 0; i < traversal.count; i++) {
      long referent = host.load(traversal.address + i * traversal.stride);
      if (referent != 0) {
        action.accept(referent);
      }
    }
  }

  /** A set that takes over the references, which are different values. */
  long newSet(long[] items) {
    long object = interpreter.freeLists.takeSet();
    int bytes = isOld ? 232 : 200;
    if (object == 0) {
      object = interpreter.newGcObject(types.set, bytes);
    } else {
      writeHead(object, types.set);
    }
    set(object + SET_FILL, 0);
    set(object + SET_USED, 0);
    set(object + SET_MASK, SET_SMALL_SLOTS - 1);
    set(object + SET_TABLE, object + SET_SMALL_TABLE);
    clearTable(object + SET_SMALL_TABLE, SET_SMALL_SLOTS);
    interpreter.track(object);
    for (int i = 0; i < items.length; i++) {
      addToSet(object, items[i], i);
    }
    return object;
  }

  private void addToSet(long object, long item, int hash) {
    long mask = host.load(object + SET_MASK);
    insertToTable(host.load(object + SET_TABLE), mask, item, hash);
    long used = host.load(object + SET_USED) + 1;
    set(object + SET_USED, used);
    set(object + SET_FILL, used);
    boolean full = isOld ? used * 3 >= (mask + 1) * 2 : used * 5 >= mask * 3;
    if (full) {
      resizeSet(object, used > 50_000 ? used * 2 : used * 4);
    }
  }

  private void resizeSet(long object, long least) {
    long slots = SET_SMALL_SLOTS;
    while (slots <= least) {
      slots <<= 1;
    }
    long oldTable = host.load(object + SET_TABLE);
    long oldMask = host.load(object + SET_MASK);
    long table = allocateMemory(slots * SET_ENTRY_BYTES);
    clearTable(table, slots);
    for (long i = 0; i <= oldMask; i++) {
      long key = host.load(oldTable + i * SET_ENTRY_BYTES);
      if (key != 0) {
        insertToTable(table, slots - 1, key, host.load(oldTable + i * SET_ENTRY_BYTES + 8));
      }
    }
    set(object + SET_TABLE, table);
    set(object + SET_MASK, slots - 1);
    if (oldTable != object + SET_SMALL_TABLE) {
      freeMemory(oldTable);
    }
  }

  private void insertToTable(long table, long mask, long key, long hash) {
    long slot = hash & mask;
    while (host.load(table + slot * SET_ENTRY_BYTES) != 0) {
      slot = slot + 1 & mask;
    }
    set(table + slot * SET_ENTRY_BYTES, key);
    set(table + slot * SET_ENTRY_BYTES + 8, hash);
  }

  private void clearTable(long table, long slots) {
    for (long i = 0; i < slots; i++) {
      set(table + i * SET_ENTRY_BYTES, 0);
    }
  }

  /** An empty dict object without a table of its own, not tracked. */
  long newDictObject() {
    long object = interpreter.freeLists.takeDict();
    if (object == 0) {
      object = interpreter.newGcObject(types.dict, dicts.objectBytes);
    } else {
      writeHead(object, types.dict);
    }
    if (isOld) {
      set(object + DictLayout.OLD_FILL, 0);
      set(object + DictLayout.OLD_USED, 0);
      set(object + DictLayout.OLD_MASK, DictLayout.MIN_SLOTS - 1);
      set(object + DictLayout.OLD_TABLE, object + DictLayout.OLD_SMALL_TABLE);
      clearOldTable(object + DictLayout.OLD_SMALL_TABLE, DictLayout.MIN_SLOTS);
    } else {
      set(object + DictLayout.USED, 0);
      set(object + DictLayout.KEYS, 0);
      set(object + DictLayout.VALUES, 0);
    }
    return object;
  }

  private void clearOldTable(long table, long slots) {
    for (long i = 0; i < slots; i++) {
      set(table + i * DictLayout.OLD_ENTRY_BYTES + 8, 0);
      set(table + i * DictLayout.OLD_ENTRY_BYTES + 16, 0);
    }
  }

  /** Adds an entry to a dict of 2.7, whose key is new; takes the value over, the key is static. */
  void setOldItem(long dict, long value) {
    long used = host.load(dict + DictLayout.OLD_USED);
    long mask = host.load(dict + DictLayout.OLD_MASK);
    long entry = host.load(dict + DictLayout.OLD_TABLE) + used * DictLayout.OLD_ENTRY_BYTES;
    set(entry + 8, types.none);
    set(entry + 16, value);
    set(dict + DictLayout.OLD_USED, used + 1);
    set(dict + DictLayout.OLD_FILL, used + 1);
    interpreter.incref(types.none);
    if (3 * (used + 1) >= 2 * (mask + 1)) {
      resizeOld(dict, 4 * (used + 1));
    }
    maybeTrack(dict, value);
  }

  private void resizeOld(long dict, long least) {
    long slots = DictLayout.MIN_SLOTS;
    while (slots <= least) {
      slots <<= 1;
    }
    long table = interpreter.raw.allocate(slots * DictLayout.OLD_ENTRY_BYTES);
    clearOldTable(table, slots);
    long old = host.load(dict + DictLayout.OLD_TABLE);
    long used = host.load(dict + DictLayout.OLD_USED);
    for (long i = 0; i < used * DictLayout.OLD_ENTRY_BYTES; i += 8) {
      set(table + i, host.load(old + i));
    }
    set(dict + DictLayout.OLD_TABLE, table);
    set(dict + DictLayout.OLD_MASK, slots - 1);
    if (old != dict + DictLayout.OLD_SMALL_TABLE) {
      interpreter.raw.free(old);
    }
  }

  /** A key table with room for so many entries, all of them of str keys. */
  long newKeys(int entries, int kind) {
    int logSlots = 3;
    while (DictLayout.usable(1L << logSlots) < entries) {
      logSlots++;
    }
    long keys = logSlots == 3 ? interpreter.freeLists.takeKeys() : 0;
    if (keys == 0) {
      keys = interpreter.malloc.allocate(dicts.keysBytes(logSlots, kind));
    }
    set(keys + DictLayout.KEYS_REF_COUNT, 1);
    set(keys + DictLayout.KEYS_SIZE_AND_KIND, DictLayout.sizeAndKind(logSlots, kind));
    set(keys + dicts.keysUsable, DictLayout.usable(1L << logSlots));
    set(keys + dicts.keysEntries, 0);
    return keys;
  }

  /** A dict display with constant str keys; takes the values over. */
  long newDict(long[] values) {
    long object = newDictObject();
    if (isOld) {
      for (long value : values) {
        setOldItem(object, value);
      }
      return object;
    }
    if (values.length > 0) {
      long keys = newKeys(values.length, DictLayout.KIND_UNICODE);
      int logSlots = DictLayout.logSlots(host.load(keys + DictLayout.KEYS_SIZE_AND_KIND));
      long entry = keys + dicts.firstEntry(logSlots) + dicts.entryKey(DictLayout.KIND_UNICODE);
      for (int i = 0; i < values.length; i++) {
        long at = entry + (long) i * dicts.entryBytes(DictLayout.KIND_UNICODE);
        interpreter.incref(types.none);
        set(at, types.none);
        set(at + 8, values[i]);
      }
      set(keys + dicts.keysEntries, values.length);
      set(object + DictLayout.KEYS, keys);
      set(object + DictLayout.USED, values.length);
    }
    for (long value : values) {
      maybeTrack(object, value);
    }
    return object;
  }

  /** A dict is tracked from the first value on that could be part of a cycle. */
  void maybeTrack(long dict, long value) {
    if (!interpreter.isTracked(dict) && mayBeTracked(value)) {
      interpreter.track(dict);
    }
  }

  private boolean mayBeTracked(long object) {
    if (!interpreter.isGc(object)) {
      return false;
    }
    Exact exact = interpreter.spec(object).exact();
    return object != types.emptyTuple
        && (!Set.of(Exact.TUPLE, Exact.DICT).contains(exact) || interpreter.isTracked(object));
  }

  private void writeHead(long object, long type) {
    set(object, 1);
    set(object + ObjectHead.TYPE, type);
  }

  private void set(long address, long value) {
    host.store(address, value, CAUSE_DATA);
  }
}
