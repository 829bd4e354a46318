package dev.preforklab.cpython.recipe;

import static dev.preforklab.cpython.Host.CAUSE_DATA;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.layout.DictLayout;
import dev.preforklab.cpython.layout.ObjectHead;
import dev.preforklab.cpython.layout.Traversal;
import dev.preforklab.cpython.layout.TypeSpec.Exact;
import java.math.BigInteger;
import java.util.Map;
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
  private static final int MACHINE_BITS = 63;
  private static final int LIST_ITEMS = ObjectHead.VAR_BYTES;
  private static final int LIST_ALLOCATED = LIST_ITEMS + 8;

  final Interpreter interpreter;
  final PythonVersion version;
  final DictLayout dicts;
  private final Host host;
  private final boolean isOld;
  final Builtins types;
  final Sets sets;
  private final LongArrays arrays;
  private final Hashes hashes;
  final Dicts dictObjects;
  final Texts texts;

  /**
   * A mutator of a fresh interpreter: adds the builtin types.
   *
   * @param places where those objects are that stand in the interpreter's static memory
   */
  Mutator(Interpreter interpreter, Hashes hashes, Map<String, Long> places) {
    this(interpreter, Builtins.add(interpreter, places), hashes);
  }

  private Mutator(Interpreter interpreter, Builtins types, Hashes hashes) {
    this.interpreter = interpreter;
    this.types = types;
    host = interpreter.host;
    version = interpreter.version;
    isOld = version.major == 2;
    dicts = new DictLayout(version);
    sets = new Sets(this, types.set(), hashes);
    arrays = new LongArrays(this, types.array());
    this.hashes = hashes;
    dictObjects = new Dicts(this, types.dict(), types.none(), hashes);
    texts = new Texts(this);
  }

  /** The mutator of a forked process. */
  Mutator forked(Interpreter child) {
    return new Mutator(child, types, hashes);
  }

  /** Puts dead dicts and lists on the free lists. */
  private void fillFreeLists(int dictCount, int listCount) {
    for (int i = 0; i < Math.min(dictCount, version.dictFreeList); i++) {
      interpreter.freeLists.putDict(interpreter.newGcObject(types.dict(), dicts.objectBytes));
    }
    for (int i = 0; i < Math.min(listCount, version.listFreeList); i++) {
      interpreter.freeLists.putList(interpreter.newGcObject(types.list(), Builtins.LIST_BYTES));
    }
  }

  /**
   * Puts as many dead objects on the free lists as the interpreter had there.
   *
   * @param there how many are there already
   */
  void fillFreeLists(Baseline.FreeLists counts, Baseline.FreeLists there) {
    int count = interpreter.gcState.count(0);
    // The lists were counted after the recipe's own was taken.
    int lists = counts.lists() == 0 ? 0 : counts.lists() + 1;
    fillFreeLists(counts.dicts() - there.dicts(), lists - there.lists());
    for (int length = 1; length < counts.tuples().length; length++) {
      for (int i = there.tuples()[length]; i < counts.tuples()[length]; i++) {
        interpreter.freeLists.putTuple(
            interpreter.newGcObject(types.tuple(), ObjectHead.VAR_BYTES + 8L * length), length);
      }
    }
    for (int i = there.floats(); i < counts.floats(); i++) {
      interpreter.freeLists.putFloat(interpreter.newObject(types.float_(), Builtins.FLOAT_BYTES));
    }
    for (int i = there.keys(); i < Math.min(counts.keys(), version.keysFreeList); i++) {
      interpreter.freeLists.putKeys(dictObjects.newKeys(0, DictLayout.KIND_UNICODE));
    }
    interpreter.gcState.setCount(0, count);
  }

  /** A new reference to None. */
  long none() {
    interpreter.incref(types.none());
    return types.none();
  }

  /** A block that is no object and holds no references. */
  long scratch(long bytes) {
    return interpreter.malloc.allocate(bytes);
  }

  /** Gives such a block another size; 0 stands for none yet. */
  long reallocateScratch(long block, long bytes) {
    return block == 0 ? scratch(bytes) : interpreter.malloc.reallocate(block, bytes);
  }

  void freeScratch(long block) {
    interpreter.malloc.free(block);
  }

  /** Whether an int exists once for all. */
  static boolean isSmall(BigInteger value) {
    return value.bitLength() < 31
        && value.intValue() >= SMALL_INT_LEAST
        && value.intValue() <= SMALL_INT_MOST;
  }

  /** An int among a function's constants, not a small one. */
  long newConstant(BigInteger value) {
    return number(types.int_(), digits(value));
  }

  /**
   * A str of the source.
   *
   * @param isName whether it is interned, which makes it immortal from 3.12 on
   */
  long newName(int length, boolean isName) {
    long object = interpreter.newObject(types.str(), version.asciiHeaderBytes + (long) length);
    if (isName && version.hasImmortalObjects) {
      set(object, ObjectHead.IMMORTAL_REF_COUNT);
    }
    return object;
  }

  /** An object that only has a reference count. */
  long newOpaque(long bytes) {
    long object = interpreter.malloc.allocate(bytes);
    set(object, 1);
    fill(object, bytes);
    return object;
  }

  /** An int; small ones exist already. */
  long newInt(long value) {
    if (value >= SMALL_INT_LEAST && value <= SMALL_INT_MOST) {
      interpreter.incref(types.smallInt());
      return types.smallInt();
    }
    if (isOld) {
      return interpreter.freeLists.oldNumbers().allocate(false, types.int_());
    }
    return number(types.int_(), Math.max(1, digits(value)));
  }

  private long number(long type, int digits) {
    long object = interpreter.newObject(type, 24 + 4L * digits);
    fill(object, 24 + 4L * digits);
    return object;
  }

  /**
   * The value of {@code i + constant}, i not negative. With an operand of several digits the sum
   * gets room for a carry ({@code x_add}), which stays with it; a difference does not. 2.7 has such
   * numbers, its long, only where 64 bits do not hold the constant or the sum.
   */
  long newSum(long i, BigInteger constant) {
    // Most constants are of a word, and need no large numbers here.
    boolean isWord = constant.bitLength() < MACHINE_BITS - 1;
    int digits = Math.max(digits(i), isWord ? digits(constant.longValue()) : digits(constant));
    boolean isLong = !isWord && isLong(constant, constant.add(BigInteger.valueOf(i)));
    if (isOld ? !isLong : digits <= 1) {
      return newInt(constant.longValue() + i);
    }
    return number(
        isOld ? types.long_() : types.int_(), constant.signum() < 0 ? digits : digits + 1);
  }

  private static boolean isLong(BigInteger constant, BigInteger sum) {
    return constant.bitLength() > MACHINE_BITS || sum.bitLength() > MACHINE_BITS;
  }

  private static int digits(BigInteger value) {
    return (value.abs().bitLength() + DIGIT_BITS - 1) / DIGIT_BITS;
  }

  private static int digits(long value) {
    int bits = Long.SIZE - Long.numberOfLeadingZeros(Math.abs(value));
    return (bits + DIGIT_BITS - 1) / DIGIT_BITS;
  }

  long newFloat() {
    if (isOld) {
      return interpreter.freeLists.oldNumbers().allocate(true, types.float_());
    }
    long object = interpreter.freeLists.takeFloat();
    if (object == 0) {
      object = interpreter.newObject(types.float_(), Builtins.FLOAT_BYTES);
    } else {
      writeHead(object, types.float_());
    }
    set(object + ObjectHead.BYTES, 0);
    return object;
  }

  /** The value of {@code bytes(bytearray(length))}; either call has its argument in a tuple. */
  long newBytes(int length) {
    long size = newTuple(new long[] {0});
    long array = interpreter.malloc.allocate(isOld ? 48 : 56);
    long content = length == 0 ? 0 : allocateMemory(length + 1L);
    if (content != 0) {
      fill(content, length + 1L);
    }
    interpreter.decref(size);
    interpreter.evalBreaker();
    long source = newTuple(new long[] {0});
    long object;
    // There is one empty value, and on 2.7 one of each single character.
    if (length == 0 || (length == 1 && isOld)) {
      object = types.emptyBytes();
      interpreter.incref(object);
    } else {
      int headBytes = isOld ? version.asciiHeaderBytes : 33;
      object = interpreter.newObject(types.bytes(), headBytes + (long) length);
      fill(object, headBytes + (long) length);
    }
    if (content != 0) {
      freeMemory(content);
    }
    interpreter.decref(source);
    interpreter.malloc.free(array);
    interpreter.evalBreaker();
    return object;
  }

  /** The value of {@code array.array("l", [0]) * length}. */
  long newArray(int length) {
    return arrays.create(length);
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
      interpreter.incref(types.emptyTuple());
      return types.emptyTuple();
    }
    long object = tupleObject(items.length);
    for (int i = 0; i < items.length; i++) {
      set(object + ObjectHead.VAR_BYTES + 8L * i, items[i]);
    }
    interpreter.track(object);
    return object;
  }

  /** A tuple among a function's constants, which a collection has untracked since it was made. */
  long newConstantTuple(long[] items) {
    int count = interpreter.gcState.count(0);
    long object = interpreter.newGcObject(types.tuple(), ObjectHead.VAR_BYTES + 8L * items.length);
    set(object + ObjectHead.SIZE, items.length);
    for (int i = 0; i < items.length; i++) {
      set(object + ObjectHead.VAR_BYTES + 8L * i, items[i]);
    }
    interpreter.gcState.setCount(0, count);
    return object;
  }

  private long tupleObject(int length) {
    long object = interpreter.freeLists.takeTuple(length);
    if (object == 0) {
      object = interpreter.newGcObject(types.tuple(), ObjectHead.VAR_BYTES + 8L * length);
    } else {
      writeHead(object, types.tuple());
    }
    set(object + ObjectHead.SIZE, length);
    return object;
  }

  /** A list that takes over the references, its buffer just large enough ({@code [a, b]}). */
  long newList(long[] items) {
    return newList(items, items.length);
  }

  /** A display of constants, three or more: from 3.9 on a tuple of them extends an empty list. */
  long newConstantList(long[] items) {
    int length = items.length;
    if (!version.atLeast(3, 9) || length < 3) {
      return newList(items);
    }
    if (version.atLeast(3, 10)) {
      return newList(items, length + 1 & ~1);
    }
    int grown = (int) grownList(length);
    return newList(items, length > grown - length ? length + 3 & ~3 : grown);
  }

  private long newList(long[] items, int room) {
    long object = interpreter.freeLists.takeList();
    if (object == 0) {
      object = interpreter.newGcObject(types.list(), Builtins.LIST_BYTES);
    } else {
      writeHead(object, types.list());
    }
    long buffer = room == 0 ? 0 : allocateMemory(8L * room);
    for (int i = 0; i < items.length; i++) {
      set(buffer + 8L * i, items[i]);
    }
    set(object + ObjectHead.SIZE, items.length);
    set(object + LIST_ITEMS, buffer);
    set(object + LIST_ALLOCATED, room);
    interpreter.track(object);
    return object;
  }

  /** PyMem_Malloc: the C library's heap on 2.7, pymalloc later. */
  long allocateMemory(long bytes) {
    return isOld ? interpreter.raw.allocate(bytes) : interpreter.malloc.allocate(bytes);
  }

  /** PyMem_Free. */
  void freeMemory(long block) {
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

  /** How many items there is room for in a list that has grown to so many. */
  long grownList(long size) {
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

  long tupleItem(long tuple, long index) {
    return host.load(tuple + ObjectHead.VAR_BYTES + 8 * index);
  }

  long typeOf(long object) {
    return host.load(object + ObjectHead.TYPE);
  }

  /** Gives 2.7 the blocks of ints and floats that the captured interpreter had. */
  void restoreNumbers(BaselineLoader loader) {
    if (isOld) {
      loader.loadNumbers(interpreter, false, types.int_());
      loader.loadNumbers(interpreter, true, types.float_());
    }
  }

  /** The types that the reader of an act compares a value's type with, one after another. */
  void touchContainerTypes() {
    interpreter.refCounts.touch(types.list());
    interpreter.refCounts.touch(types.tuple());
    interpreter.refCounts.touch(types.set());
    interpreter.refCounts.touch(types.dict());
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
    return object != types.emptyTuple() && (exact != Exact.TUPLE || interpreter.isTracked(object));
  }

  void writeHead(long object, long type) {
    set(object, 1);
    set(object + ObjectHead.TYPE, type);
  }

  /** Writes what a new object holds behind its head, as far as that dirties further pages. */
  void fill(long object, long bytes) {
    long end = object + bytes;
    long nextPage = (object | (Host.BYTES_IN_PAGE - 1)) + 1;
    for (long address = nextPage; address < end; address += Host.BYTES_IN_PAGE) {
      set(address, 0);
    }
  }

  void set(long address, long value) {
    host.store(address, value, CAUSE_DATA);
  }
}
