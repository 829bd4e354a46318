package dev.preforklab.cpython.recipe;

import static dev.preforklab.cpython.Host.CAUSE_DATA;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.layout.DictLayout;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;

/**
 * Makes dicts. Key tables of 3.6 and later keep their entries in order; only 2.7's place them by
 * hash, see {@link OldDicts}.
 */
final class Dicts {
  /** Items of a display whose values all wait on the stack, from 3.10 on ({@code compile.c}). */
  static final int LARGEST_PRESIZED = 15;

  /** Items of each part of a longer one. */
  static final int GROWN = 17;

  private final Mutator mutator;
  private final Interpreter interpreter;
  private final Host host;
  private final DictLayout dicts;
  private final boolean isOld;
  private final long type;
  private final long none;
  private final OldDicts oldDicts;
  private final Hashes hashes;
  private final Map<String, Long> keyHashes = new HashMap<>();

  Dicts(Mutator mutator, long type, long none, Hashes hashes) {
    this.mutator = mutator;
    this.type = type;
    this.none = none;
    this.hashes = hashes;
    interpreter = mutator.interpreter;
    host = interpreter.host;
    dicts = mutator.dicts;
    isOld = mutator.version.major == 2;
    oldDicts = new OldDicts(mutator);
  }

  /** An empty dict object without a table of its own; tracked from 3.14 on only. */
  long newDictObject() {
    long object = interpreter.freeLists.takeDict();
    if (object == 0) {
      object = interpreter.newGcObject(type, dicts.objectBytes);
    } else {
      mutator.writeHead(object, type);
    }
    if (isOld) {
      set(object + DictLayout.OLD_FILL, 0);
      set(object + DictLayout.OLD_USED, 0);
      set(object + DictLayout.OLD_MASK, DictLayout.MIN_SLOTS - 1);
      set(object + DictLayout.OLD_TABLE, object + DictLayout.OLD_SMALL_TABLE);
      oldDicts.clear(object + DictLayout.OLD_SMALL_TABLE, DictLayout.MIN_SLOTS);
    } else {
      set(object + DictLayout.USED, 0);
      set(object + DictLayout.KEYS, 0);
      set(object + DictLayout.VALUES, 0);
    }
    return interpreter.newDictTracked(object);
  }

  /** A key table with room for so many entries, all of them of str keys. */
  long newKeys(int entries, int kind) {
    int logSlots = DictLayout.logSlotsFor(entries);
    long keys = logSlots == 3 ? interpreter.freeLists.takeKeys() : 0;
    return writeKeys(keys, logSlots, kind);
  }

  /** The table of a dict's copy, which never comes from the free list. */
  long copyKeys(int logSlots) {
    return writeKeys(0, logSlots, DictLayout.KIND_UNICODE);
  }

  private long writeKeys(long place, int logSlots, int kind) {
    long keys = place == 0 ? interpreter.malloc.allocate(dicts.keysBytes(logSlots, kind)) : place;
    mutator.fill(keys, dicts.keysBytes(logSlots, kind));
    set(keys + DictLayout.KEYS_REF_COUNT, 1);
    set(keys + DictLayout.KEYS_SIZE_AND_KIND, DictLayout.sizeAndKind(logSlots, kind));
    set(keys + dicts.keysUsable, DictLayout.usable(1L << logSlots));
    set(keys + dicts.keysEntries, 0);
    return keys;
  }

  /**
   * A dict display with constant str keys. 2.7 makes the dict first, then value after value; later
   * releases have all values when they make it.
   *
   * @param keys the names as objects; none on 2.7, where None stands for them
   * @param values evaluates the values, in order; the dict takes them over
   */
  long newDict(List<String> names, long[] keys, List<LongSupplier> values) {
    if (isOld) {
      long object = newDictObject();
      oldDicts.presize(object, names.size());
      for (int i = 0; i < names.size(); i++) {
        setOldItem(object, names.get(i), values.get(i).getAsLong());
      }
      return object;
    }
    if (mutator.version.atLeast(3, 10) && names.size() > LARGEST_PRESIZED) {
      return grownDict(keys, values);
    }
    return filled(keys, values.stream().mapToLong(LongSupplier::getAsLong).toArray());
  }

  /**
   * A dict presized for its items. Where it is presized to no more than a dict's first table, it is
   * empty from 3.8 on, and has that table from its first item on; any other table comes before the
   * dict ({@code _PyDict_NewPresized}).
   */
  private long filled(long[] names, long[] values) {
    boolean empty =
        mutator.version.atLeast(3, 8) && values.length <= DictLayout.usable(DictLayout.MIN_SLOTS);
    long table = empty ? 0 : newKeys(values.length, DictLayout.KIND_UNICODE);
    long object = newDictObject();
    if (empty && values.length > 0) {
      table = newKeys(values.length, DictLayout.KIND_UNICODE);
    }
    setKeys(object, table);
    fill(object, names, values);
    return object;
  }

  /**
   * A display too long for the stack: parts of it are dicts of their own, with which the first is
   * updated ({@code compiler_dict}).
   */
  private long grownDict(long[] names, List<LongSupplier> values) {
    long object = 0;
    for (int begin = 0; begin < names.length; begin += GROWN) {
      int end = Math.min(names.length, begin + GROWN);
      long part = part(Arrays.copyOfRange(names, begin, end), values.subList(begin, end));
      if (begin == 0) {
        object = part;
      } else {
        update(object, part);
        interpreter.decref(part);
      }
    }
    return object;
  }

  /** A dict item by item, its table growing, or of few of them all at once. */
  private long part(long[] names, List<LongSupplier> values) {
    if (names.length <= LARGEST_PRESIZED) {
      return filled(names, values.stream().mapToLong(LongSupplier::getAsLong).toArray());
    }
    long object = newDictObject();
    for (int i = 0; i < names.length; i++) {
      long made = values.get(i).getAsLong();
      if (host.load(object + DictLayout.KEYS) == 0) {
        setKeys(object, newKeys(0, DictLayout.KIND_UNICODE));
      }
      addItem(object, names[i], made);
    }
    return object;
  }

  private void update(long object, long part) {
    int used = (int) host.load(part + DictLayout.USED);
    for (int i = 0; i < used; i++) {
      long entry = entry(host.load(part + DictLayout.KEYS), i);
      long value = host.load(entry + 8);
      interpreter.incref(value);
      addItem(object, host.load(entry), value);
    }
  }

  private void fill(long object, long[] names, long[] values) {
    if (values.length == 0) {
      return;
    }
    long keys = host.load(object + DictLayout.KEYS);
    for (int i = 0; i < values.length; i++) {
      interpreter.incref(names[i]);
      set(entry(keys, i), names[i]);
      set(entry(keys, i) + 8, values[i]);
    }
    set(keys + dicts.keysEntries, values.length);
    set(object + DictLayout.USED, values.length);
    for (long value : values) {
      mutator.maybeTrack(object, value);
    }
  }

  /** Sets an item of a dict of 2.7 whose key is new; takes the value over. */
  void setOldItem(long dict, String key, long value) {
    oldDicts.setItem(dict, keyHash(key), value);
  }

  /** The value of a key in a dict of 2.7. */
  long oldItem(long dict, String key) {
    return oldDicts.item(dict, keyHash(key));
  }

  private long keyHash(String key) {
    return keyHashes.computeIfAbsent(key, hashes::hash);
  }

  /** A table that a dict of so many entries grows to: the first power of two from three times. */
  long newKeysOf(int entries) {
    long slots = Long.highestOneBit(Math.max(DictLayout.MIN_SLOTS, 3L * entries) * 2 - 1);
    return newKeys((int) DictLayout.usable(slots), DictLayout.KIND_UNICODE);
  }

  /** Gives a dict that has no table an empty one. */
  void setKeys(long dict, long keys) {
    set(dict + DictLayout.KEYS, keys);
  }

  /** Adds an entry with a static key to a dict with a table of its own, from 3.10 on. */
  void addItem(long dict, long value) {
    addItem(dict, none, value);
  }

  private void addItem(long dict, long name, long value) {
    long keys = host.load(dict + DictLayout.KEYS);
    int used = (int) host.load(dict + DictLayout.USED);
    long entry = entry(keys, used);
    if (used == DictLayout.usable(1L << DictLayout.logSlots(shape(keys)))) {
      long larger = newKeysOf(used);
      for (int i = 0; i < used; i++) {
        set(entry(larger, i), host.load(entry(keys, i)));
        set(entry(larger, i) + 8, host.load(entry(keys, i) + 8));
      }
      boolean isSmallest = DictLayout.logSlots(shape(keys)) == 3;
      if (!isSmallest || !interpreter.freeLists.putKeys(keys)) {
        interpreter.malloc.free(keys);
      }
      set(dict + DictLayout.KEYS, larger);
      keys = larger;
      entry = entry(keys, used);
    }
    interpreter.incref(name);
    set(entry, name);
    set(entry + 8, value);
    set(keys + dicts.keysEntries, used + 1L);
    set(dict + DictLayout.USED, used + 1L);
    mutator.maybeTrack(dict, value);
  }

  /** The value of a dict's entry, from 3.11 on. */
  long item(long dict, int number) {
    return host.load(entry(host.load(dict + DictLayout.KEYS), number) + 8);
  }

  /** Goes through the keys and values; on 2.7, where keys stand for none, through values alone. */
  void forEachItem(long dict, LongConsumer key, LongConsumer value) {
    long keys = isOld ? 0 : host.load(dict + DictLayout.KEYS);
    if (keys == 0) {
      mutator.forEachReferent(dict, value);
      return;
    }
    for (int i = 0; i < host.load(keys + dicts.keysEntries); i++) {
      key.accept(host.load(entry(keys, i)));
      value.accept(host.load(entry(keys, i) + 8));
    }
  }

  private long shape(long keys) {
    return host.load(keys + DictLayout.KEYS_SIZE_AND_KIND);
  }

  private long entry(long keys, int number) {
    int kind = DictLayout.KIND_UNICODE;
    return keys
        + dicts.firstEntry(DictLayout.logSlots(shape(keys)))
        + dicts.entryKey(kind)
        + (long) number * dicts.entryBytes(kind);
  }

  private void set(long address, long value) {
    host.store(address, value, CAUSE_DATA);
  }
}
