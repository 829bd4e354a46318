package dev.preforklab.deployment;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Instant queries of a Prometheus over its HTTP API. */
final class PrometheusClient {
  private final URI base;
  private final HttpClient http =
      HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).build();
  private final ObjectMapper json = new ObjectMapper();

  PrometheusClient(URI base) {
    this.base = base;
  }

  /** The series that an expression gives now. */
  List<JsonNode> query(String expression) throws IOException, InterruptedException {
    URI uri =
        base.resolve(
            "/api/v1/query?query=" + URLEncoder.encode(expression, StandardCharsets.UTF_8));
    HttpResponse<String> response =
        http.send(
            HttpRequest.newBuilder(uri).timeout(Duration.ofSeconds(10)).build(),
            HttpResponse.BodyHandlers.ofString());
    JsonNode body = json.readTree(response.body());
    if (!"success".equals(body.path("status").asText())) {
      throw new IOException(expression + ": " + response.body());
    }
    List<JsonNode> series = new ArrayList<>();
    body.path("data").path("result").forEach(series::add);
    return series;
  }

  /** Those of the panel queries that have nothing to show after waiting at most so long. */
  List<PanelQueries.PanelQuery> empty(List<PanelQueries.PanelQuery> queries, Duration atMost)
      throws IOException, InterruptedException {
    long deadline = System.nanoTime() + atMost.toNanos();
    List<PanelQueries.PanelQuery> left = new ArrayList<>(queries);
    while (true) {
      List<PanelQueries.PanelQuery> still = new ArrayList<>();
      for (PanelQueries.PanelQuery q : left) {
        if (query(q.expression()).isEmpty()) {
          still.add(q);
        }
      }
      left = still;
      if (left.isEmpty() || System.nanoTime() > deadline) {
        return left;
      }
      Thread.sleep(2_000);
    }
  }
}
