package dev.preforklab.agent.metrics;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * Reads of counters that another thread increments with plain stores.
 *
 * <p>Each counter has one writer (the thread that runs its host), so a plain {@code a[i]++} loses
 * nothing and costs under a nanosecond; an opaque read sees a recent whole value, never a torn one.
 */
final class Opaque {
  private static final VarHandle LONGS = MethodHandles.arrayElementVarHandle(long[].class);

  private Opaque() {}

  static long read(long[] counters, int index) {
    return (long) LONGS.getOpaque(counters, index);
  }
}
