package dev.preforklab.cpython.layout;

import dev.preforklab.cpython.Host;

/**
 * The lists of 3.14, whose nodes carry tag bits in next as well: the old space that they belong to,
 * and during a collection whether they are unreachable. All operations keep them. List heads carry
 * none.
 */
public final class SpacedGcList extends GcList {
  public SpacedGcList(Host host) {
    super(host);
  }

  @Override
  public long next(long node) {
    return super.next(node) & GcHead.NEXT_MASK;
  }

  @Override
  public void setNext(long node, long next) {
    set(node + GcHead.NEXT, next | (nextWord(node) & ~GcHead.NEXT_MASK));
  }

  @Override
  void setLinks(long node, long next, long prev) {
    setPrev(node, prev);
    setNext(node, next);
  }

  @Override
  public void remove(long node) {
    super.remove(node);
    setNextWord(node, 0);
  }

  /** The word next with its tag bits. */
  public long nextWord(long node) {
    return host.load(node + GcHead.NEXT);
  }

  public void setNextWord(long node, long word) {
    set(node + GcHead.NEXT, word);
  }

  /** The old space that a node's bit names. */
  public int space(long node) {
    return (int) (nextWord(node) & GcHead.NEXT_OLD_SPACE);
  }

  /** Stores a node's bit, whether or not it changes. */
  public void setSpace(long node, int space) {
    setNextWord(node, (nextWord(node) & ~GcHead.NEXT_OLD_SPACE) | space);
  }

  /** Stores the bit of every node of a list; returns their number. */
  public long setSpaceOfAll(long list, int space) {
    long n = 0;
    for (long node = next(list); node != list; node = next(node)) {
      setSpace(node, space);
      n++;
    }
    return n;
  }
}
