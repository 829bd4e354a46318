package dev.preforklab.experiment.verify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CommandTest {
  private static final Duration LONG = Duration.ofSeconds(30);
  private static final Duration SHORT = Duration.ofMillis(400);

  @TempDir Path directory;

  @Test
  void givesTheOutputOfAProgramThatEndsWell() throws Command.Failure {
    assertThat(Command.output(shell("echo \"$PYTHONHASHSEED$PYTHONPATH\""), LONG)).isEqualTo("0\n");
  }

  @Test
  void endsAProgramThatDoesNot() {
    assertThatThrownBy(() -> Command.output(shell("sleep 60"), SHORT))
        .isInstanceOf(Command.Timeout.class)
        .hasMessage("no end within 400 ms");
  }

  @Test
  void endsAProgramThatIgnoresTheRequest() {
    assertThatThrownBy(
            () -> Command.output(shell("trap '' TERM HUP INT; while :; do sleep 1; done"), SHORT))
        .isInstanceOf(Command.Timeout.class);
  }

  /** The grandchild has a session of its own and its parent is dead when the time is up. */
  @Test
  void endsWhatWasLeftBehind() throws Exception {
    Path pid = directory.resolve("pid");
    String orphan = "(sh -c 'echo $$ >" + pid + "; exec sleep 60' & sleep 0.2) & sleep 60";

    assertThatThrownBy(() -> Command.output(shell(orphan), SHORT))
        .isInstanceOf(Command.Timeout.class);

    assertEnds(Long.parseLong(Files.readString(pid).strip()));
  }

  @Test
  void endsWhatAnEndedProgramLeavesRunning() throws Exception {
    String left = "sleep 60 >/dev/null 2>&1 & echo $!; sleep 0.3";
    assertEnds(Long.parseLong(Command.output(shell(left), LONG).strip()));
  }

  /** Its parent is dead before anybody could look, and it has a session of its own. */
  @Test
  void endsWhatHasLeftAtOnce() throws Exception {
    Path pid = directory.resolve("pid");
    String daemon = "(setsid sh -c 'echo $$ >" + pid + "; exec sleep 60' &) ; exec sleep 60";

    assertThatThrownBy(() -> Command.output(shell(daemon), SHORT))
        .isInstanceOf(Command.Timeout.class);

    assertEnds(Long.parseLong(Files.readString(pid).strip()));
  }

  @Test
  void showsNoBytesThatAreNoText() {
    assertThatThrownBy(() -> Command.json(shell("printf '\\200\\201x'"), LONG))
        .hasMessage("its answer is not JSON: (bytes that are no text)");
    assertThatThrownBy(() -> Command.json(shell(":"), LONG))
        .hasMessage("its answer is no JSON object: (nothing)");
  }

  @Test
  void endsAProgramThatWritesWithoutEnd() {
    assertThatThrownBy(() -> Command.output(shell("exec yes"), LONG))
        .isInstanceOf(Command.Failure.class)
        .hasMessage("wrote more than 64 MiB");
    assertThatThrownBy(() -> Command.output(shell("exec yes >&2"), LONG))
        .isInstanceOf(Command.Failure.class)
        .hasMessage("wrote more than 64 MiB");
  }

  @Test
  void tellsStatusSignalAndLastWords() {
    assertThatThrownBy(() -> Command.output(shell("echo first >&2; echo last >&2; exit 3"), LONG))
        .hasMessage("status 3: last");
    assertThatThrownBy(() -> Command.output(shell("kill -SEGV $$"), LONG))
        .hasMessage("status 139 (signal 11)");
  }

  @Test
  void refusesWhatIsNoJsonObject() {
    for (String answer : List.of("hello", "", "[1]", "{\\\"a\\\":", "\\377\\376")) {
      assertThatThrownBy(() -> Command.json(shell("printf '" + answer + "'"), LONG))
          .as(answer)
          .isInstanceOf(Command.Failure.class)
          .hasMessageStartingWith("its answer is no")
          .message()
          .doesNotContain("\n");
    }
  }

  @Test
  void refusesAProgramThatCannotBeStarted() throws IOException {
    Path file = Files.writeString(directory.resolve("text"), "no program");
    assertThatThrownBy(() -> Command.output(List.of(file.toString()), LONG))
        .isInstanceOf(Command.Failure.class);
  }

  private static List<String> shell(String script) {
    return List.of("/bin/sh", "-c", script);
  }

  /** The kernel may need a moment to end a process that has been killed. */
  private static void assertEnds(long pid) throws InterruptedException {
    for (int i = 0; i < 100 && runs(pid); i++) {
      Thread.sleep(20);
    }
    assertThat(runs(pid)).as("process %d still runs", pid).isFalse();
  }

  private static boolean runs(long pid) {
    try {
      // a dead process that nobody has waited for is a zombie
      return !Files.readString(Path.of("/proc/" + pid + "/stat")).contains(") Z ");
    } catch (IOException e) {
      return false;
    }
  }
}
