package dev.preforklab.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.preforklab.cpython.PythonVersion;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MainTest {
  @TempDir Path directory;
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  @BeforeEach
  void setHome() {
    System.setProperty("lab.home", "..");
  }

  @AfterEach
  void clearHome() {
    System.clearProperty("lab.home");
  }

  private int run(String... arguments) {
    return Main.run(
        arguments,
        new PrintStream(out, true, StandardCharsets.UTF_8),
        new PrintStream(err, true, StandardCharsets.UTF_8));
  }

  private String errorLine() {
    String text = err.toString(StandardCharsets.UTF_8);
    assertThat(text).startsWith("lab: ").endsWith("\n").hasLineCount(1);
    assertThat(out.toString(StandardCharsets.UTF_8)).isEmpty();
    return text.strip().substring("lab: ".length());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          compare --gc frezze        | --gc: unknown GC setting "frezze"; known: default, disabled, threshold0, high-threshold, freeze, collect-freeze, immortal, disabled-freeze, disabled-collect-freeze, threshold=a,b,c; did you mean freeze?
          compare --gc threshold=1,2 | --gc: GC setting "threshold=1,2" must be threshold=a,b,c with numbers from 0 to 1000000000
          compare --workers 0        | --workers: must be a whole number from 1 to 128, not "0"
          compare --workers -4       | --workers: must be a whole number from 1 to 128, not "-4"
          compare --requests 1e99    | --requests: must be a whole number from 0 to 100,000,000, not "1e99"
          compare --requests 0       | compare needs an end: --requests or --duration above 0
          compare --seed x           | --seed: must be a whole number from -9223372036854775808 to 9223372036854775807, not "x"
          compare --ram 1MiB         | --ram: must be a size from 16MiB to 8GiB, not "1MiB"
          compare --jobs 0           | --jobs: must be a whole number from 1 to 64, not "0"
          compare --set nix=1        | --set nix: there is no such key
          compare --json             | Missing required parameter for option '--json' (F)
          compare --json /nix/x.json | --json /nix/x.json: its directory does not exist
          compare --json - --csv -   | --csv: standard output is taken already
          compare --profile nix.gz   | nix.gz: no such file
          compare nix.yaml           | nix.yaml: no such file
          compare a.yaml b.yaml      | Unmatched argument at index 2: 'b.yaml'
          compare --rat 5            | Unknown option: '--rat'; did you mean --rate?
          compare --set load.mix=x   | --set load.mix: must be none, or a map of endpoint: weight, not "x"
          comprae                    | Unmatched argument at index 0: 'comprae'; did you mean compare?
          replay nix.json            | nix.json: no such file
          replay pom.xml             | pom.xml:1:1: not JSON: Unexpected character ('<' (code 60)): expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')
          replay x --python 9.9      | --python: unknown Python release "9.9"; known: [2.7, 3.6, 3.7, 3.8, 3.9, 3.10, 3.11, 3.12, 3.13, 3.14]
          replay x --python 3.14.5 | --python: Python release "3.14.5" is not simulated: 3.14 has three generations again from 3.14.5 on; known: [2.7, 3.6, 3.7, 3.8, 3.9, 3.10, 3.11, 3.12, 3.13, 3.14]
          replay x --python 3.15.0a1 | --python: Python release "3.15.0a1" is not simulated: 3.15 is to have three generations again; known: [2.7, 3.6, 3.7, 3.8, 3.9, 3.10, 3.11, 3.12, 3.13, 3.14]
          replay x --python 3.140 | --python: unknown Python release "3.140"; known: [2.7, 3.6, 3.7, 3.8, 3.9, 3.10, 3.11, 3.12, 3.13, 3.14]
          rig x --python 3.14.5 | --python: Python release "3.14.5" is not simulated: 3.14 has three generations again from 3.14.5 on; known: [2.7, 3.6, 3.7, 3.8, 3.9, 3.10, 3.11, 3.12, 3.13, 3.14]
          replay x --baseline-live z | --baseline-live: must be a whole number from 0 to 2000000, not "z"
          replay                     | Missing required parameter: 'TRACE'
          rig nix.json               | nix.json: no such file
          rig src                    | src: is a directory, not a recipe
          verify --recipe src        | src: is a directory, not a recipe
          verify --recipe pom.xml    | pom.xml: not JSON: Unexpected character ('<' (code 60)): expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')
          run --ui-port 70000        | --ui-port: must be a port from 0 to 65535, not "70000"
          run --ui-port 9464         | --ui-port and --metrics-port are both 9464
          run --speed 0              | --speed: must be a number of simulated seconds a second from 0.001 to 1000, not "0"
          """)
  void badInputIsOneLineAndExitCode2(String arguments, String message) {
    assertThat(run(arguments.split(" ", -1))).isEqualTo(ExitCode.BAD_INPUT);
    assertThat(errorLine()).isEqualTo(message);
  }

  @Test
  void unknownProfileNamesTheKnownOnes() {
    assertThat(run("compare", "--profile", "nix")).isEqualTo(ExitCode.BAD_INPUT);
    assertThat(errorLine())
        .startsWith("--profile: there is no profile named \"nix\" (known: ")
        .contains("django-site");
  }

  @Test
  void otherReleaseThanTheProfiles() {
    assertThat(run("compare", "--profile", "flask-app", "--python", "3.8"))
        .isEqualTo(ExitCode.BAD_INPUT);
    assertThat(errorLine()).startsWith("--python: the profile flask-app was captured from CPython");
  }

  @Test
  void unknownEndpointNamesFileLineAndKnownOnes() throws IOException {
    Path file =
        Files.writeString(
            directory.resolve("s.yaml"), "profile: flask-app\nload:\n  mix:\n    /nix: 2\n");
    Path profile = Path.of("../profiles/flask-app.profile.gz").toAbsolutePath();
    assertThat(run("compare", file.toString(), "--profile", profile.toString()))
        .isEqualTo(ExitCode.BAD_INPUT);
    assertThat(errorLine())
        .startsWith(file + ":3: load.mix: the profile flask-app has no endpoint \"/nix\"; known: ");
  }

  @Test
  void brokenProfileIsOneLine() throws IOException {
    Path broken = Files.writeString(directory.resolve("p.gz"), "not gzip");
    assertThat(run("compare", "--profile", broken.toString())).isEqualTo(ExitCode.BAD_INPUT);
    assertThat(errorLine()).startsWith(broken.toString());
  }

  @Test
  void takenPortIsOneLine() throws IOException {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      String port = Integer.toString(taken.getLocalPort());
      assertThat(run("run", "--ui-port", port)).isEqualTo(ExitCode.BAD_INPUT);
      assertThat(errorLine()).startsWith("--ui-port: port " + port + " on 127.0.0.1");
    }
  }

  @Test
  void tooLittleMemoryForTheMaster() {
    assertThat(run("compare", "--ram", "16MiB", "--gc", "default", "--jobs", "1"))
        .isEqualTo(ExitCode.BAD_INPUT);
    assertThat(errorLine()).startsWith("host.ram: 16 MiB are too little");
  }

  @Test
  void compareWritesAllItsOutputs() throws IOException {
    Path json = directory.resolve("r.json");
    Path html = directory.resolve("r.html");
    Files.writeString(json, "old");
    int code =
        run(
            "compare",
            "--profile",
            "flask-app",
            "--gc=default,freeze",
            "--requests",
            "40",
            "--json",
            json.toString(),
            "--html",
            html.toString(),
            "--csv",
            "-");
    assertThat(err.toString(StandardCharsets.UTF_8)).isEmpty();
    assertThat(code).isEqualTo(ExitCode.OK);
    assertThat(Files.readString(json)).startsWith("{\n  \"tool\" : \"prefork-lab\"");
    assertThat(Files.readString(html)).startsWith("<!doctype html>");
    assertThat(out.toString(StandardCharsets.UTF_8)).hasLineCount(3).startsWith("gc,requests,");
    try (Stream<Path> files = Files.list(directory)) {
      assertThat(files).containsExactlyInAnyOrder(json, html);
    }
  }

  @Test
  void liveRunEndsByItselfWithATable() {
    int code =
        run(
            "run",
            "--profile",
            "flask-app",
            "--gc=freeze",
            "--ui-port=0",
            "--requests=40",
            "--speed=20");
    assertThat(code).isEqualTo(ExitCode.OK);
    assertThat(out.toString(StandardCharsets.UTF_8))
        .contains("  page     http://127.0.0.1:")
        .contains("shared ratio");
  }

  @Test
  void replayTellsTheCountersAfterEachOperation() throws IOException {
    Path trace =
        Files.writeString(
            directory.resolve("t.json"),
            "{\"family\":\"pure\",\"slots\":4,\"ops\":[[\"collect\",2],[\"new\",0],[\"new\",1],[\"drop\",0]]}");
    assertThat(run("replay", trace.toString(), "--python", "3.9", "--json", "-"))
        .isEqualTo(ExitCode.OK);
    JsonNode rows = new ObjectMapper().readTree(out.toByteArray()).path("rows");
    assertThat(rows).hasSize(4);
    assertThat(rows.path(0).path(9).asInt()).as("full collections").isEqualTo(1);
    assertThat(rows.path(2).path(0).asInt() - rows.path(0).path(0).asInt()).isEqualTo(2);
    assertThat(rows.path(3).path(0).asInt() - rows.path(0).path(0).asInt()).isEqualTo(1);
  }

  @Test
  void outcomesOfTheIncrementalCollectorSayThatTheyAreNotVerified() throws IOException {
    Path trace =
        Files.writeString(
            directory.resolve("t.json"),
            "{\"family\":\"pure\",\"slots\":4,\"ops\":[[\"new\",0],[\"collect\",1]]}");
    Path recipe =
        Files.writeString(directory.resolve("r.json"), "{\"heap\":[],\"acts\":[\"nothing\"]}");
    for (String[] command :
        new String[][] {{"replay", trace.toString()}, {"rig", recipe.toString()}}) {
      out.reset();
      assertThat(run(command[0], command[1], "--python", "3.14.4", "--json", "-"))
          .isEqualTo(ExitCode.OK);
      JsonNode answer = new ObjectMapper().readTree(out.toByteArray());
      assertThat(answer.path("verified").asBoolean(true)).isFalse();
      assertThat(answer.path("note").asText()).startsWith(PythonVersion.NOT_VERIFIED);
      out.reset();
      assertThat(run(command[0], command[1], "--python", "3.14")).isEqualTo(ExitCode.OK);
      assertThat(out.toString(StandardCharsets.UTF_8)).contains(PythonVersion.NOT_VERIFIED);
    }
  }

  @Test
  void rigTellsWhatAnActCopied() throws IOException {
    Path recipe =
        Files.writeString(
            directory.resolve("r.json"),
            "{\"heap\":[{\"repeat\":20000,\"make\":{\"list\":[{\"int\":1000}]}}],"
                + "\"acts\":[\"nothing\",\"iterate\"]}");
    assertThat(run("rig", recipe.toString(), "--json", "-")).isEqualTo(ExitCode.OK);
    JsonNode acts = new ObjectMapper().readTree(out.toByteArray()).path("acts");
    assertThat(acts.path(0).path("pages_copied").asInt()).isLessThan(20);
    // lists with their heads take 64 bytes, 63 or fewer to a page, with what shares their class
    assertThat(acts.path(1).path("pages_copied").asInt()).isBetween(20_000 / 64, 20_000 / 32 + 50);
  }

  @Test
  void verifyReportsAnInterpreterThatIsNotSimulatedAndAsksTheOthers() throws IOException {
    String pypy = interpreter("pypy3", "PyPy 3.10 3.10.14");
    String good = interpreter("python3.9", "CPython 3.9 3.9.99");

    int code = run("verify", "--cases", "0", "--only", "traces", "--python", pypy, good);

    String table = out.toString(StandardCharsets.UTF_8);
    assertThat(code).isEqualTo(1);
    assertThat(table).contains("interpreter " + pypy + " FAILED: PyPy 3.10.14 is no CPython");
    assertThat(table).containsPattern("3.9.99 +trace golden pure_1 +FAILED: status 1");
    assertThat(err.toString(StandardCharsets.UTF_8)).isEmpty();
  }

  @Test
  void verifySaysOnlyWhyAnInterpreterFailedIfThereIsNoOther() throws IOException {
    String mute = interpreter("python3.9", "");

    assertThat(run("verify", "--python", mute)).isEqualTo(1);

    assertThat(out.toString(StandardCharsets.UTF_8))
        .contains("0 real CPythons")
        .contains("FAILED: does not answer as a Python does")
        .doesNotContain("not permitted");
  }

  @Test
  void verifyHasNothingToRunIfNoInterpreterIsSimulated() throws IOException {
    String pypy = interpreter("pypy3", "PyPy 3.10 3.10.14");

    assertThat(run("verify", "--python", pypy)).isEqualTo(2);

    assertThat(errorLine())
        .startsWith("--python " + pypy + " (PyPy 3.10.14): no CPython of a simulated release;");
  }

  /** A program that says what interpreter it is and can do nothing else. */
  private String interpreter(String name, String answer) throws IOException {
    String script =
        "#!/bin/sh\ncase \"$*\" in *platform*) echo %s; exit;; esac\nexit 1\n".formatted(answer);
    Path file = Files.writeString(directory.resolve(name), script);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    return file.toString();
  }

  @Test
  void noArgumentsShowTheUsage() {
    assertThat(run()).isEqualTo(ExitCode.BAD_INPUT);
    assertThat(err.toString(StandardCharsets.UTF_8)).contains("compare").contains("Exit codes");
  }

  @Test
  void everyShippedScenarioIsValid() throws IOException {
    try (Stream<Path> files = Files.list(Path.of("../scenarios"))) {
      List<Path> scenarios = files.filter(f -> f.toString().endsWith(".yaml")).sorted().toList();
      assertThat(scenarios).isNotEmpty();
      for (Path file : scenarios) {
        assertThat(new dev.preforklab.scenario.ScenarioLoader().file(file).load().name())
            .isEqualTo(String.valueOf(file.getFileName()).replace(".yaml", ""));
      }
    }
  }
}
