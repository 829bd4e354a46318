package dev.preforklab.cpython.layout;

import dev.preforklab.cpython.PythonVersion;

/**
 * Offsets and sizes of dicts and their key tables by release ({@code Objects/dictobject.c}).
 *
 * <p>To 2.7 a dict has eight entries inside and a larger table apart; from 3.6 on an index table
 * and a dense array of entries, which the dicts of one class may share.
 */
public final class DictLayout {
  // the dict object, from 3.6 on
  public static final int USED = 16;
  public static final int VERSION_TAG = 24;
  public static final int KEYS = 32;
  public static final int VALUES = 40;

  // the dict object of 2.7
  public static final int OLD_FILL = 16;
  public static final int OLD_USED = 24;
  public static final int OLD_MASK = 32;
  public static final int OLD_TABLE = 40;
  public static final int OLD_SMALL_TABLE = 56;
  public static final int OLD_ENTRY_BYTES = 24;

  /** Slots of the smallest table. */
  public static final int MIN_SLOTS = 8;

  // the key table; all words. SIZE_AND_KIND: log2 of slots, of index bytes, kind (a byte each)
  public static final int KEYS_REF_COUNT = 0;
  public static final int KEYS_SIZE_AND_KIND = 8;

  /** Entries of 24 bytes with hash, key, value. */
  public static final int KIND_GENERAL = 0;

  /** All keys are str: entries of 16 bytes from 3.11 on. */
  public static final int KIND_UNICODE = 1;

  /** All keys are str and shared by the dicts of a class. */
  public static final int KIND_SPLIT = 2;

  public final boolean isOld;
  public final int objectBytes;

  /** Offset of dk_usable, dk_nentries and dk_indices in a key table. */
  public final int keysUsable;

  public final int keysEntries;
  public final int keysIndices;
  private final boolean hasSmallEntries;

  public DictLayout(PythonVersion version) {
    isOld = version.major == 2;
    objectBytes = isOld ? 248 : 48;
    hasSmallEntries = version.atLeast(3, 11);
    keysUsable = hasSmallEntries ? 16 : 24;
    keysEntries = keysUsable + 8;
    keysIndices = keysUsable + 16;
  }

  /** Packs what a key table says of its shape. */
  public static long sizeAndKind(int logSlots, int kind) {
    return logSlots | (long) indexBytes(1L << logSlots) << 8 | (long) kind << 16;
  }

  public static int logSlots(long sizeAndKind) {
    return (int) sizeAndKind & 0xff;
  }

  public static int kind(long sizeAndKind) {
    return (int) (sizeAndKind >>> 16) & 0xff;
  }

  /** Bytes of one index in a table of so many slots. */
  public static int indexBytes(long slots) {
    return slots <= 0xff ? 1 : slots <= 0xffff ? 2 : slots <= 0xffffffffL ? 4 : 8;
  }

  /** Binary logarithm of the slots of the smallest table that has room for so many entries. */
  public static int logSlotsFor(int entries) {
    int logSlots = 3;
    while (usable(1L << logSlots) < entries) {
      logSlots++;
    }
    return logSlots;
  }

  /** Entries that a table of so many slots takes before it grows. */
  public static long usable(long slots) {
    return 2 * slots / 3;
  }

  public int entryBytes(int kind) {
    return hasSmallEntries && kind != KIND_GENERAL ? 16 : 24;
  }

  /** Offset of the key in an entry; the value follows. */
  public int entryKey(int kind) {
    return entryBytes(kind) - 16;
  }

  /** Offset of the first entry in a key table. */
  public long firstEntry(int logSlots) {
    long slots = 1L << logSlots;
    return keysIndices + slots * indexBytes(slots);
  }

  /** Bytes of a key table. */
  public long keysBytes(int logSlots, int kind) {
    return firstEntry(logSlots) + usable(1L << logSlots) * entryBytes(kind);
  }
}
