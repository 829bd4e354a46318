package dev.preforklab.prefork.profile;

import java.util.Arrays;

/** A growing array of longs, unboxed. */
final class LongArray {
  private long[] values;
  private int size;

  LongArray(int capacity) {
    values = new long[Math.max(8, capacity)];
  }

  void add(long value) {
    if (size == values.length) {
      values = Arrays.copyOf(values, size + (size >> 1));
    }
    values[size++] = value;
  }

  long get(int index) {
    return values[index];
  }

  int size() {
    return size;
  }

  void clear() {
    size = 0;
  }

  long[] toArray() {
    return Arrays.copyOf(values, size);
  }
}
