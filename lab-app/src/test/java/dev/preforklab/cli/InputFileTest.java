package dev.preforklab.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.preforklab.scenario.InputException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files, pipes and devices given as input, those included that never begin or never end. */
class InputFileTest {
  private static final Duration SHORT = Duration.ofSeconds(1);

  @TempDir Path directory;

  @Test
  void aFileIsReadWhole() throws IOException {
    Path file = Files.writeString(directory.resolve("f"), "content");
    assertThat(read(file)).isEqualTo("content");
  }

  @Test
  void aFileTooLongIsRefusedAtOnce() throws IOException {
    Path file = Files.writeString(directory.resolve("f"), "x".repeat((4 << 20) + 1));
    assertThatThrownBy(() -> read(file)).hasMessage(file + ": is over 4 MiB, too long for a trace");
  }

  @Test
  void whatIsNoFileIsNamed() {
    assertThatThrownBy(() -> read(directory))
        .hasMessage(directory + ": is a directory, not a trace");
    Path missing = directory.resolve("missing");
    assertThatThrownBy(() -> read(missing)).hasMessage(missing + ": no such file");
    assertThatThrownBy(() -> InputFile.read("a\0b", "a trace", 10, InputStream::readAllBytes))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("is not a path");
  }

  @Test
  void aPipeIsRead() throws Exception {
    Path pipe = pipe();
    Process writer = shell("printf 12345; sleep 0.2; printf 678", pipe);
    assertThat(read(pipe)).isEqualTo("12345678");
    writer.waitFor();
  }

  @Test
  void aPipeThatNobodyWritesIsGivenUp() throws Exception {
    Path pipe = pipe();
    assertThatThrownBy(() -> read(pipe))
        .isInstanceOf(InputException.class)
        .hasMessage(pipe + ": cannot be read (nothing came for 1 s)");
  }

  @Test
  void aPipeThatStopsInTheMiddleIsGivenUp() throws Exception {
    Path pipe = pipe();
    Process writer = shell("printf 1; exec sleep 20", pipe);
    try {
      assertThatThrownBy(() -> read(pipe)).hasMessageContaining("nothing came for 1 s");
    } finally {
      writer.destroyForcibly();
    }
  }

  /** Always something, never the end. */
  @Test
  void aPipeThatDripsForEverIsGivenUp() throws Exception {
    Path pipe = pipe();
    Process writer = shell("while printf 1; do sleep 0.1; done", pipe);
    try {
      assertThatThrownBy(() -> read(pipe)).hasMessageContaining("no end within 2 s");
    } finally {
      writer.destroyForcibly();
    }
  }

  private static String read(Path file) {
    return InputFile.read(
        file.toString(),
        "a trace",
        4 << 20,
        SHORT,
        SHORT.multipliedBy(2),
        in -> new String(in.readAllBytes(), StandardCharsets.UTF_8));
  }

  private Path pipe() throws Exception {
    Path pipe = directory.resolve("pipe");
    boolean made;
    try {
      made = new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor() == 0;
    } catch (IOException e) {
      made = false;
    }
    Assumptions.assumeTrue(made, "no mkfifo: nothing was tested");
    return pipe;
  }

  private static Process shell(String script, Path pipe) throws IOException {
    return new ProcessBuilder("sh", "-c", "{ " + script + "; } >'" + pipe + "'").start();
  }
}
