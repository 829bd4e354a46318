package dev.preforklab.capture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Runs the capture's own tests (schema, privacy, figures of known requests) in one real CPython.
 * The same tests in every interpreter of a machine: {@code python3 -m unittest discover -s
 * capture}.
 */
class CaptureScriptIT {
  private static final Pattern RAN = Pattern.compile("Ran (\\d+) tests?");

  @Test
  void theCapturesOwnTestsPass(@TempDir Path home) throws IOException, InterruptedException {
    Optional<Path> python = SystemPython.find();
    assumeTrue(
        python.isPresent(), "no python3 on PATH: the tests of the capture script were skipped");
    Path log = home.resolve("unittest.log");
    ProcessBuilder builder =
        new ProcessBuilder(
                python.orElseThrow().toString(), "-m", "unittest", "discover", "-s", "capture")
            .directory(Path.of("..").toFile())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile());
    // only the interpreter that runs the tests, not those of the user's home
    builder.environment().put("HOME", home.toString());
    builder.environment().put("PYTHONDONTWRITEBYTECODE", "1");
    Process tests = builder.start();

    boolean ended = tests.waitFor(180, TimeUnit.SECONDS);
    if (!ended) {
      tests.destroyForcibly().waitFor();
    }
    String output = Files.readString(log, StandardCharsets.UTF_8);

    assertThat(ended).as("ended in time: %s", output).isTrue();
    assertThat(tests.exitValue()).as(output).isZero();
    Matcher ran = RAN.matcher(output);
    assertThat(ran.find()).as(output).isTrue();
    assertThat(Integer.parseInt(ran.group(1))).isGreaterThan(5);
  }
}
