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
        "[1,2]|does not hold a JSON object",
        "{\"family\":\"pure\"|not valid JSON",
        "{\"family\":\"other\",\"slots\":4,\"ops\":[]}|family: \"other\" is not known",
        "{\"family\":\"pure\",\"slots\":0,\"ops\":[]}|slots: must be",
        "{\"family\":\"pure\",\"slots\":1e99,\"ops\":[]}|slots: must be",
        "{\"family\":\"pure\",\"slots\":4,\"ops\":7}|ops: must be a list",
        "{\"family\":\"pure\",\"slots\":4,\"ops\":[[\"nop\"],[\"jump\",1]]}|ops[1]: unknown",
        "{\"family\":\"pure\",\"slots\":4,\"ops\":[[\"new\"]]}|ops[0]: new takes 1",
        "{\"family\":\"pure\",\"slots\":4,\"ops\":[[\"new\",4]]}|not a whole number from 0 to 3",
        "{\"family\":\"pure\",\"slots\":4,\"ops\":[[\"collect\",3]]}|from 0 to 2",
        "{\"family\":\"pure\",\"slots\":4,\"ops\":[[\"burst\",1e9]]}|from 0 to 1000",
        "{\"family\":\"pure\",\"slots\":4,\"ops\":[{}]}|ops[0]: must be a list",
      })
  void brokenTraces(String json, String message) {
    assertThatThrownBy(() -> read(json))
        .isInstanceOf(TraceException.class)
        .hasMessageContaining(message)
        .message()
        .doesNotContain("\n");
  }

  @Test
  void anOperationOnAnEmptySlotIsNamed() throws IOException {
    Trace trace = read("{\"family\":\"pure\",\"slots\":4,\"ops\":[[\"nop\"],[\"link\",1,0,2]]}");
    assertThatThrownBy(() -> ReplayEngine.run(trace, PythonVersion.V3_11, 10, 2))
        .isInstanceOf(TraceException.class)
        .hasMessage("ops[1]: slot 1 does not hold a N");
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
    return Trace.read(new ByteArrayInputStream(json.getBytes(StandardCharsets.UTF_8)));
  }
}
