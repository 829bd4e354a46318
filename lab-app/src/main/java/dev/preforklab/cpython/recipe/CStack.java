package dev.preforklab.cpython.recipe;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.PythonVersion;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Objects;
import java.util.Properties;

/**
 * The C stack below what the interpreter's own footprint has of it. Up to 3.10 each call of a Python
 * function is one of C functions, too; a recursion goes down pages that the process has had since
 * its imports, and copies them.
 */
final class CStack {
  private final Host host;
  private final long first;
  private final long callBytes;
  private final long reach;
  private int deepest;

  /**
   * @param host of the process whose stack it is
   */
  CStack(Host host, PythonVersion version) {
    this.host = host;
    Properties places = new Properties();
    try (InputStream in = CStack.class.getResourceAsStream("/baseline/c_stack.properties")) {
      places.load(Objects.requireNonNull(in));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    String[] values = places.getProperty(version.toString(), "0 0 0").split(" ", -1);
    first = Long.parseLong(values[0], 16);
    callBytes = Long.parseLong(values[1]);
    reach = Long.parseLong(values[2]);
  }

  /**
   * A recursion has come to its calls number so many under way; the function that began it is called
   * by one that main calls.
   */
  void enter(int calls) {
    if (calls > deepest && first != 0) {
      deepest = calls;
      touch(first - calls * callBytes);
      touch(first - calls * callBytes - reach);
    }
  }

  private void touch(long address) {
    int page = (int) (address >>> Host.LOG_BYTES_IN_PAGE);
    if (page < host.table().length && host.table()[page] != 0) {
      long word = address & -8;
      host.store(word, host.load(word), Host.CAUSE_DATA);
    }
  }
}
