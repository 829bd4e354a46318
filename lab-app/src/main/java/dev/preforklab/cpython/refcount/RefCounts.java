package dev.preforklab.cpython.refcount;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.layout.ObjectHead;

/**
 * Py_INCREF and Py_DECREF on simulated words, counted by whether the page was still shared
 * (write-protected) or private when the write came.
 *
 * <p>The counters are plain longs of this process; a fork starts them at zero.
 */
public final class RefCounts {
  private final Host host;
  private final Deallocator deallocator;
  private final boolean hasImmortalObjects;
  private int cause = Host.CAUSE_REFCOUNT;

  private long increfsShared;
  private long increfsPrivate;
  private long decrefsShared;
  private long decrefsPrivate;

  public RefCounts(Interpreter interpreter, Deallocator deallocator) {
    host = interpreter.host;
    this.deallocator = deallocator;
    hasImmortalObjects = interpreter.version.hasImmortalObjects;
  }

  /** Sets the cause of all further stores, one of {@code Host.CAUSE_}. */
  public void setCause(int newCause) {
    cause = newCause;
  }

  /** The reference count of an object. */
  public long get(long object) {
    return host.load(object + ObjectHead.REF_COUNT);
  }

  /** Takes a reference to an object; 0 is ignored, like Py_XINCREF. */
  public void incref(long object) {
    if (object == 0) {
      return;
    }
    int entry = host.entry(object);
    long count = word(entry, object);
    if (hasImmortalObjects && ObjectHead.isImmortal(count)) {
      return;
    }
    if (entry < 0) {
      increfsShared++;
      host.store(object, count + 1, cause);
    } else {
      increfsPrivate++;
      setWord(entry, object, count + 1);
    }
  }

  /** Drops a reference to an object and frees it with the last; 0 is ignored, like Py_XDECREF. */
  public void decref(long object) {
    if (object == 0) {
      return;
    }
    int entry = host.entry(object);
    long count = word(entry, object);
    if (hasImmortalObjects && ObjectHead.isImmortal(count)) {
      return;
    }
    if (entry < 0) {
      decrefsShared++;
      host.store(object, count - 1, cause);
    } else {
      decrefsPrivate++;
      setWord(entry, object, count - 1);
    }
    if (count == 1) {
      deallocator.deallocate(object);
    }
  }

  /**
   * A reference taken and dropped again, as reading an object does: two writes to one word, counted
   * as two and stored once.
   */
  public void touch(long object) {
    int entry = host.entry(object);
    long count = word(entry, object);
    if (hasImmortalObjects && ObjectHead.isImmortal(count)) {
      return;
    }
    if (entry < 0) {
      increfsShared++;
    } else {
      increfsPrivate++;
    }
    decrefsPrivate++;
    host.store(object, count, cause);
  }

  private long word(int entry, long address) {
    int word = (entry & Host.FRAME_MASK) + ((int) (address >>> 3) & Host.WORD_IN_PAGE_MASK);
    return host.chunks()[word >>> Host.LOG_WORDS_IN_CHUNK][word & Host.WORD_IN_CHUNK_MASK];
  }

  private void setWord(int entry, long address, long value) {
    int word = entry + ((int) (address >>> 3) & Host.WORD_IN_PAGE_MASK);
    host.chunks()[word >>> Host.LOG_WORDS_IN_CHUNK][word & Host.WORD_IN_CHUNK_MASK] = value;
  }

  /** Increments that met a page still shared with another process. */
  public long increfsShared() {
    return increfsShared;
  }

  public long increfsPrivate() {
    return increfsPrivate;
  }

  public long decrefsShared() {
    return decrefsShared;
  }

  public long decrefsPrivate() {
    return decrefsPrivate;
  }
}
