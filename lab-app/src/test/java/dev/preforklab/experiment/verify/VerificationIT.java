package dev.preforklab.experiment.verify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** A few random traces and one recipe against every real interpreter of this machine. */
class VerificationIT {
  @Test
  void agreesWithTheRealInterpreters() {
    Path capture = Path.of("..", "capture").toAbsolutePath().normalize();
    assumeTrue(
        Files.isReadable(Path.of("/proc/self/pagemap")),
        "skipped the comparison with real interpreters: no /proc/self/pagemap");
    RealPython.Found found =
        RealPython.find(
            List.of(),
            Objects.requireNonNullElse(System.getenv("PATH"), ""),
            Path.of(System.getProperty("user.home")));
    assumeTrue(!found.isEmpty(), "skipped the comparison with real interpreters: none was found");
    Verification.Options options =
        new Verification.Options(
            11,
            1,
            0,
            "",
            300,
            40,
            List.of("mixed_1"),
            List.of(),
            List.of("array_plain"),
            capture,
            Duration.ofSeconds(60),
            Duration.ofSeconds(20));

    List<Check> checks = Verification.run(options, found, found.addresses(), check -> {});

    assertThat(checks).hasSizeGreaterThanOrEqualTo(found.pythons().size() * 4);
    assertThat(VerificationReport.isGood(checks)).as(VerificationReport.table(checks)).isTrue();
  }
}
