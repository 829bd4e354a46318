package dev.preforklab.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.preforklab.agent.instrument.InstrumentationModule;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class AgentArgumentsTest {
  @Test
  void defaultsListenOnLoopbackWithAllModules() throws AgentArgumentException {
    AgentArguments arguments = AgentArguments.parse("");
    assertThat(arguments.port()).isEqualTo(9464);
    assertThat(arguments.listen()).isEqualTo("127.0.0.1");
    assertThat(arguments.modules()).containsExactlyInAnyOrder(InstrumentationModule.values());
    assertThat(arguments.trace()).isEqualTo("auto");
    assertThat(arguments.jvm()).isTrue();
    assertThat(arguments.detach()).isFalse();
  }

  @Test
  void everyKeyIsRead() throws AgentArgumentException {
    AgentArguments arguments =
        AgentArguments.parse(
            "port=0, listen=0.0.0.0,modules=gc+requests,trace=http://127.0.0.1:4318,jvm=false,"
                + "detach=true");
    assertThat(arguments.port()).isZero();
    assertThat(arguments.listen()).isEqualTo("0.0.0.0");
    assertThat(arguments.modules())
        .containsExactlyInAnyOrder(
            InstrumentationModule.HOSTS, InstrumentationModule.GC, InstrumentationModule.REQUESTS);
    assertThat(arguments.trace()).isEqualTo("http://127.0.0.1:4318");
    assertThat(arguments.jvm()).isFalse();
    assertThat(arguments.detach()).isTrue();
  }

  @ParameterizedTest
  @CsvSource({
    "prot=9464, prot",
    "port=, port",
    "port=65536, port",
    "port=-1, port",
    "port=http, port",
    "listen=, listen",
    "modules=, modules",
    "modules=gc+memroy, memroy",
    "trace=maybe, trace",
    "trace=ftp://there, trace",
    "trace=http://, trace",
    "jvm=yes, jvm",
    "detach=1, detach",
    "port, port",
    "=1, =1"
  })
  void whatCannotBeNamesItsKey(String arguments, String named) {
    assertThatThrownBy(() -> AgentArguments.parse(arguments))
        .isInstanceOf(AgentArgumentException.class)
        .hasMessageContaining(named)
        .message()
        .doesNotContain("\n");
  }

  @ParameterizedTest
  @ValueSource(strings = {"port=1,port=2", "jvm=true, jvm=true"})
  void aRepeatedKeyIsRefused(String arguments) {
    assertThatThrownBy(() -> AgentArguments.parse(arguments)).hasMessageContaining("twice");
  }
}
