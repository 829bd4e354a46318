package dev.preforklab.cpython.recipe;

import static dev.preforklab.cpython.Host.CAUSE_DATA;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.layout.DictLayout;

/** The tables of 2.7's dicts: eight entries inside the object, more of them in the C heap. */
final class OldDicts {
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
      set(table + i * DictLayout.OLD_ENTRY_BYTES + 8, 0);
      set(table + i * DictLayout.OLD_ENTRY_BYTES + 16, 0);
    }
  }

  /** Adds an entry to a dict of 2.7, whose key is new; takes the value over, the key is static. */
  void setItem(long dict, long value) {
    long used = host.load(dict + DictLayout.OLD_USED);
    long mask = host.load(dict + DictLayout.OLD_MASK);
    long entry = host.load(dict + DictLayout.OLD_TABLE) + used * DictLayout.OLD_ENTRY_BYTES;
    set(entry + 8, mutator.none());
    set(entry + 16, value);
    set(dict + DictLayout.OLD_USED, used + 1);
    set(dict + DictLayout.OLD_FILL, used + 1);
    if (3 * (used + 1) >= 2 * (mask + 1)) {
      resize(dict, 4 * (used + 1));
    }
    mutator.maybeTrack(dict, value);
  }

  private void resize(long dict, long least) {
    long slots = DictLayout.MIN_SLOTS;
    while (slots <= least) {
      slots <<= 1;
    }
    long table = interpreter.raw.allocate(slots * DictLayout.OLD_ENTRY_BYTES);
    clear(table, slots);
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

  private void set(long address, long value) {
    host.store(address, value, CAUSE_DATA);
  }
}
