package dev.preforklab.agent;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class RulesTest {
  @ParameterizedTest
  @ValueSource(strings = {"prometheus.yml", "prometheus-local.yml"})
  void theConfigurationAndItsRulesAreValid(String file) throws Exception {
    Path promtool = Promtool.require("promtool", "promtool check config " + file);
    assertThat(Promtool.run(List.of(promtool.toString(), "check", "config", file)))
        .startsWith("exit 0")
        .contains("6 rule files found");
  }

  @Test
  void theRulesPassTheirTests() throws Exception {
    Path promtool = Promtool.require("promtool", "promtool test rules");
    List<String> command = new ArrayList<>(List.of(promtool.toString(), "test", "rules"));
    try (Stream<Path> files = Files.list(Promtool.CONFIGURATION.resolve("tests"))) {
      files.sorted().map(Path::toString).forEach(command::add);
    }
    assertThat(command).hasSizeGreaterThan(3);
    assertThat(Promtool.run(command)).startsWith("exit 0").doesNotContain("FAILED");
  }

  @Test
  void recordedNamesAreLevelMetricOperations() {
    assertThat(Dashboards.recordedNames())
        .isNotEmpty()
        .allMatch(
            name -> name.matches("(worker|gc):[a-z_]+:[a-z0-9_]+"), "level:metric:operations");
  }

  @Test
  void theLabsRulesReadOnlySeriesTheAgentHas() {
    assertThat(Dashboards.metricsIn(Dashboards.expressionsOf("lab.yml")))
        .isNotEmpty()
        .isSubsetOf(Dashboards.scrapedNames());
    assertThat(Dashboards.metricsIn(Dashboards.expressionsOf("setting.yml")))
        .isNotEmpty()
        .isSubsetOf(Dashboards.recordedNames());
  }

  @Test
  void everySourceRecordsNamesTheLabHasToo() {
    List<String> lab = Dashboards.recordedNames("lab.yml");
    for (String file :
        List.of("client_python.yml", "process_exporter.yml", "cadvisor.yml", "otel.yml")) {
      assertThat(lab).as(file).containsAll(Dashboards.recordedNames(file));
    }
  }
}
