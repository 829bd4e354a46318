package dev.preforklab.agent;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** Prometheus's own programs, where they are installed. */
final class Promtool {
  static final Path CONFIGURATION = Path.of("../prometheus").toAbsolutePath().normalize();

  private Promtool() {}

  /** The program's path; without it the calling test is skipped, and says so. */
  static Path require(String program, String skipped) {
    Optional<Path> found =
        Stream.of(System.getenv("PATH").split(File.pathSeparator))
            .map(directory -> Path.of(directory, program))
            .filter(Files::isExecutable)
            .findFirst();
    assumeTrue(
        found.isPresent(),
        program + " is not on the PATH (Debian: prometheus); skipped: " + skipped);
    return found.orElseThrow();
  }

  /** Runs promtool in the prometheus folder; returns its exit code and all it printed. */
  static String run(List<String> command) throws Exception {
    Process process =
        new ProcessBuilder(command)
            .directory(CONFIGURATION.toFile())
            .redirectErrorStream(true)
            .start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return "exit " + process.waitFor() + "\n" + output;
  }
}
