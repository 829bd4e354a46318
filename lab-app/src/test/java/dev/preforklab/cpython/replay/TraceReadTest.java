package dev.preforklab.cpython.replay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.preforklab.cpython.PythonVersion;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Broken traces are refused in one line that says what is wrong and where. */
class TraceReadTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "[1,2]|t.json:1:1: not a trace: the file does not hold a JSON object",
        "{\"family\":\"pure\"|t.json:1:17: not JSON: Unexpected end-of-input",
        "{\"family\":\"other\",\"slots\":4,\"ops\":[]}|t.json:1:11: family: \"other\" is not known",
        "{\"family\":\"pure\",\"slots\":0,\"ops\":[]}|t.json:1:26: slots: must be a whole number from",
        "{\"family\":\"pure\",\"slots\":1e99,\"ops\":[]}|slots: must be a whole number from",
        "{\"family\":\"pure\",\"ops\":[]}|not a trace: it has no slots",
        "{\"family\":\"pure\",\"slots\":4,\"slots\":5,\"ops\":[]}|t.json:1:28: slots: is there twice",
        "{\"family\":\"pure\",\"slots\":4,\"ops\":7}|ops: must be a list of operations, not 7",
        "{\"family\":\"pure\",\"slots\":4,\"ops\":[[\"nop\"],[\"jump\",1]]}"
            + "|t.json:1:43: ops[1]: unknown operation \"jump\"",
        "{\"family\":\"pure\",\"slots\":4,\"ops\":[[\"new\"]]}|ops[0]: new takes 1 number, not 0",
        "{\"family\":\"pure\",\"slots\":4,\"ops\":[[\"nop\",3]]}|nop takes 0 numbers, and more follow: 3",
        "{\"family\":\"pure\",\"slots\":4,\"ops\":[[\"new\",4]]}|new: 4 is not a whole number from 0 to 3",
        "{\"family\":\"pure\",\"ops\":[[\"new\",4]],\"slots\":4}|ops[0]: new: 4 is not a whole number from 0",
        "{\"family\":\"pure\",\"slots\":4,\"ops\":[[\"collect\",3]]}|from 0 to 2",
        "{\"family\":\"pure\",\"slots\":4,\"ops\":[[\"burst\",1e9]]}|burst: 1e9 is not a whole number from",
        "{\"family\":\"pure\",\"slots\":4,\"ops\":[{}]}|ops[0]: must be a list that begins with a name",
        "{\"family\":\"pure\",\"slots\":4,\"ops\":[[[]]]}|ops[0]: must begin with a name, not a list",
        "{\"family\":\"pure\",\"slots\":4,\"ops\":[]} x|t.json:1:38: not JSON: Unrecognized token 'x'",
        "{\"family\":\"pure\",\"slots\":4,\"ops\":[]}[]|t.json:1:37: more follows after the trace's end",
      })
  void brokenTraces(String json, String message) {
    assertThatThrownBy(() -> read(json))
        .isInstanceOf(TraceException.class)
        .hasMessageContaining(message)
        .hasMessageStartingWith("t.json:1:")
        .message()
        .doesNotContain("\n");
  }

  @Test
  void theLineIsNamed() {
    String json =
        "{\"family\": \"pure\",\n \"slots\": 4,\n \"ops\": [\n  [\"nop\"],\n  [\"new\", 9]]}";
    assertThatThrownBy(() -> read(json))
        .hasMessage("t.json:5:3: ops[1]: new: 9 is not a whole number from 0 to 3");
  }

  @Test
  void whatIsNotPartOfATraceIsPassedOver() throws IOException {
    Trace trace =
        read(
            "{\"comment\":{\"a\":[1,{}]},\"ops\":[[\"nop\"]],\"family\":\"mixed\",\"seed\":1,\"slots\":2}");
    assertThat(trace.slots()).isEqualTo(2);
    assertThat(trace.operations()).hasSize(1);
  }

  @Test
  void anOperationIsWrittenAsItWasRead() throws IOException {
    String ops = "[\"thr\",700,10,0] [\"nop\"] [\"link\",1,0,2] [\"lcycle\",3,7]";
    Trace trace = read("{\"family\":\"pure\",\"slots\":4,\"ops\":[" + ops.replace(' ', ',') + "]}");
    assertThat(trace.operations().stream().map(Trace.Operation::text).toList())
        .containsExactly(ops.split(" "));
  }

  @Test
  void anOperationOnAnEmptySlotIsNamed() throws IOException {
    Trace trace = read("{\"family\":\"pure\",\"slots\":4,\"ops\":[[\"nop\"],[\"link\",1,0,2]]}");
    assertThatThrownBy(() -> ReplayEngine.run(trace, PythonVersion.V3_11, 10, 2))
        .isInstanceOf(TraceException.class)
        .hasMessage("t.json:1:43: ops[1]: slot 1 does not hold a N");
  }

  /** 600 rings of 1,000 objects, 1,000 times: nobody waits for that. */
  @Test
  void aTraceThatMakesTooMuchIsRefused() {
    String ring = "[\"cycle\",1000,1000],";
    assertThatThrownBy(
            () ->
                read(
                    "{\"family\":\"pure\",\"slots\":4,\"ops\":["
                        + ring.repeat(600)
                        + "[\"nop\"]]}"))
        .hasMessageContaining("ops[500]: the trace makes more than 500000000 objects");
  }

  @Test
  void aTraceThatLooksAtTooMuchIsRefused() throws IOException {
    String full = "[\"freeze\"],";
    Trace trace =
        read(
            "{\"family\":\"pure\",\"slots\":4,\"ops\":[[\"nop\"],"
                + full.repeat(2_000)
                + "[\"nop\"]]}");
    assertThatThrownBy(() -> ReplayEngine.run(trace, PythonVersion.V3_11, 100_000, 2, 20_000_000))
        .isInstanceOf(TraceException.class)
        .hasMessageContaining("look at more than 20000000 objects");
  }

  @Test
  void releasesAreNamedAsPeopleWriteThem() {
    assertThat(PythonVersion.parse("3.11.2")).isSameAs(PythonVersion.V3_11);
    assertThat(PythonVersion.parse("2.7")).isSameAs(PythonVersion.V2_7);
    assertThat(PythonVersion.parse("3.14")).isSameAs(PythonVersion.V3_14);
    assertThat(PythonVersion.parse("3.14.0rc2")).isSameAs(PythonVersion.V3_14);
    assertThat(PythonVersion.parse("3.14.4")).isSameAs(PythonVersion.V3_14);
    assertThatThrownBy(() -> PythonVersion.parse("3.5"))
        .hasMessage(
            "unknown Python release \"3.5\"; known: "
                + "[2.7, 3.6, 3.7, 3.8, 3.9, 3.10, 3.11, 3.12, 3.13, 3.14]");
  }

  private static Trace read(String json) throws IOException {
    return Trace.read("t.json", new ByteArrayInputStream(json.getBytes(StandardCharsets.UTF_8)));
  }
}
