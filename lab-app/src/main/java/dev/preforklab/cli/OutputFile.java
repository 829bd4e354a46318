package dev.preforklab.cli;

import dev.preforklab.scenario.InputException;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** A file that a command writes: all of it or nothing, and refused before the work, not after. */
final class OutputFile {
  private final String option;
  private final String name;

  private OutputFile(String option, String name) {
    this.option = option;
    this.name = name;
  }

  /**
   * Checks that the file could be written.
   *
   * @param name a path, or "-" for standard output
   */
  static OutputFile checked(String option, String name) {
    OutputFile output = new OutputFile(option, name);
    if (!output.isStandardOutput()) {
      Path path = output.path();
      Path parent = path.toAbsolutePath().getParent();
      if (Files.isDirectory(path)) {
        throw output.error("is a directory");
      }
      if (parent == null || !Files.isDirectory(parent)) {
        throw output.error("its directory does not exist");
      }
      if (!Files.isWritable(Files.isRegularFile(path) ? path : parent)) {
        throw output.error("cannot be written");
      }
    }
    return output;
  }

  boolean isStandardOutput() {
    return name.equals("-");
  }

  private Path path() {
    try {
      if (!name.isEmpty()) {
        return Path.of(name);
      }
    } catch (InvalidPathException e) {
      throw new InputException(option + ": \"" + name + "\" is not a path", e);
    }
    throw new InputException(option + ": names no file");
  }

  private InputException error(String problem) {
    return new InputException(option + " " + name + ": " + problem);
  }

  /** Writes to a temporary file beside it, then renames; a pipe or device is written directly. */
  void write(String text, PrintStream standardOutput) {
    if (isStandardOutput()) {
      standardOutput.print(text);
      standardOutput.flush();
      return;
    }
    Path path = path();
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    try {
      if (Files.exists(path) && !Files.isRegularFile(path)) {
        Files.write(path, bytes);
        return;
      }
      Path target = Files.exists(path) ? path.toRealPath() : path.toAbsolutePath();
      Path temporary = target.resolveSibling("." + target.getFileName() + ".part");
      try {
        Files.write(temporary, bytes);
        Files.move(temporary, target, StandardCopyOption.REPLACE_EXISTING);
      } finally {
        Files.deleteIfExists(temporary);
      }
    } catch (FileAlreadyExistsException e) {
      throw error("is in the way");
    } catch (IOException e) {
      throw error("cannot be written (" + e.getMessage() + ")");
    }
  }
}
