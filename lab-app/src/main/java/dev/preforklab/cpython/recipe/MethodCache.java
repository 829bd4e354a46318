package dev.preforklab.cpython.recipe;

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

  private final long start;
  private final Hashes hashes;
  private final boolean isByHash;
  private long nextVersion;

  /**
   * @param start address of the first entry
   * @param nextVersion of the next type that something is looked up in
   */
  MethodCache(Mutator mutator, Hashes hashes, long start, long nextVersion) {
    this.hashes = hashes;
    this.start = start;
    this.nextVersion = nextVersion;
    isByHash = !mutator.version.atLeast(3, 10);
  }

  private MethodCache(MethodCache parent) {
    start = parent.start;
    hashes = parent.hashes;
    isByHash = parent.isByHash;
    nextVersion = parent.nextVersion;
  }

  /** The table as a forked process has it. */
  MethodCache forked() {
    return new MethodCache(this);
  }

  /** A class's first instance is made and gets its attributes. */
  void learn(Mutator mutator, CodeUnit unit, List<Long> names) {
    long version = nextVersion++;
    if (unit.place instanceof Recipe.InstanceValue) {
      // From 3.10 on the index follows from the name's address; this name's is not known.
      enter(mutator, version, isByHash ? hashes.hash("__init__") : 0);
    }
    for (int i = 0; i < names.size(); i++) {
      long name = names.get(i);
      enter(mutator, version, isByHash ? hashes.hash(unit.attributes.get(i)) : name >>> 3);
      mutator.interpreter.refCounts.touch(name);
    }
  }

  private void enter(Mutator mutator, long version, long name) {
    mutator.set(start + ENTRY_BYTES * ((version ^ name) & (ENTRIES - 1)), version);
  }
}
