package dev.preforklab.capture;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
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

  /**
   * Runs one of the capture's scripts to a good end.
   *
   * @param seconds in which it must end
   * @param log file for what it says
   * @return that
   */
  public static String run(ProcessBuilder script, int seconds, Path log)
      throws IOException, InterruptedException {
    script.environment().put("PYTHONDONTWRITEBYTECODE", "1");
    Process process = script.redirectErrorStream(true).redirectOutput(log.toFile()).start();
    boolean ended = process.waitFor(seconds, TimeUnit.SECONDS);
    if (!ended) {
      process.destroyForcibly().waitFor();
    }
    String said = Files.readString(log, StandardCharsets.UTF_8);
    assertThat(ended).as("ended in time: %s", said).isTrue();
    assertThat(process.exitValue()).as(said).isZero();
    return said;
  }
}
