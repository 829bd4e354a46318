package dev.preforklab.experiment.verify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.recipe.Addresses;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Interpreters that fail in every way, played by shell scripts. */
class FakePythonTest {
  private static final String PROBED =
      "case \"$*\" in *platform*) echo CPython 3.9 3.9.99; exit;; esac\n";

  @TempDir Path directory;

  @Test
  void brokenInterpretersAreToldOfAndTheOthersFound() throws IOException {
    script("python3.6", "exec sleep 60");
    script("python3.7", "trap '' TERM; while :; do sleep 1; done");
    script("python3.8", "kill -SEGV $$");
    script("python3.9", "echo CPython 3.9 3.9.99");
    script("python3.10", "echo hello");
    script("python3.11", "echo No such version >&2; exit 127");
    script("python3.12", "echo PyPy 3.10 3.10.14");
    script("pypy3", "echo PyPy 3.10 3.10.14");
    script("python3.5", "echo CPython 3.5 3.5.10");
    script("python3.14", "echo CPython 3.14 3.14.2");
    script("python3.5-config", "echo CPython 3.5 3.5.9");
    script("python3.13", "exit 1");

    RealPython.Found found =
        RealPython.find(List.of(), directory.toString(), directory, Duration.ofMillis(500));

    assertThat(found.pythons())
        .containsExactly(
            new RealPython(
                directory.resolve("python3.9").toString(), "3.9.99", PythonVersion.parse("3.9")));
    assertThat(found.broken())
        .extracting(b -> Path.of(b.path()).getFileName() + ": " + b.why())
        .containsExactly(
            "python3.6: no end within 500 ms",
            "python3.7: no end within 500 ms",
            "python3.8: status 139 (signal 11)",
            "python3.10: does not answer as a Python does: hello",
            "python3.13: status 1");
    assertThat(found.others())
        .extracting(o -> Path.of(o.path()).getFileName() + ": " + o.what())
        .containsExactly(
            "python3.12: PyPy 3.10.14", "python3.14: CPython 3.14.2", "python3.5: CPython 3.5.10");
  }

  @Test
  void namedOnesThatAreNotSimulatedFailAndTheOthersAreAsked() throws IOException {
    List<String> named =
        List.of(
            script("pypy", "echo PyPy 3.9 3.9.18"),
            script("good", "echo CPython 3.9 3.9.99"),
            script("old", "echo CPython 2.6 2.6.9"),
            script("new", "echo CPython 3.15 3.15.0a1"));

    RealPython.Found found = RealPython.find(named, "", directory);

    assertThat(found.pythons()).extracting(RealPython::path).containsExactly(named.get(1));
    assertThat(found.broken())
        .extracting(b -> Path.of(b.path()).getFileName() + ": " + b.why().replaceAll(" is .*", ""))
        .containsExactly("pypy: PyPy 3.9.18", "old: CPython 2.6.9", "new: CPython 3.15.0a1");
    assertThat(found.broken()).allMatch(b -> b.why().contains("no CPython of a simulated release"));
    assertThat(found.others()).isEmpty();
  }

  @Test
  void namingOnlyOnesThatAreNotSimulatedLeavesNothingToAsk() throws IOException {
    List<String> named =
        List.of(script("pypy", "echo PyPy 3.9 3.9.18"), script("old", "echo CPython 3.5 3.5.10"));

    assertThatThrownBy(() -> RealPython.find(named, "", directory))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(
            named.get(0) + " (PyPy 3.9.18), " + named.get(1) + " (CPython 3.5.10): no CPython");
  }

  @Test
  void eachFailureIsOneLineAndTheNextInterpreterHasItsTurn() throws IOException {
    List<RealPython> pythons =
        List.of(
            fake("garbage", "echo '{\"rows\":'"),
            fake("empty", "echo '{}'"),
            fake("short", "echo '{\"baseline_frozen\":5,\"rows\":[[1,2]]}'"),
            fake("few", "echo '{\"baseline_frozen\":5,\"rows\":[]}'"),
            fake("killed", "kill -KILL $$"),
            fake("endless", "exec yes"),
            fake("hanging", "sleep 60"));

    List<Check> checks = run(pythons, List.of("nones_plain"));

    assertThat(checks).allMatch(c -> c.outcome() == Check.Outcome.FAILED);
    assertThat(checks)
        .extracting(c -> c.python() + " " + c.kind())
        .containsExactly(
            "? interpreter",
            "garbage trace",
            "garbage trace",
            "garbage recipe",
            "empty trace",
            "empty trace",
            "empty recipe",
            "short trace",
            "short trace",
            "short recipe",
            "few trace",
            "few trace",
            "few recipe",
            "killed trace",
            "killed trace",
            "killed recipe",
            "endless trace",
            "endless trace",
            "endless recipe",
            "hanging trace",
            "hanging trace",
            "hanging interpreter");
    assertThat(checks)
        .filteredOn(c -> c.kind().equals("trace") && c.name().startsWith("pure"))
        .extracting(Check::detail)
        .containsExactly(
            "its answer is not JSON: {\"rows\":",
            "its answer has no baseline_frozen within bounds",
            "its row 0 is no list of 15",
            "its answer has 0 rows for 50 operations",
            "status 137 (signal 9)",
            "wrote more than 64 MiB",
            "no end within 2 s");
    assertThat(checks).allMatch(c -> !VerificationReport.line(c).contains("\n"));
    assertThat(VerificationReport.isGood(checks)).isFalse();
  }

  private List<Check> run(List<RealPython> pythons, List<String> recipes) {
    return Verification.run(
        new Verification.Options(
            1,
            1,
            0,
            "",
            50,
            40,
            List.of(),
            List.of(),
            recipes,
            directory,
            Duration.ofSeconds(2),
            Duration.ofSeconds(1)),
        new RealPython.Found(
            pythons, List.of(new RealPython.Broken("python9", "status 1")), List.of()),
        Addresses.RANDOM,
        check -> {});
  }

  private RealPython fake(String name, String body) throws IOException {
    return new RealPython(script(name, PROBED + body), name, PythonVersion.parse("3.9"));
  }

  private String script(String name, String body) throws IOException {
    Path file = Files.writeString(directory.resolve(name), "#!/bin/sh\n" + body + "\n");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    return file.toString();
  }
}
