package dev.preforklab.cpython.recipe;

import static dev.preforklab.cpython.Host.CAUSE_DATA;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.layout.DictLayout;

/**
 * The tables of 2.7's dicts: eight entries inside the object, more of them in the C heap. An entry
 * is hash, key, value, its place follows from the hash ({@code Objects/dictobject.c}).
 */
final class OldDicts {
  private static final int KEY = 8;
  private static final int VALUE = 16;
  private static final int PERTURB_SHIFT = 5;

  private final Mutator mutator;
  private final Interpreter interpreter;
  private final Host host;

  OldDicts(Mutator mutator) {
    this.mutator = mutator;
    interpreter = mutator.interpreter;
    host = interpreter.host;
  }

  void clear(long table, long slots) {
    for (long i = 0; i < slots; i++) {
      set(table + i * DictLayout.OLD_ENTRY_BYTES + KEY, 0);
      set(table + i * DictLayout.OLD_ENTRY_BYTES + VALUE, 0);
    }
  }

  /** {@code _PyDict_NewPresized}: room for so many entries, if they do not fit into the object. */
  void presize(long dict, int entries) {
    if (entries >= DictLayout.MIN_SLOTS) {
      resize(dict, entries);
    }
  }

  /**
   * Adds an entry to a dict of 2.7, whose key is new; takes the value over, the key is static.
   *
   * @param hash of the key
   */
  void setItem(long dict, long hash, long value) {
    long mask = host.load(dict + DictLayout.OLD_MASK);
    insert(host.load(dict + DictLayout.OLD_TABLE), mask, hash, mutator.none(), value);
    long used = host.load(dict + DictLayout.OLD_USED) + 1;
    set(dict + DictLayout.OLD_USED, used);
    set(dict + DictLayout.OLD_FILL, used);
    mutator.maybeTrack(dict, value);
    if (3 * used >= 2 * (mask + 1)) {
      resize(dict, (used > 50_000 ? 2 : 4) * used);
    }
  }

  /** The value of a key, which is told from others by its hash. */
  long item(long dict, long hash) {
    long table = host.load(dict + DictLayout.OLD_TABLE);
    long mask = host.load(dict + DictLayout.OLD_MASK);
    long slot = hash;
    long perturb = hash;
    long entry = entry(table, slot, mask);
    while (host.load(entry + KEY) != 0 && host.load(entry) != hash) {
      slot = slot * 5 + perturb + 1;
      perturb >>>= PERTURB_SHIFT;
      entry = entry(table, slot, mask);
    }
    return host.load(entry + VALUE);
  }

  private void insert(long table, long mask, long hash, long key, long value) {
    long slot = hash;
    long perturb = hash;
    long entry = entry(table, slot, mask);
    while (host.load(entry + KEY) != 0) {
      slot = slot * 5 + perturb + 1;
      perturb >>>= PERTURB_SHIFT;
      entry = entry(table, slot, mask);
    }
    set(entry, hash);
    set(entry + KEY, key);
    set(entry + VALUE, value);
  }

  private static long entry(long table, long slot, long mask) {
    return table + (slot & mask) * DictLayout.OLD_ENTRY_BYTES;
  }

  private void resize(long dict, long least) {
    long slots = DictLayout.MIN_SLOTS;
    while (slots <= least) {
      slots <<= 1;
    }
    long table = interpreter.raw.allocate(slots * DictLayout.OLD_ENTRY_BYTES);
    clear(table, slots);
    long old = host.load(dict + DictLayout.OLD_TABLE);
    long oldMask = host.load(dict + DictLayout.OLD_MASK);
    for (long i = 0; i <= oldMask; i++) {
      long entry = entry(old, i, oldMask);
      if (host.load(entry + KEY) != 0) {
        insert(
            table, slots - 1, host.load(entry), host.load(entry + KEY), host.load(entry + VALUE));
      }
    }
    set(dict + DictLayout.OLD_TABLE, table);
    set(dict + DictLayout.OLD_MASK, slots - 1);
    if (old != dict + DictLayout.OLD_SMALL_TABLE) {
      interpreter.raw.free(old);
    }
  }

  private void set(long address, long value) {
    host.store(address, value, CAUSE_DATA);
  }
}
