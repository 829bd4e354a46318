package dev.preforklab.capture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
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
    ProcessBuilder builder =
        new ProcessBuilder(
                python.orElseThrow().toString(), "-m", "unittest", "discover", "-s", "capture")
            .directory(Path.of("..").toFile());
    // only the interpreter that runs the tests, not those of the user's home
    builder.environment().put("HOME", home.toString());

    String output = SystemPython.run(builder, 300, home.resolve("unittest.log"));

    Matcher ran = RAN.matcher(output);
    assertThat(ran.find()).as(output).isTrue();
    assertThat(Integer.parseInt(ran.group(1))).isGreaterThan(5);
  }
}
