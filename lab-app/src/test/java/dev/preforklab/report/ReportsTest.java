package dev.preforklab.report;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.preforklab.experiment.ComparisonResult;
import dev.preforklab.experiment.HostResult;
import dev.preforklab.experiment.HostResult.Checkpoint;
import dev.preforklab.experiment.HostResult.EndpointResult;
import dev.preforklab.experiment.HostResult.Latency;
import dev.preforklab.scenario.ScenarioLoader;
import java.io.StringReader;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.xml.sax.InputSource;

class ReportsTest {
  private static final Build BUILD = new Build("1.0", "abc");

  private static HostResult host(String gc, double shared, double pss, long p99) {
    Latency latency = new Latency(10, 1_000_000, 2_000_000, p99, 4_000_000);
    return new HostResult(
        gc,
        10,
        0,
        1_000_000_000L,
        10,
        latency,
        5_000_000,
        shared,
        64 << 20,
        pss,
        30 << 20,
        50 << 20,
        200 << 20,
        9.5,
        0,
        List.of(968L, 87L, 4L),
        598_563,
        new Latency(1059, 100_000, 200_000, 300_000, 400_000),
        123_456_789,
        List.of(1L, 2L, 3L, 0L, 5L),
        1_000,
        100,
        null,
        new HostResult.MasterGc(
            List.of(457L, 0L, 2L), List.of(264L, 24L, 2L), List.of(76_893L, 8_407L)),
        List.of(0L, 1L, 0L, 2L),
        List.of(new EndpointResult("GET", "/<a href='x'>/", latency)),
        List.of(
            new Checkpoint(0, 0, 1, 1, 2, 3, 0, List.of(0L, 0L, 0L)),
            new Checkpoint(10, 9, shared, 1, pss, 3, 40, List.of(1L, 0L, 0L))));
  }

  private static ComparisonResult comparison() {
    return new ComparisonResult(
        new ScenarioLoader().set("name=a <b> & \"c\"").load(),
        "django-site",
        "3.11",
        List.of(
            host("default", 0.385, 42 << 20, 60_000_000),
            host("threshold=1,2,3", 0.536, 35 << 20, 50_000_000)),
        List.of("threshold=1,2,3: a <note>"));
  }

  @Test
  void jsonHasTheKeysOfTheContract() throws Exception {
    JsonNode root = new ObjectMapper().readTree(ComparisonJson.render(comparison(), BUILD));
    assertThat(root.fieldNames())
        .toIterable()
        .startsWith("tool", "version", "commit", "seed", "python")
        .contains("scenario", "workers", "requests", "settings", "best");
    JsonNode setting = root.path("settings").path(0);
    assertThat(setting.fieldNames())
        .toIterable()
        .contains(
            "gc",
            "throughput_rps",
            "latency_ms",
            "shared_ratio",
            "rss_bytes",
            "pss_bytes",
            "uss_bytes",
            "minor_faults_per_request",
            "major_faults",
            "gc_collections",
            "gc_pause_ms",
            "cow_faults",
            "refcount_writes",
            "llc_miss_ratio",
            "checkpoints");
    assertThat(setting.at("/latency_ms/p99").decimalValue()).isEqualByComparingTo("60");
    assertThat(setting.at("/gc_pause_ms/total").decimalValue()).isEqualByComparingTo("123.456789");
    assertThat(setting.at("/cow_faults/gc_header").asInt()).isEqualTo(2);
    assertThat(setting.at("/checkpoints/1/faults").asInt()).isEqualTo(40);
    assertThat(setting.path("master_gc"))
        .hasToString(
            "{\"counts\":[457,0,2],\"collections\":[264,24,2],\"long_lived\":[76893,8407]}");
    assertThat(setting.path("pss_bytes").isIntegralNumber()).isTrue();
    assertThat(root.at("/best/memory").asText()).isEqualTo("threshold=1,2,3");
  }

  @Test
  void tableMarksTheBestOnce() {
    String table = ComparisonTable.render(comparison(), BUILD, false);
    assertThat(table).contains("seed 1").contains("0.385 ").contains("0.536*");
    assertThat(table.lines().filter(l -> l.contains("errors"))).allMatch(l -> !l.contains("*"));
    assertThat(table).doesNotContain("\u001b");
    assertThat(ComparisonTable.render(comparison(), BUILD, true)).contains("\u001b[1m");
  }

  @Test
  void csvHasARowForEachSettingAndQuotesCommas() {
    List<String> lines = ComparisonCsv.render(comparison()).lines().toList();
    assertThat(lines).hasSize(3);
    assertThat(lines.get(0)).startsWith("gc,requests,shared_ratio,");
    assertThat(lines.get(2)).startsWith("\"threshold=1,2,3\",10,0.536,");
    int columns = lines.get(0).split(",", -1).length;
    assertThat(lines.get(1).split(",", -1)).hasSize(columns);
  }

  @Test
  void htmlIsWellFormedAndLoadsNothing() throws Exception {
    String html = ComparisonHtml.render(comparison(), BUILD);
    assertThat(html).doesNotContain("src=").doesNotContain("<link").doesNotContain("<b> &");
    // void elements apart it is well-formed XML, so nothing is left open or unescaped
    String xml = html.replace("<!doctype html>", "").replaceAll("<(meta|br)([^>]*)>", "<$1$2/>");
    DocumentBuilderFactory.newInstance()
        .newDocumentBuilder()
        .parse(new InputSource(new StringReader(xml)));
  }
}
