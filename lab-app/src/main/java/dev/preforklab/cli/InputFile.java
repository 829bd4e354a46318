package dev.preforklab.cli;

import dev.preforklab.scenario.InputException;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A file that a command reads. A pipe or a device may never begin and never end: what it gives must
 * come in time.
 */
final class InputFile {
  private static final Duration LONGEST_SILENCE = Duration.ofSeconds(30);
  private static final Duration LONGEST_READING = Duration.ofMinutes(5);

  private InputFile() {}

  /** Reads the content of a stream. */
  @FunctionalInterface
  interface Reader<T> {
    T read(InputStream in) throws IOException;
  }

  /**
   * Opens a file and reads it.
   *
   * @param kind what it should be, with its article: "a trace"
   * @param maxBytes a longer regular file is refused at once; a pipe's length is for the reader
   */
  static <T> T read(String name, String kind, long maxBytes, Reader<T> reader) {
    return read(name, kind, maxBytes, LONGEST_SILENCE, LONGEST_READING, reader);
  }

  /** What the simulated memory of a trace or recipe would need does not fit. */
  static InputException tooLarge(String name, OutOfMemoryError e) {
    return new InputException(
        name
            + ": does not fit into a Java heap of "
            + (Runtime.getRuntime().maxMemory() >> 20)
            + " MiB; allow more with LAB_HEAP=8g",
        e);
  }

  static <T> T read(
      String name, String kind, long maxBytes, Duration silence, Duration whole, Reader<T> reader) {
    try {
      Path file = Path.of(name);
      if (Files.isDirectory(file)) {
        throw new InputException(name + ": is a directory, not " + kind);
      }
      boolean regular = Files.isRegularFile(file);
      if (regular && Files.size(file) > maxBytes) {
        throw new InputException(
            name + ": is over " + (maxBytes >> 20) + " MiB, too long for " + kind);
      }
      try (InputStream in =
          regular || !Files.exists(file)
              ? new BufferedInputStream(Files.newInputStream(file))
              : new Timed(file, silence, whole)) {
        return reader.read(in);
      }
    } catch (NoSuchFileException e) {
      throw new InputException(name + ": no such file", e);
    } catch (InvalidPathException e) {
      throw new InputException("\"" + name + "\" is not a path", e);
    } catch (CharacterCodingException e) {
      throw new InputException(name + ": is not UTF-8 text", e);
    } catch (IOException e) {
      throw new InputException(name + ": cannot be read (" + e.getMessage() + ")", e);
    }
  }

  /** A stream that a thread of its own opens and reads, for both may block for ever. */
  private static final class Timed extends InputStream {
    private static final int BYTES = 1 << 16;

    private final BlockingQueue<Object> pieces = new ArrayBlockingQueue<>(4);
    private final Duration silence;
    private final Duration whole;
    private final long until;
    private byte @Nullable [] piece = new byte[0];
    private int position;

    Timed(Path file, Duration silence, Duration whole) {
      this.silence = silence;
      this.whole = whole;
      until = System.nanoTime() + whole.toNanos();
      Thread thread = new Thread(() -> pump(file), "reads " + file);
      thread.setDaemon(true);
      thread.start();
    }

    private void pump(Path file) {
      try (InputStream in = Files.newInputStream(file)) {
        byte[] buffer = new byte[BYTES];
        for (int n; (n = in.read(buffer)) >= 0; ) {
          pieces.put(Arrays.copyOf(buffer, n));
        }
        pieces.put(new byte[0]);
      } catch (IOException e) {
        pieces.offer(e);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
      byte[] current = piece;
      if (current != null && position == current.length) {
        current = next();
        piece = current;
        position = 0;
      }
      if (current == null) {
        return -1;
      }
      int n = Math.min(length, current.length - position);
      System.arraycopy(current, position, target, offset, n);
      position += n;
      return n;
    }

    /** What came next, or null at the end. */
    private byte @Nullable [] next() throws IOException {
      long left = until - System.nanoTime();
      Object next;
      try {
        next = pieces.poll(Math.max(0, Math.min(left, silence.toNanos())), TimeUnit.NANOSECONDS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IOException("interrupted", e);
      }
      if (left <= 0 || (next == null && left < silence.toNanos())) {
        throw new IOException("no end within " + whole.toSeconds() + " s");
      }
      if (next == null) {
        throw new IOException("nothing came for " + silence.toSeconds() + " s");
      }
      if (next instanceof IOException failed) {
        throw failed;
      }
      byte[] bytes = (byte[]) next;
      return bytes.length == 0 ? null : bytes;
    }
  }
}
