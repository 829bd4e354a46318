package dev.preforklab.cpython.refcount;

import static dev.preforklab.cpython.Host.CAUSE_ALLOCATOR;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.RuntimeState;
import dev.preforklab.cpython.layout.ObjectHead;

/**
 * The ints and floats of 2.7: cut from blocks of 41 that come from the C library's heap, never
 * given back one by one, chained by their type word while free ({@code Objects/intobject.c}, {@code
 * Objects/floatobject.c}).
 *
 * <p>A full collection walks all blocks, gives the empty ones back and links each of the others
 * anew: that is why it writes to every page that holds a number.
 */
public final class OldNumbers {
  private static final int OBJECT_BYTES = 24;
  private static final int HEAD_BYTES = 8;
  private static final int OBJECTS_IN_BLOCK = (1000 - HEAD_BYTES) / OBJECT_BYTES;
  private static final int BLOCK_BYTES = HEAD_BYTES + OBJECTS_IN_BLOCK * OBJECT_BYTES;

  private static final long CAPTURED_REF_COUNT = 1 << 20;

  // words of one kind's state: first free object, first block
  private static final int FREE = 0;
  private static final int BLOCKS = 8;
  private static final int KIND_STRIDE = 16;

  private final Interpreter interpreter;
  private final Host host;

  OldNumbers(Interpreter interpreter) {
    this.interpreter = interpreter;
    host = interpreter.host;
  }

  private long state(boolean isFloat) {
    return interpreter.runtime + RuntimeState.OTHER_FREE_LISTS + (isFloat ? KIND_STRIDE : 0);
  }

  /**
   * Takes blocks over that a captured process had.
   *
   * @param blocks in list order
   * @param free objects in chain order; all others are in use, whoever uses them
   */
  public void restore(boolean isFloat, long type, long[] blocks, long[] free) {
    long state = state(isFloat);
    for (int i = 0; i < blocks.length; i++) {
      set(blocks[i], i + 1 < blocks.length ? blocks[i + 1] : 0);
      for (int k = 0; k < OBJECTS_IN_BLOCK; k++) {
        set(objectAt(blocks[i], k), CAPTURED_REF_COUNT);
        set(objectAt(blocks[i], k) + ObjectHead.TYPE, type);
      }
    }
    for (int i = 0; i < free.length; i++) {
      set(free[i], 0);
      set(free[i] + ObjectHead.TYPE, i + 1 < free.length ? free[i + 1] : 0);
    }
    set(state + BLOCKS, blocks.length == 0 ? 0 : blocks[0]);
    set(state + FREE, free.length == 0 ? 0 : free[0]);
  }

  /** A new int or float; its reference count is 1. */
  public long allocate(boolean isFloat, long type) {
    long state = state(isFloat);
    long object = host.load(state + FREE);
    if (object == 0) {
      object = fill(state);
    }
    set(state + FREE, host.load(object + ObjectHead.TYPE));
    set(object + ObjectHead.TYPE, type);
    set(object, 1);
    return object;
  }

  /** A fresh block, its objects chained from the last to the first. */
  private long fill(long state) {
    long block = interpreter.raw.allocate(BLOCK_BYTES);
    set(block, host.load(state + BLOCKS));
    set(state + BLOCKS, block);
    for (int i = 0; i < OBJECTS_IN_BLOCK; i++) {
      long object = objectAt(block, i);
      set(object, 0);
      set(object + ObjectHead.TYPE, i == 0 ? 0 : objectAt(block, i - 1));
    }
    return objectAt(block, OBJECTS_IN_BLOCK - 1);
  }

  private static long objectAt(long block, int i) {
    return block + HEAD_BYTES + (long) i * OBJECT_BYTES;
  }

  /** Keeps a dead int or float. */
  void free(boolean isFloat, long object) {
    long state = state(isFloat);
    set(object + ObjectHead.TYPE, host.load(state + FREE));
    set(state + FREE, object);
  }

  /** Gives blocks without a live object back and links the free objects of the others anew. */
  void clear() {
    clear(state(false));
    clear(state(true));
  }

  private void clear(long state) {
    long block = host.load(state + BLOCKS);
    set(state + BLOCKS, 0);
    set(state + FREE, 0);
    while (block != 0) {
      long next = host.load(block);
      if (hasLive(block)) {
        set(block, host.load(state + BLOCKS));
        set(state + BLOCKS, block);
        for (int i = 0; i < OBJECTS_IN_BLOCK; i++) {
          long object = objectAt(block, i);
          if (host.load(object) == 0) {
            set(object + ObjectHead.TYPE, host.load(state + FREE));
            set(state + FREE, object);
          }
        }
      } else {
        interpreter.raw.free(block);
      }
      block = next;
    }
  }

  private boolean hasLive(long block) {
    for (int i = 0; i < OBJECTS_IN_BLOCK; i++) {
      if (host.load(objectAt(block, i)) != 0) {
        return true;
      }
    }
    return false;
  }

  private void set(long address, long value) {
    host.store(address, value, CAUSE_ALLOCATOR);
  }
}
