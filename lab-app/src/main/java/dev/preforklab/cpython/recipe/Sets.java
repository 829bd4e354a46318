package dev.preforklab.cpython.recipe;

import static dev.preforklab.cpython.Host.CAUSE_DATA;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.Interpreter;

/** Makes sets: eight entries inside the object, more of them in a table apart. */
final class Sets {
  private static final int SET_FILL = 16;
  private static final int SET_USED = 24;
  private static final int SET_MASK = 32;
  private static final int SET_TABLE = 40;
  private static final int SET_SMALL_TABLE = 64;
  private static final int SET_SMALL_SLOTS = 8;
  private static final int SET_ENTRY_BYTES = 16;

  private final Mutator mutator;
  private final Interpreter interpreter;
  private final Host host;
  private final boolean isOld;
  private final long type;

  Sets(Mutator mutator, long type) {
    this.mutator = mutator;
    this.type = type;
    interpreter = mutator.interpreter;
    host = interpreter.host;
    isOld = mutator.version.major == 2;
  }

  /** A set that takes over the references, which are different values. */
  long create(long[] items) {
    long object = interpreter.freeLists.takeSet();
    if (object == 0) {
      object = interpreter.newGcObject(type, isOld ? 232 : 200);
    } else {
      mutator.writeHead(object, type);
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
    long table = mutator.allocateMemory(slots * SET_ENTRY_BYTES);
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
      mutator.freeMemory(oldTable);
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

  private void set(long address, long value) {
    host.store(address, value, CAUSE_DATA);
  }
}
