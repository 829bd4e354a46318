package dev.preforklab.capture;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;

/** The python3 of this machine, with which the tests run the capture's scripts. */
public final class SystemPython {
  private SystemPython() {}

  /** The first on the search path that is no shim of pyenv: such a one needs the user's home. */
  public static Optional<Path> find() {
    String path = System.getenv().getOrDefault("PATH", "");
    return Stream.of(path.split(File.pathSeparator, -1))
        .map(folder -> Path.of(folder, "python3"))
        .filter(Files::isExecutable)
        .filter(p -> !p.toString().contains("shims"))
        .findFirst();
  }
}
