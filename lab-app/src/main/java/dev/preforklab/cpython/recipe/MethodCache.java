package dev.preforklab.cpython.recipe;

import dev.preforklab.cpython.Host;
import java.util.List;

/**
 * The table in which {@code _PyType_Lookup} keeps what it has found, one entry for a type's version
 * and a name. A class gets its version, and its names their entries, when its first instance looks
 * them up: 4,096 entries lie on some 24 pages, so that a child that uses a class first copies a
 * page for nearly each of its attributes.
 */
final class MethodCache {
  private static final int ENTRIES = 4096;
  private static final int ENTRY_BYTES = 24;

  private final Baseline.MethodCacheState captured;
  private final long start;
  private final Hashes hashes;
  private final boolean isByHash;
  private long nextVersion;
  private boolean knowsBytes;

  /**
   * @param captured the table and its names in the real process
   * @param start simulated address of the first entry
   */
  MethodCache(Mutator mutator, Hashes hashes, Baseline.MethodCacheState captured, long start) {
    this.captured = captured;
    this.hashes = hashes;
    this.start = start;
    nextVersion = captured.nextVersion();
    isByHash = !mutator.version.atLeast(3, 10);
  }

  private MethodCache(MethodCache parent) {
    captured = parent.captured;
    start = parent.start;
    hashes = parent.hashes;
    isByHash = parent.isByHash;
    nextVersion = parent.nextVersion;
    knowsBytes = parent.knowsBytes;
  }

  /** Whether a page holds nothing but entries of the table at {@code start}. */
  static boolean covers(long start, long page) {
    long first = (start + Host.BYTES_IN_PAGE - 1) >>> Host.LOG_BYTES_IN_PAGE;
    return page >= first && page < (start + ENTRIES * ENTRY_BYTES) >>> Host.LOG_BYTES_IN_PAGE;
  }

  /** The table as a forked process has it. */
  MethodCache forked() {
    return new MethodCache(this);
  }

  /** A class's first instance is made and gets its attributes. */
  void learn(Mutator mutator, CodeUnit unit, List<Long> names) {
    long version = nextVersion++;
    if (unit.place instanceof Recipe.InstanceValue) {
      enter(mutator, version, key("__init__", captured.init()));
    }
    for (int i = 0; i < names.size(); i++) {
      enter(mutator, version, key(unit.attributes.get(i), names.get(i)));
      mutator.interpreter.refCounts.touch(names.get(i));
    }
  }

  /** {@code bytes(bytearray)} asks the bytearray for {@code __bytes__}, which it has not. */
  void lookUpBytes(Mutator mutator) {
    if (!knowsBytes) {
      knowsBytes = true;
      long known = captured.bytearrayVersion();
      enter(mutator, known == 0 ? nextVersion++ : known, key("__bytes__", captured.bytes()));
    }
  }

  /** What of a name goes into the index: its hash to 3.9, from then on its address. */
  private long key(String name, long address) {
    return isByHash ? hashes.hash(name) : address >>> 3;
  }

  private void enter(Mutator mutator, long version, long key) {
    mutator.set(start + ENTRY_BYTES * ((version ^ key) & (ENTRIES - 1)), version);
  }
}
