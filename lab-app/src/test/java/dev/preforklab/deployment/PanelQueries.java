package dev.preforklab.deployment;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Every query of every panel of the provisioned dashboards, with Grafana's variables filled in. */
final class PanelQueries {
  /** A query and the place it stands at, for messages. */
  record PanelQuery(String dashboard, String panel, String expression) {}

  private PanelQueries() {}

  static List<PanelQuery> all(Path dashboards) throws IOException {
    List<PanelQuery> queries = new ArrayList<>();
    ObjectMapper json = new ObjectMapper();
    try (Stream<Path> files = Files.list(dashboards)) {
      for (Path file : files.filter(f -> f.toString().endsWith(".json")).sorted().toList()) {
        collect(json.readTree(file.toFile()), file.getFileName().toString(), queries);
      }
    }
    return queries;
  }

  private static void collect(JsonNode node, String dashboard, List<PanelQuery> into) {
    for (JsonNode panel : node.path("panels")) {
      for (JsonNode target : panel.path("targets")) {
        String expression = target.path("expr").asText();
        if (!expression.isEmpty()) {
          into.add(new PanelQuery(dashboard, panel.path("title").asText(), fill(expression)));
        }
      }
      collect(panel, dashboard, into);
    }
  }

  /** Variables as Grafana fills them when "All" is chosen. */
  private static String fill(String expression) {
    return expression
        .replace("$__rate_interval", "20s")
        .replace("$__interval", "5s")
        .replace("$__range", "60s")
        .replaceAll("\\$\\{?(quantile)(:[a-z]+)?}?", "0.99")
        .replaceAll("\\$\\{?[a-zA-Z]+(:[a-z]+)?}?", ".+");
  }
}
