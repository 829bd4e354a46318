package dev.preforklab.cpython.recipe;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.PythonVersion;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Objects;
import java.util.Properties;

/**
 * The C stack below what the interpreter's own footprint has of it. Up to 3.10 each call of a
 * Python function is one of C functions, too; a recursion goes down pages that the process has had
 * since its imports, and copies them. On 3.13 deallocations nest as far as the stack allows, not
 * only 50 deep ({@code Py_TRASHCAN_HEADROOM}): a ring of instances takes them all.
 */
final class CStack {
  /** {@code Py_C_RECURSION_LIMIT} less {@code Py_TRASHCAN_HEADROOM}. */
  private static final int DEEPEST_DEALLOCATION = 9_950;

  private static final Properties PLACES = read();

  private final Host host;
  private final Level call;
  private final Level deallocation;

  /** Where something is on the stack that comes to lie on it again and again; 0 if it does not. */
  private record Level(long first, long bytes, long reach) {
    static Level of(Properties places, String key) {
      String[] values = places.getProperty(key, "0 0 0").split(" ", -1);
      return new Level(
          Long.parseLong(values[0], 16), Long.parseLong(values[1]), Long.parseLong(values[2]));
    }
  }

  /**
   * @param host of the process whose stack it is
   */
  CStack(Host host, PythonVersion version) {
    this.host = host;
    call = Level.of(PLACES, version.toString());
    deallocation = Level.of(PLACES, version + ".deallocation");
  }

  private static Properties read() {
    Properties places = new Properties();
    try (InputStream in = CStack.class.getResourceAsStream("/baseline/c_stack.properties")) {
      places.load(Objects.requireNonNull(in));
      return places;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * A recursion has come to its calls number so many under way; the function that began it is
   * called by one that main calls.
   */
  void enter(int calls) {
    touch(call, calls);
  }

  /** So many instances are being deallocated, one for the other, in a collection. */
  void deallocate(int instances) {
    touch(deallocation, Math.min(instances, DEEPEST_DEALLOCATION));
  }

  private void touch(Level level, int count) {
    if (level.first != 0) {
      long lowest = level.first - level.bytes * count;
      touch(lowest);
      touch(lowest - level.reach);
    }
  }

  private void touch(long address) {
    if (address >>> Host.LOG_BYTES_IN_PAGE < host.table().length) {
      long word = address & -8;
      host.store(word, host.load(word), Host.CAUSE_DATA);
    }
  }
}
