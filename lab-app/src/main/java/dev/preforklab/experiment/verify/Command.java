package dev.preforklab.experiment.verify;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Runs a program to its end in a bare environment, within limits of time and of output. Whatever it
 * has started is gone when the call returns.
 */
final class Command {
  /** Far above any answer: a row of a trace is some 50 bytes. */
  static final long OUTPUT_MAX = 64L << 20;

  private static final long LOOK_FIRST_MS = 5;
  private static final long LOOK_MOST_MS = 100;
  private static final int LAST_WORDS = 300;
  private static final int SIGNALLED = 128;

  /** A word in the environment of all that a run starts, unless they clear it. */
  private static final String MARK = "PREFORK_LAB_RUN";

  private static final AtomicLong RUNS = new AtomicLong();

  private Command() {}

  /** A program that did not end well; the message, one line, holds its last words. */
  static class Failure extends Exception {
    private static final long serialVersionUID = 1L;

    private final int status;

    Failure(String message) {
      this(message, 0);
    }

    Failure(String message, int status) {
      super(message);
      this.status = status;
    }

    /** The status it ended with, or 0 if it gave none. */
    int status() {
      return status;
    }
  }

  /** A program that had not ended when its time was up. */
  static final class Timeout extends Failure {
    private static final long serialVersionUID = 1L;

    Timeout(Duration limit) {
      super(
          "no end within "
              + (limit.toSeconds() > 0 ? limit.toSeconds() + " s" : limit.toMillis() + " ms"));
    }
  }

  /** The program's standard output, which must be one JSON object. */
  static JsonNode json(List<String> words, Duration limit) throws Failure {
    String output = output(words, limit);
    JsonNode answer;
    try {
      answer = new ObjectMapper().readTree(output);
    } catch (JacksonException e) {
      throw new Failure("its answer is not JSON: " + excerptOrNothing(output));
    }
    if (answer == null || !answer.isObject()) {
      throw new Failure("its answer is no JSON object: " + excerptOrNothing(output));
    }
    return answer;
  }

  /** The program's standard output. */
  static String output(List<String> words, Duration limit) throws Failure {
    Path out = null;
    Path err = null;
    try {
      out = Files.createTempFile("lab-verify", ".out");
      err = Files.createTempFile("lab-verify", ".err");
      ProcessBuilder builder = new ProcessBuilder(words);
      builder.environment().keySet().removeIf(name -> name.startsWith("PYTHON"));
      builder.environment().put("PYTHONHASHSEED", "0");
      String run = ProcessHandle.current().pid() + "-" + RUNS.incrementAndGet();
      String mark = MARK + "=" + run + "\0";
      builder.environment().put(MARK, run);
      builder.redirectInput(new File("/dev/null"));
      Process process = builder.redirectOutput(out.toFile()).redirectError(err.toFile()).start();
      waitFor(process, mark, limit, out, err);
      int status = process.exitValue();
      if (status != 0) {
        String signal = status > SIGNALLED ? " (signal " + (status - SIGNALLED) + ")" : "";
        String last = lastWords(err);
        throw new Failure(
            "status " + status + signal + (last.isEmpty() ? "" : ": " + last), status);
      }
      return new String(Files.readAllBytes(out), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new Failure(excerpt(String.valueOf(e.getMessage())));
    } finally {
      delete(out);
      delete(err);
    }
  }

  /**
   * Waits and looks: a process that a dead one has left behind belongs to init, so whoever was seen
   * below this one is remembered. What was left behind too soon to be seen still has the mark in
   * its environment.
   */
  private static void waitFor(Process process, String mark, Duration limit, Path out, Path err)
      throws Failure, IOException {
    Set<ProcessHandle> seen = new LinkedHashSet<>();
    long left = limit.toMillis();
    long pause = LOOK_FIRST_MS;
    try {
      while (true) {
        process.descendants().forEach(seen::add);
        if (left <= 0) {
          throw new Timeout(limit);
        }
        long waited = Math.min(left, pause);
        boolean ended = process.waitFor(waited, TimeUnit.MILLISECONDS);
        left -= waited;
        if (Files.size(out) > OUTPUT_MAX || Files.size(err) > OUTPUT_MAX) {
          throw new Failure("wrote more than " + (OUTPUT_MAX >> 20) + " MiB");
        }
        if (ended) {
          return;
        }
        pause = Math.min(LOOK_MOST_MS, pause * 2);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new Failure("interrupted");
    } finally {
      kill(process, mark, seen);
    }
  }

  /**
   * From the top down, so that none is left that could start another; twice, for those just born.
   */
  private static void kill(Process process, String mark, Set<ProcessHandle> seen) {
    for (int round = 0; round < 2; round++) {
      process.descendants().forEach(seen::add);
      addMarked(mark, seen);
      process.destroyForcibly();
      for (ProcessHandle one : List.copyOf(seen)) {
        one.descendants().forEach(seen::add);
        one.destroyForcibly();
      }
      seen.forEach(ProcessHandle::destroyForcibly);
    }
    try {
      process.waitFor(1, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Adds the processes that have the mark; where there is no /proc, none. */
  private static void addMarked(String mark, Set<ProcessHandle> seen) {
    ProcessHandle.allProcesses().filter(one -> isMarked(one, mark)).forEach(seen::add);
  }

  private static boolean isMarked(ProcessHandle process, String mark) {
    try {
      byte[] environment = Files.readAllBytes(Path.of("/proc/" + process.pid() + "/environ"));
      return new String(environment, StandardCharsets.ISO_8859_1).contains(mark);
    } catch (IOException e) {
      return false; // ended since, or another user's
    }
  }

  /** The last line that a program wrote to its standard error. */
  private static String lastWords(Path err) throws IOException {
    try (RandomAccessFile file = new RandomAccessFile(err.toFile(), "r")) {
      byte[] end = new byte[(int) Math.min(file.length(), 4096)];
      file.seek(file.length() - end.length);
      file.readFully(end);
      String text = new String(end, StandardCharsets.UTF_8).strip();
      return excerpt(text.substring(text.lastIndexOf('\n') + 1));
    }
  }

  /** The beginning of a text, as one printable line. */
  static String excerpt(String text) {
    String line =
        text.substring(0, Math.min(text.length(), LAST_WORDS))
            .replaceAll("[\\p{Cntrl}\\s]+", " ")
            .strip();
    return line.contains("\ufffd") ? "(bytes that are no text)" : line;
  }

  static String excerptOrNothing(String text) {
    String line = excerpt(text);
    return line.isEmpty() ? "(nothing)" : line;
  }

  private static void delete(@Nullable Path file) {
    if (file != null) {
      try {
        Files.deleteIfExists(file);
      } catch (IOException e) {
        file.toFile().deleteOnExit();
      }
    }
  }
}
