package dev.preforklab.agent;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/**
 * Every query of every panel against a real Prometheus that scraped a running agent: none may come
 * back empty.
 *
 * <p>By default the agent watches a scripted lab. With {@code -Dpreforklab.metrics.url=
 * http://127.0.0.1:9464} it is a lab that already runs.
 */
final class DashboardQueriesIT {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final HttpClient HTTP = HttpClient.newHttpClient();
  private static final Duration LIMIT = Duration.ofSeconds(45);

  @TempDir static @Nullable Path directory;
  private static @Nullable LabProcess lab;
  private static @Nullable Process prometheus;
  private static String base = "";

  @BeforeAll
  static void start() throws Exception {
    Path program = Promtool.require("prometheus", "all panel queries against a real Prometheus");
    String metrics = System.getProperty("preforklab.metrics.url", "");
    if (metrics.isEmpty()) {
      LabProcess started = LabProcess.start("port=0", Map.of(), "live").awaitReady();
      lab = started;
      metrics = started.url();
    }
    Path home = directory;
    if (home == null) {
      throw new IllegalStateException("no directory to work in");
    }
    String target = URI.create(metrics).getAuthority();
    String configuration =
        Files.readString(Promtool.CONFIGURATION.resolve("prometheus-local.yml"))
            .replace("127.0.0.1:9464", target)
            .replace("rules/*.yml", Promtool.CONFIGURATION + "/rules/*.yml")
            .replace("interval: 5s", "interval: 500ms");
    Path file = Files.writeString(home.resolve("prometheus.yml"), configuration);
    int port;
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }
    base = "http://127.0.0.1:" + port;
    prometheus =
        new ProcessBuilder(
                program.toString(),
                "--config.file=" + file,
                "--storage.tsdb.path=" + home.resolve("data"),
                "--web.listen-address=127.0.0.1:" + port,
                "--enable-feature=exemplar-storage")
            .redirectErrorStream(true)
            .redirectOutput(home.resolve("prometheus.log").toFile())
            .start();
  }

  @AfterAll
  static void stop() throws InterruptedException {
    Process running = prometheus;
    if (running != null) {
      running.destroy();
      if (!running.waitFor(10, TimeUnit.SECONDS)) {
        running.destroyForcibly().waitFor();
      }
    }
    if (lab != null) {
      lab.close();
    }
  }

  @TestFactory
  List<DynamicTest> noPanelIsEmpty() {
    Instant deadline = Instant.now().plus(LIMIT);
    List<DynamicTest> tests = new ArrayList<>();
    Dashboards.dashboards()
        .forEach(
            (file, dashboard) -> {
              for (JsonNode panel : Dashboards.panels(dashboard)) {
                for (JsonNode target : panel.path("targets")) {
                  String name =
                      file
                          + ": "
                          + panel.path("title").asText()
                          + " "
                          + target.path("refId").asText();
                  String query = substitute(target.path("expr").asText());
                  tests.add(DynamicTest.dynamicTest(name, () -> awaitResult(query, deadline)));
                }
              }
              for (JsonNode variable : dashboard.at("/templating/list")) {
                String selector =
                    substitute(
                        variable
                            .path("definition")
                            .asText()
                            .replaceAll("^label_values\\((.*), \\w+\\)$", "$1"));
                tests.add(
                    DynamicTest.dynamicTest(
                        file + ": variable " + variable.path("name").asText(),
                        () -> awaitResult(selector, deadline)));
              }
            });
    return tests;
  }

  @TestFactory
  List<DynamicTest> everySettingHasItsFourSignals() {
    Instant deadline = Instant.now().plus(LIMIT);
    return List.of(
            "gc:prefork_refcount_writes:rate1m",
            "gc:prefork_gc_allocations:mean",
            "gc:prefork_shared_memory:ratio",
            "gc:process_paging_faults:rate1m",
            "gc:prefork_cow_faults:rate1m")
        .stream()
        .map(
            name ->
                DynamicTest.dynamicTest(
                    name,
                    () -> {
                      JsonNode hosts = awaitResult("python_info", deadline);
                      JsonNode settings = awaitResult("count by (gc) (" + name + ")", deadline);
                      assertThat(settings).hasSameSizeAs(hosts);
                    }))
        .toList();
  }

  /** What Grafana does with "All" chosen in every variable, and with its rate interval. */
  private static String substitute(String query) {
    return query
        .replace("$__rate_interval", "1m")
        .replaceAll("\\$(source|scenario|gc|worker)", ".+");
  }

  private static JsonNode awaitResult(String query, Instant deadline)
      throws IOException, InterruptedException {
    while (true) {
      String answer = "";
      try {
        HttpResponse<String> response =
            HTTP.send(
                HttpRequest.newBuilder(
                        URI.create(
                            base
                                + "/api/v1/query?query="
                                + URLEncoder.encode(query, StandardCharsets.UTF_8)))
                    .build(),
                HttpResponse.BodyHandlers.ofString());
        answer = response.body();
        // while it replays its log Prometheus answers 503 with a line of text
        if (response.statusCode() != 503) {
          JsonNode result = JSON.readTree(answer).at("/data/result");
          if (!result.isEmpty()) {
            return result;
          }
        }
      } catch (java.net.ConnectException e) {
        answer = "Prometheus does not answer yet";
      }
      if (answer.contains("\"status\":\"error\"") || Instant.now().isAfter(deadline)) {
        throw new AssertionError("empty: " + query + "\n" + answer);
      }
      Thread.sleep(250);
    }
  }
}
