package dev.preforklab.cpython.recipe;

import static dev.preforklab.cpython.Host.CAUSE_DATA;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.Interpreter;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Makes sets: eight entries inside the object, more of them in a table apart ({@code
 * Objects/setobject.c}). A member's place follows from its hash; where that is taken, sets of 3.x
 * look at the next nine slots before they jump, those of 2.7 jump at once.
 *
 * <p>2.7 has the hash in front of the key and its entries 8 bytes further up: its keys, which are
 * what anybody reads, stand where they stand here.
 */
final class Sets {
  private static final int SET_FILL = 16;
  private static final int SET_USED = 24;
  private static final int SET_MASK = 32;
  private static final int SET_TABLE = 40;
  private static final int SET_SMALL_TABLE = 64;
  private static final int SET_SMALL_SLOTS = 8;
  private static final int SET_ENTRY_BYTES = 16;
  private static final int SET_BYTES = 200;
  private static final int LINEAR_PROBES = 9;
  private static final int PERTURB_SHIFT = 5;

  private final Mutator mutator;
  private final Interpreter interpreter;
  private final Host host;
  private final boolean isOld;
  private final long type;
  private final Hashes hashes;

  Sets(Mutator mutator, long type, Hashes hashes) {
    this.mutator = mutator;
    this.type = type;
    this.hashes = hashes;
    interpreter = mutator.interpreter;
    host = interpreter.host;
    isOld = mutator.version.major == 2;
  }

  /** An empty set. */
  long create() {
    long object = interpreter.freeLists.takeSet();
    if (object == 0) {
      object = interpreter.newGcObject(type, SET_BYTES);
    } else {
      mutator.writeHead(object, type);
    }
    set(object + SET_FILL, 0);
    set(object + SET_USED, 0);
    set(object + SET_MASK, SET_SMALL_SLOTS - 1);
    set(object + SET_TABLE, object + SET_SMALL_TABLE);
    clearTable(object + SET_SMALL_TABLE, SET_SMALL_SLOTS);
    interpreter.track(object);
    return object;
  }

  /** A set of items that are all there; takes the references over. */
  long create(long[] items, List<Object> values) {
    long object = create();
    Set<Object> members = new HashSet<>();
    for (int i = 0; i < items.length; i++) {
      add(object, items[i], values.get(i), members);
    }
    return object;
  }

  /**
   * Adds an item to a new set, whose reference goes if there is an equal one.
   *
   * @param value what the item is for {@link Hashes}
   * @param members the same of the items so far
   */
  void add(long object, long item, Object value, Set<Object> members) {
    if (members.add(value)) {
      add(object, item, hashes.hash(value));
    } else {
      interpreter.decref(item);
    }
  }

  private void add(long object, long item, long hash) {
    long mask = host.load(object + SET_MASK);
    insert(host.load(object + SET_TABLE), mask, item, hash);
    long used = host.load(object + SET_USED) + 1;
    set(object + SET_USED, used);
    set(object + SET_FILL, used);
    if (isFull(used, mask)) {
      resize(object, used > 50_000 ? used * 2 : used * 4);
    }
  }

  private boolean isFull(long used, long mask) {
    if (isOld) {
      return used * 3 >= (mask + 1) * 2;
    }
    return mutator.version.atLeast(3, 7) ? used * 5 >= mask * 3 : used * 3 >= mask * 2;
  }

  private void resize(long object, long least) {
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
        insert(table, slots - 1, key, host.load(oldTable + i * SET_ENTRY_BYTES + 8));
      }
    }
    set(object + SET_TABLE, table);
    set(object + SET_MASK, slots - 1);
    if (oldTable != object + SET_SMALL_TABLE) {
      mutator.freeMemory(oldTable);
    }
  }

  /** Puts a key that is not there yet into the first free slot of its probe sequence. */
  private void insert(long table, long mask, long key, long hash) {
    long slot = hash & mask;
    long perturb = hash;
    while (true) {
      long last = isOld || slot + LINEAR_PROBES > mask ? slot : slot + LINEAR_PROBES;
      for (long at = slot; at <= last; at++) {
        if (host.load(table + at * SET_ENTRY_BYTES) == 0) {
          set(table + at * SET_ENTRY_BYTES, key);
          set(table + at * SET_ENTRY_BYTES + 8, hash);
          return;
        }
      }
      if (!isOld) {
        perturb >>>= PERTURB_SHIFT;
      }
      slot = slot * 5 + 1 + perturb & mask;
      if (isOld) {
        perturb >>>= PERTURB_SHIFT;
      }
    }
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
