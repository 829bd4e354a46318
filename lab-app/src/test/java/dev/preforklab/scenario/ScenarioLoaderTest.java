package dev.preforklab.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.preforklab.prefork.GcPolicy;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ScenarioLoaderTest {
  @TempDir Path directory;

  private Path file(String text) throws IOException {
    return Files.writeString(directory.resolve("s.yaml"), text);
  }

  private String errorOf(String text) throws IOException {
    Path file = file(text);
    try {
      new ScenarioLoader().file(file).load();
    } catch (InputException e) {
      String message = String.valueOf(e.getMessage());
      assertThat(message).doesNotContain("\n").startsWith(file.toString());
      return message.substring(file.toString().length());
    }
    return "no error";
  }

  @Test
  void referenceIsComplete() {
    Scenario scenario = new ScenarioLoader().load();
    assertThat(scenario.gc())
        .map(GcPolicy::name)
        .containsExactly("default", "disabled", "threshold0", "freeze");
    assertThat(scenario.run().sampleEveryNs()).isEqualTo(1_000_000_000L);
    assertThat(scenario.host().ramBytes()).isEqualTo(1L << 30);
  }

  @Test
  void laterLayersWin() throws IOException {
    Path file =
        file(
            """
            python: 3.10
            gc: [freeze, "threshold=700,10,10"]
            load:
              rate: 1e2
              mix: {/blog/: 3, "GET /": 1}
            run: {duration: 90s}
            """);
    Scenario scenario =
        new ScenarioLoader()
            .file(file)
            .set("service.workers", "7", "--workers")
            .set("load.think-time=250ms")
            .load();
    assertThat(scenario.python()).isEqualTo("3.10");
    assertThat(scenario.gc()).map(GcPolicy::name).containsExactly("freeze", "threshold=700,10,10");
    assertThat(scenario.load().rate()).isEqualTo(100.0);
    assertThat(scenario.load().mix()).isEqualTo(Map.of("/blog/", 3, "GET /", 1));
    assertThat(scenario.load().thinkTimeNs()).isEqualTo(250_000_000L);
    assertThat(scenario.run().durationNs()).isEqualTo(90_000_000_000L);
    assertThat(scenario.service().prefork().workers()).isEqualTo(7);
  }

  @Test
  void gcListKeepsTheCommasOfThresholds() {
    Scenario scenario =
        new ScenarioLoader().set("gc", "default, threshold=5,6,7,freeze", "--gc").load();
    assertThat(scenario.gc())
        .map(GcPolicy::name)
        .containsExactly("default", "threshold=5,6,7", "freeze");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          load: {rate: 0}                | :1: load.rate: must be a number of requests a second from 0.001 to 100000, not "0"
          load: {rate: -5}               | :1: load.rate: must be a number of requests a second from 0.001 to 100000, not "-5"
          load: {rate: .inf}             | :1: load.rate: must be a number of requests a second from 0.001 to 100000, not ".inf"
          load: {rate: 1e999999999}      | :1: load.rate: must be a number of requests a second from 0.001 to 100000, not "1e999999999"
          load: {rate: [1]}              | :1: load.rate: must be a number of requests a second from 0.001 to 100000, not "[1]"
          service: {workers: 2.5}        | :1: service.workers: must be a whole number from 1 to 128, not "2.5"
          service: {workers: 99999999999} | :1: service.workers: must be a whole number from 1 to 128, not "99999999999"
          service: {wrokers: 2}          | :1: service.wrokers: there is no such key; did you mean service.workers?
          workers: 2                     | :1: workers: there is no such key; did you mean service.workers?
          host: {ram: 1}                 | :1: host.ram: must be a size from 16MiB to 8GiB, not "1"
          host: {ram: 9TiB}              | :1: host.ram: must be a size from 16MiB to 8GiB, not "9TiB"
          gc: []                         | :1: gc: must be a list of 1 to 16 names, not "[]"
          gc: [freeze, freeze]           | :1: gc: must be a list without repetitions, not "[freeze, freeze]"
          gc: [frezze]                   | :1: gc: unknown GC setting "frezze"; known: default, disabled, threshold0, high-threshold, freeze, collect-freeze, immortal, disabled-freeze, disabled-collect-freeze, threshold=a,b,c; did you mean freeze?
          gc: {a: 1}                     | :1: gc.a: there is no such key
          load: {mix: {/: -1}}           | :1: load.mix: the weight of / must be a whole number from 0 to 1000, not "-1"
          load: {mix: {/: 0}}            | :1: load.mix: must be a map with at least one weight above 0, not "{/=0}"
          load: {arrivals: fast}         | :1: load.arrivals: must be one of poisson, constant, bursts, closed, not "fast"
          run: {duration: -1s}           | :1: run.duration: must be a duration from 1ms to 8760h, not "-1s"
          run: {duration: 5 parsecs}     | :1: run.duration: must be a duration from 1ms to 8760h, not "5 parsecs"
          seed: 1e40                     | :1: seed: must be a whole number from -9223372036854775808 to 9223372036854775807, not "1e40"
          name: ""                       | :1: name: must be a text of 1 to 80 printable characters, not ""
          seed: 1 # `x`                  | no error
          - 1                            | : must be a map of settings (key: value)
          {a: {b: {c: 1}}}               | :1: a.b: nested too deeply
          """)
  void errorNamesFileLineAndKey(String text, String error) throws IOException {
    assertThat(errorOf(text)).isEqualTo(error);
  }

  @Test
  void keyTwiceIsAnError() throws IOException {
    assertThat(errorOf("seed: 1\nseed: 2\n")).contains("seed").startsWith(":2");
  }

  @Test
  void brokenYamlIsOneLine() throws IOException {
    assertThat(errorOf("load: {rate: 1\nrun: [")).contains("not YAML");
    assertThat(errorOf("\tseed: 1")).contains("not YAML");
    assertThat(errorOf("seed: \0")).contains("not YAML");
  }

  @Test
  void missingDirectoryAndBinaryFiles() throws IOException {
    Path missing = directory.resolve("none.yaml");
    assertThatThrownBy(() -> new ScenarioLoader().file(missing))
        .hasMessage(missing + ": no such file");
    assertThatThrownBy(() -> new ScenarioLoader().file(directory))
        .hasMessage(directory + ": is not a file");
    Path binary =
        Files.write(directory.resolve("b.yaml"), new byte[] {(byte) 0xff, (byte) 0xfe, 0});
    assertThatThrownBy(() -> new ScenarioLoader().file(binary))
        .hasMessage(binary + ": is not UTF-8 text");
  }

  @Test
  void aliasesDoNotExplode() throws IOException {
    StringBuilder bomb = new StringBuilder("a: &a [x,x,x,x,x,x,x,x,x]\n");
    for (char c = 'b'; c < 'j'; c++) {
      char p = (char) (c - 1);
      bomb.append(c + ": &" + c + " [" + ("*" + p + ",").repeat(8) + "*" + p + "]\n");
    }
    assertThat(errorOf(bomb.toString())).contains("a: there is no such key");
  }

  @Test
  void overrideErrorsNameTheOption() {
    assertThatThrownBy(() -> new ScenarioLoader().set("load.rate", "x", "--rate").load())
        .hasMessage(
            "--rate: must be a number of requests a second from 0.001 to 100000, not \"x\"");
    assertThatThrownBy(() -> new ScenarioLoader().set("load.rat=3"))
        .hasMessage("--set load.rat: there is no such key; did you mean load.rate?");
    assertThatThrownBy(() -> new ScenarioLoader().set("rate"))
        .hasMessage("--set rate: must be KEY=VALUE");
  }
}
