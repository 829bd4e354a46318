package dev.preforklab.cpython.layout;

import java.util.Arrays;

/**
 * Referents of captured objects whose places inside the object are not known, and the blocks that
 * such an object owns. Built once, then shared unchanged by all processes.
 *
 * <p>An entry is: number of referents, number of owned blocks, the referents' addresses, the
 * blocks' addresses; addresses in units of 8 bytes, unsigned. Index 0 is an empty entry.
 */
public final class ReferentTable {
  private int[] words = new int[1024];
  private int used = 2;

  /** Adds an entry and returns its index. */
  public int add(long[] referents, int referentCount, long[] blocks, int blockCount) {
    int index = used;
    int end = index + 2 + referentCount + blockCount;
    if (end > words.length) {
      words = Arrays.copyOf(words, Math.max(end, words.length + (words.length >>> 1)));
    }
    words[index] = referentCount;
    words[index + 1] = blockCount;
    for (int i = 0; i < referentCount; i++) {
      words[index + 2 + i] = (int) (referents[i] >>> 3);
    }
    for (int i = 0; i < blockCount; i++) {
      words[index + 2 + referentCount + i] = (int) (blocks[i] >>> 3);
    }
    used = end;
    return index;
  }

  /** The table itself, for loops. */
  public int[] words() {
    return words;
  }

  public int referentCount(int index) {
    return words[index];
  }

  public long referent(int index, int i) {
    return (words[index + 2 + i] & 0xffffffffL) << 3;
  }

  public int blockCount(int index) {
    return words[index + 1];
  }

  public long block(int index, int i) {
    return (words[index + 2 + words[index] + i] & 0xffffffffL) << 3;
  }

  /** Gives unused room back. */
  public void trim() {
    words = Arrays.copyOf(words, used);
  }
}
