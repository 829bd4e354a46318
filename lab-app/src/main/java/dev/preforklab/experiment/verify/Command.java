package dev.preforklab.experiment.verify;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Runs a program to its end, with a limit, in a bare environment. */
final class Command {
  private Command() {}

  /** A program that did not end well; the message holds its last words. */
  static final class Failure extends Exception {
    private static final long serialVersionUID = 1L;

    Failure(String message) {
      super(message);
    }
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
      Process process = builder.redirectOutput(out.toFile()).redirectError(err.toFile()).start();
      process.getOutputStream().close();
      try {
        if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
          throw new Failure("no end within " + limit.toSeconds() + " s");
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new Failure("interrupted");
      } finally {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
      }
      if (process.exitValue() != 0) {
        String words2 = Files.readString(err, StandardCharsets.UTF_8).strip();
        throw new Failure(
            "status "
                + process.exitValue()
                + ": "
                + words2.substring(Math.max(0, words2.length() - 300)));
      }
      return Files.readString(out, StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new Failure(String.valueOf(e.getMessage()));
    } finally {
      delete(out);
      delete(err);
    }
  }

  private static void delete(@org.jspecify.annotations.Nullable Path file) {
    if (file != null) {
      try {
        Files.deleteIfExists(file);
      } catch (IOException e) {
        file.toFile().deleteOnExit();
      }
    }
  }
}
