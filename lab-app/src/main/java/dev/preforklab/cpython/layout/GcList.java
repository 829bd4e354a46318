package dev.preforklab.cpython.layout;

import dev.preforklab.cpython.Host;

/**
 * The doubly linked circular lists of GC heads ({@code gc_list_*} of the collector's source). Nodes
 * are addresses of GC heads. A node's prev word carries tag bits that these operations keep.
 */
public class GcList {
  final Host host;
  int cause = Host.CAUSE_GC_HEADER;

  public GcList(Host host) {
    this.host = host;
  }

  /** Sets the cause of all further stores, one of {@code Host.CAUSE_}. */
  public void setCause(int newCause) {
    cause = newCause;
  }

  /** Makes a head an empty list. */
  public void init(long list) {
    set(list + GcHead.NEXT, list);
    set(list + GcHead.PREV, list);
  }

  public boolean isEmpty(long list) {
    return next(list) == list;
  }

  public long next(long node) {
    return host.load(node + GcHead.NEXT);
  }

  public long prev(long node) {
    return host.load(node + GcHead.PREV) & GcHead.PREV_MASK;
  }

  public void setNext(long node, long next) {
    set(node + GcHead.NEXT, next);
  }

  /** Changes the pointer in prev and keeps its tag bits. */
  public void setPrev(long node, long prev) {
    long tags = host.load(node + GcHead.PREV) & ~GcHead.PREV_MASK;
    set(node + GcHead.PREV, prev | tags);
  }

  /** Appends a node that is on no list. */
  public void append(long node, long list) {
    long last = prev(list);
    setNext(last, node);
    setLinks(node, list, last);
    set(list + GcHead.PREV, node);
  }

  /** Sets both words of a node, which lie in one page, and keeps the tag bits in prev. */
  void setLinks(long node, long next, long prev) {
    if ((node & 8) != 0) {
      // 2.7 aligns to 8 bytes: the words may lie in two pages
      setPrev(node, prev);
      setNext(node, next);
      return;
    }
    int word = host.writableEntry(node, cause) + ((int) (node >>> 3) & Host.WORD_IN_PAGE_MASK);
    long[] chunk = host.chunks()[word >>> Host.LOG_WORDS_IN_CHUNK];
    int i = word & Host.WORD_IN_CHUNK_MASK;
    chunk[i] = next;
    chunk[i + 1] = prev | (chunk[i + 1] & ~GcHead.PREV_MASK);
  }

  /** Takes a node off its list for good: next 0, and of prev only the FINALIZED bit. */
  public void untrack(long node) {
    long prev = prev(node);
    long next = next(node);
    setNext(prev, next);
    setPrev(next, prev);
    set(node + GcHead.NEXT, 0);
    set(node + GcHead.PREV, host.load(node + GcHead.PREV) & GcHead.PREV_FINALIZED);
  }

  /** Takes a node off its list; its own next becomes 0, its prev is left. */
  public void remove(long node) {
    long prev = prev(node);
    long next = next(node);
    setNext(prev, next);
    setPrev(next, prev);
    setNext(node, 0);
  }

  /** Moves a node from its list to the end of another. */
  public void move(long node, long list) {
    long fromPrev = prev(node);
    long fromNext = next(node);
    setNext(fromPrev, fromNext);
    setPrev(fromNext, fromPrev);
    long toPrev = prev(list);
    setPrev(node, toPrev);
    setNext(toPrev, node);
    set(list + GcHead.PREV, node);
    setNext(node, list);
  }

  /** Appends all of a list to another and leaves it empty. */
  public void merge(long from, long to) {
    if (!isEmpty(from)) {
      long toTail = prev(to);
      long fromHead = next(from);
      long fromTail = prev(from);
      setNext(toTail, fromHead);
      setPrev(fromHead, toTail);
      setNext(fromTail, to);
      setPrev(to, fromTail);
    }
    init(from);
  }

  /** Number of nodes; walks the whole list. */
  public long size(long list) {
    long n = 0;
    for (long node = next(list); node != list; node = next(node)) {
      n++;
    }
    return n;
  }

  final void set(long address, long value) {
    host.store(address, value, cause);
  }
}
