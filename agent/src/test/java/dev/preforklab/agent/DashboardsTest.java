package dev.preforklab.agent;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

final class DashboardsTest {
  @TestFactory
  List<DynamicTest> everyPanelIsDescribedAndAsksForWhatExists() {
    Set<String> known = new TreeSet<>(Dashboards.recordedNames());
    known.addAll(Dashboards.scrapedNames());
    List<DynamicTest> tests = new ArrayList<>();
    Dashboards.dashboards()
        .forEach(
            (file, dashboard) -> {
              for (JsonNode panel : Dashboards.panels(dashboard)) {
                tests.add(
                    DynamicTest.dynamicTest(
                        file + ": " + panel.path("title").asText(), () -> check(panel, known)));
              }
            });
    assertThat(tests).hasSizeGreaterThan(20);
    return tests;
  }

  private static void check(JsonNode panel, Set<String> known) {
    assertThat(panel.path("title").asText()).isNotBlank();
    assertThat(panel.path("description").asText()).as("description").hasSizeGreaterThan(20);
    assertThat(panel.at("/fieldConfig/defaults/unit").asText()).as("unit").isNotBlank();
    assertThat(panel.at("/datasource/uid").asText()).isEqualTo("prometheus");
    assertThat(panel.path("targets")).isNotEmpty();
    for (JsonNode target : panel.path("targets")) {
      String query = target.path("expr").asText();
      assertThat(Dashboards.metricsIn(List.of(query))).as(query).isNotEmpty().isSubsetOf(known);
      if (!target.path("exemplar").asBoolean()) {
        assertThat(Dashboards.metricsIn(List.of(query)))
            .as("recorded names only, but where exemplars are asked for")
            .allMatch(name -> name.contains(":"));
      }
    }
  }

  @Test
  void idsAreUniqueAndPanelsDoNotOverlap() {
    Set<String> uids = new HashSet<>();
    Dashboards.dashboards()
        .forEach(
            (file, dashboard) -> {
              assertThat(uids.add(dashboard.path("uid").asText())).as(file).isTrue();
              assertThat(dashboard.path("schemaVersion").asInt()).isGreaterThanOrEqualTo(39);
              Set<Integer> ids = new HashSet<>();
              Set<String> cells = new HashSet<>();
              for (JsonNode panel : dashboard.path("panels")) {
                assertThat(ids.add(panel.path("id").asInt())).as(file + " " + panel).isTrue();
                JsonNode at = panel.path("gridPos");
                for (int x = 0; x < at.path("w").asInt(); x++) {
                  for (int y = 0; y < at.path("h").asInt(); y++) {
                    int column = at.path("x").asInt() + x;
                    assertThat(column).isLessThan(24);
                    assertThat(cells.add(column + "," + (at.path("y").asInt() + y)))
                        .as(file + ": overlaps: " + panel.path("title"))
                        .isTrue();
                  }
                }
              }
            });
    assertThat(uids).hasSize(2);
  }

  @Test
  void everyDashboardHasTheVariables() {
    Dashboards.dashboards()
        .forEach(
            (file, dashboard) -> {
              List<String> names = new ArrayList<>();
              for (JsonNode variable : dashboard.at("/templating/list")) {
                names.add(variable.path("name").asText());
                String query = variable.path("definition").asText();
                assertThat(query).startsWith("label_values(").contains(":");
              }
              assertThat(names).as(file).containsExactly("source", "scenario", "gc", "worker");
            });
  }

  @Test
  void whatIsProvisionedIsThere() {
    JsonNode datasource =
        Dashboards.yaml(Dashboards.GRAFANA.resolve("provisioning/datasources/prometheus.yml"));
    assertThat(datasource.at("/datasources/0/uid").asText()).isEqualTo("prometheus");
    assertThat(datasource.at("/datasources/0/url").asText()).isEqualTo("http://prometheus:9090");
    JsonNode provider =
        Dashboards.yaml(Dashboards.GRAFANA.resolve("provisioning/dashboards/prefork-lab.yml"));
    assertThat(provider.at("/providers/0/options/path").asText())
        .isEqualTo("/var/lib/grafana/dashboards");
    assertThat(Dashboards.dashboards()).containsKeys("overview.json", "comparison.json");
  }
}
