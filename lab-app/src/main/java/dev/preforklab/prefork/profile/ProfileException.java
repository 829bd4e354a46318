package dev.preforklab.prefork.profile;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** A profile that can't be used. The message is one line that names the file and what is wrong. */
public final class ProfileException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public ProfileException(Path file, String problem) {
    this(file, problem, null);
  }

  public ProfileException(Path file, String problem, @Nullable Throwable cause) {
    super(file + ": " + problem.replace('\n', ' '), cause);
  }
}
