package dev.preforklab.agent;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Reads the dashboards, the recording rules and the golden scrape, and the names they speak of. */
final class Dashboards {
  static final Path GRAFANA = Path.of("../grafana").toAbsolutePath().normalize();

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final ObjectMapper YAML = new ObjectMapper(new YAMLFactory());
  private static final Pattern NAME = Pattern.compile("[a-zA-Z_:][a-zA-Z0-9_:]*");
  private static final Set<String> WORDS =
      Set.of("by", "without", "on", "ignoring", "or", "and", "unless", "offset", "bool");

  private Dashboards() {}

  static Map<String, JsonNode> dashboards() {
    Map<String, JsonNode> dashboards = new LinkedHashMap<>();
    try (Stream<Path> files = Files.list(GRAFANA.resolve("dashboards"))) {
      for (Path file : files.sorted().toList()) {
        dashboards.put(file.getFileName().toString(), JSON.readTree(file.toFile()));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return dashboards;
  }

  /** All panels but rows, those inside collapsed rows too. */
  static List<JsonNode> panels(JsonNode dashboard) {
    List<JsonNode> panels = new ArrayList<>();
    for (JsonNode panel : dashboard.path("panels")) {
      if (panel.path("type").asText().equals("row")) {
        panel.path("panels").forEach(panels::add);
      } else {
        panels.add(panel);
      }
    }
    return panels;
  }

  static JsonNode yaml(Path file) {
    try {
      return YAML.readTree(file.toFile());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static List<JsonNode> rules(String file) {
    List<JsonNode> rules = new ArrayList<>();
    for (JsonNode group :
        yaml(Promtool.CONFIGURATION.resolve("rules").resolve(file)).path("groups")) {
      group.path("rules").forEach(rules::add);
    }
    return rules;
  }

  static List<String> recordedNames(String file) {
    return rules(file).stream().map(rule -> rule.path("record").asText()).toList();
  }

  static List<String> expressionsOf(String file) {
    return rules(file).stream().map(rule -> rule.path("expr").asText()).toList();
  }

  /** What the rules for the lab record. */
  static Set<String> recordedNames() {
    Set<String> names = new TreeSet<>(recordedNames("lab.yml"));
    names.addAll(recordedNames("setting.yml"));
    return names;
  }

  /** Names of all series of the golden scrape. */
  static Set<String> scrapedNames() {
    Set<String> names = new TreeSet<>();
    try {
      for (String line : Files.readAllLines(Path.of("src/test/resources/scrape.golden.txt"))) {
        Matcher matcher = NAME.matcher(line);
        if (!line.startsWith("#") && matcher.lookingAt()) {
          names.add(matcher.group());
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return names;
  }

  /** Names of metrics in PromQL: what is left without strings, label lists, functions and words. */
  static Set<String> metricsIn(Collection<String> expressions) {
    Set<String> names = new TreeSet<>();
    for (String expression : expressions) {
      String bare =
          expression
              .replaceAll("\"[^\"]*\"", "")
              .replaceAll("\\{[^}]*}", " ")
              .replaceAll("\\[[^]]*]", "")
              .replaceAll("\\b(by|without|on|ignoring)\\s*\\([^)]*\\)", "");
      Matcher matcher = NAME.matcher(bare);
      while (matcher.find()) {
        boolean function = bare.substring(matcher.end()).stripLeading().startsWith("(");
        if (!function && !WORDS.contains(matcher.group())) {
          names.add(matcher.group());
        }
      }
    }
    return names;
  }
}
