package dev.preforklab.agent;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.tools.attach.VirtualMachine;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The built jar in a JVM of its own: started with it, attached to it, detached from it. */
final class AgentIT {
  private static final String OPENMETRICS = "application/openmetrics-text; version=1.0.0";

  @Test
  void everythingThirdPartyIsRelocated() throws IOException {
    try (JarFile jar = new JarFile(LabProcess.agentJar().toFile())) {
      Set<String> foreign =
          jar.stream()
              .map(JarEntry::getName)
              .filter(name -> name.endsWith(".class"))
              .filter(name -> !name.startsWith("dev/preforklab/agent/"))
              .collect(Collectors.toCollection(TreeSet::new));
      assertThat(foreign).isEmpty();
      assertThat(
              jar.stream()
                  .map(JarEntry::getName)
                  .filter(name -> name.startsWith("META-INF/services/") && !name.endsWith("/"))
                  .toList())
          .isNotEmpty()
          .allMatch(name -> name.startsWith("META-INF/services/dev.preforklab.agent.shaded."));
    }
  }

  @Test
  void bothFormatsAndTheJvmsOwnMetricsAreServed() throws Exception {
    try (LabProcess lab = LabProcess.start("port=0", Map.of(), "once").awaitReady()) {
      HttpResponse<String> text = lab.get("/metrics", "*/*");
      assertThat(text.headers().firstValue("Content-Type").orElse("")).startsWith("text/plain");
      assertThat(text.body()).contains("# TYPE prefork_cow_faults_total counter");

      HttpResponse<String> open = lab.get("/metrics", OPENMETRICS);
      assertThat(open.headers().firstValue("Content-Type").orElse(""))
          .startsWith("application/openmetrics-text");
      assertThat(open.body()).contains("# TYPE prefork_cow_faults counter").endsWith("# EOF\n");

      String jvm = lab.get("/metrics/jvm", "*/*").body();
      assertThat(jvm).contains("jvm_memory_bytes_used").contains("process_cpu_seconds_total");
      assertThat(jvm).doesNotContain("prefork_");
      assertThat(text.body()).doesNotContain("jvm_");
      assertThat(lab.get("/", "*/*").statusCode()).isEqualTo(404);
      assertThat(lab.errors()).hasSize(1);
      lab.stop();
    }
  }

  @Test
  void theJvmsOwnMetricsCanBeLeftOut() throws Exception {
    try (LabProcess lab = LabProcess.start("port=0,jvm=false", Map.of(), "once").awaitReady()) {
      assertThat(lab.get("/metrics/jvm", "*/*").statusCode()).isEqualTo(404);
    }
  }

  @Test
  void onlyTheModulesAskedForAreAttached() throws Exception {
    try (LabProcess lab = LabProcess.start("port=0,modules=gc", Map.of(), "once").awaitReady()) {
      assertThat(lab.scrape())
          .contains("python_gc_collections_total{")
          .doesNotContain("prefork_page_faults_total{")
          .doesNotContain("http_server_request_duration_seconds_count{");
    }
  }

  @Test
  void aTakenPortEndsTheJvmWithOneLine() throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        LabProcess lab = LabProcess.start("port=" + taken.getLocalPort(), Map.of(), "once")) {
      assertThat(lab.awaitExit()).isEqualTo(2);
      assertThat(lab.errors()).hasSize(1);
      assertThat(lab.errors().get(0))
          .startsWith("prefork-agent: metrics port " + taken.getLocalPort() + " ");
    }
  }

  @Test
  void anUnknownArgumentEndsTheJvmWithOneLine() throws Exception {
    try (LabProcess lab = LabProcess.start("prot=1", Map.of(), "once")) {
      assertThat(lab.awaitExit()).isEqualTo(2);
      assertThat(lab.errors())
          .containsExactly(
              "prefork-agent: unknown agent argument \"prot\" (known: port, listen, modules, trace,"
                  + " jvm, detach)");
    }
  }

  @Test
  void anAddressThatIsNoneEndsTheJvmWithOneLine() throws Exception {
    try (LabProcess lab = LabProcess.start("listen=198.51.100.7,port=0", Map.of(), "once")) {
      assertThat(lab.awaitExit()).isEqualTo(2);
      assertThat(lab.errors()).hasSize(1);
      assertThat(lab.errors().get(0)).contains("198.51.100.7");
    }
  }

  @Test
  void anOtelSettingThatCannotBeEndsTheJvmWithOneLine() throws Exception {
    try (LabProcess lab =
        LabProcess.start("port=0", Map.of("OTEL_TRACES_EXPORTER", "pigeon"), "once")) {
      assertThat(lab.awaitExit()).isEqualTo(2);
      assertThat(lab.errors()).hasSize(1);
      assertThat(lab.errors().get(0)).contains("otel.traces.exporter").contains("pigeon");
    }
  }

  @Test
  void itCanBeAttachedDetachedAndAttachedAgain() throws Exception {
    try (LabProcess lab = LabProcess.start(null, Map.of(), "live").awaitReady()) {
      VirtualMachine vm = VirtualMachine.attach(Long.toString(lab.pid()));
      String jar = LabProcess.agentJar().toString();
      try {
        vm.loadAgent(jar, "port=0");
        assertThat(awaitInScrape(lab, "process_resident_memory_bytes{scenario=\"unknown\""))
            .contains("prefork_refcount_writes_total{scenario=\"unknown\",gc=\"host-3\"");
        vm.loadAgent(jar, "port=0");
        lab.awaitError("already attached");

        int port = Integer.parseInt(lab.url().replaceAll(".*:", ""));
        vm.loadAgent(jar, "detach=true");
        lab.awaitError("detached");
        try (ServerSocket free = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
          assertThat(free.isBound()).isTrue();
          vm.loadAgent(jar, "port=" + port);
          lab.awaitError("metrics port " + port);
        }
        vm.loadAgent(jar, "port=" + port);
        assertThat(awaitInScrape(lab, "process_resident_memory_bytes{")).contains("host-0");
        vm.loadAgent(jar, "detach=true");
        vm.loadAgent(jar, "detach=true");
        lab.awaitError("not attached to this JVM");
      } finally {
        vm.detach();
      }
      lab.stop();
    }
  }

  private static String awaitInScrape(LabProcess lab, String text) throws Exception {
    String scrape = "";
    for (int i = 0; i < 100; i++) {
      scrape = lab.scrape();
      if (scrape.contains(text)) {
        return scrape;
      }
      Thread.sleep(50);
    }
    throw new AssertionError("never contained " + text + ":\n" + scrape);
  }

  @Test
  void sampledRequestsAreSentAsSpansAndLinkedByExemplars() throws Exception {
    try (OtlpReceiver receiver = new OtlpReceiver();
        LabProcess lab =
            LabProcess.start(
                    "port=0",
                    Map.of(
                        "OTEL_EXPORTER_OTLP_ENDPOINT", receiver.endpoint(),
                        "OTEL_TRACES_SAMPLER", "always_on",
                        "OTEL_BSP_SCHEDULE_DELAY", "100",
                        "OTEL_METRIC_EXPORT_INTERVAL", "300"),
                    "once")
                .awaitReady()) {
      receiver.await(r -> r.spans().size() >= 3 && r.metrics().contains("prefork.memory"));

      ProtobufFields request = span(receiver.spans(), "GET /item/<id>/");
      ProtobufFields pass = span(receiver.spans(), "gc generation 0");
      assertThat(duration(request)).isEqualTo(4_000_000);
      assertThat(duration(pass)).isEqualTo(40_000);
      assertThat(pass.bytes(4)).as("parent").isEqualTo(request.bytes(2));
      assertThat(pass.bytes(1)).as("trace").isEqualTo(request.bytes(1));
      assertThat(pass.number(7) - request.number(7)).isEqualTo(1_000_000);
      Map<String, ProtobufFields> attributes =
          request.messages(9).stream()
              .collect(Collectors.toMap(a -> a.string(1), a -> a.messages(2).get(0)));
      assertThat(attributes.get("prefork.request.minor_faults"))
          .satisfies(v -> assertThat(v.number(3)).isEqualTo(12));
      assertThat(attributes.get("prefork.request.cow_copies"))
          .satisfies(v -> assertThat(v.number(3)).isEqualTo(9));
      assertThat(attributes.get("worker")).satisfies(v -> assertThat(v.string(1)).isEqualTo("0"));
      assertThat(span(receiver.spans(), "POST /order/").has(15)).as("status").isTrue();

      Matcher exemplar =
          Pattern.compile(
                  "http_route=\"/item/<id>/\".*le=\"0.005\".* 1.0 # \\{span_id=\"(\\w+)\","
                      + "trace_id=\"(\\w+)\"} 0.004 ")
              .matcher(lab.get("/metrics", OPENMETRICS).body());
      assertThat(exemplar.find()).isTrue();
      assertThat(exemplar.group(1)).isEqualTo(HexFormat.of().formatHex(request.bytes(2)));
      assertThat(exemplar.group(2)).isEqualTo(HexFormat.of().formatHex(request.bytes(1)));

      assertThat(receiver.metrics())
          .contains("http.server.request.duration")
          .contains("cpython.gc.collections")
          .contains("process.paging.faults")
          .contains("system.paging.fault.type")
          .contains("prefork.cow.faults")
          .contains("prefork.refcount.writes")
          .contains("prefork.shared_memory");
      lab.stop();
    }
  }

  private static ProtobufFields span(List<ProtobufFields> spans, String name) {
    return spans.stream().filter(s -> s.string(5).equals(name)).findFirst().orElseThrow();
  }

  private static long duration(ProtobufFields span) {
    return span.number(8) - span.number(7);
  }

  @Test
  void nothingIsSentUnlessAnEndpointIsConfigured() throws Exception {
    try (LabProcess lab =
        LabProcess.start("port=0", Map.of("OTEL_EXPORTER_OTLP_ENDPOINT", ""), "once")
            .awaitReady()) {
      assertThat(lab.get("/metrics", OPENMETRICS).body()).doesNotContain("trace_id");
      assertThat(threads(lab)).doesNotContain("BatchSpanProcessor").contains("prefork-agent-http");
    }
    try (OtlpReceiver receiver = new OtlpReceiver();
        LabProcess lab =
            LabProcess.start(
                    "port=0,trace=off",
                    Map.of("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.endpoint()),
                    "once")
                .awaitReady()) {
      lab.stop();
      assertThat(receiver.requests()).isZero();
    }
  }

  private static String threads(LabProcess lab) throws Exception {
    Process jcmd =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "jcmd").toString(),
                Long.toString(lab.pid()),
                "Thread.print")
            .start();
    return new String(jcmd.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
  }
}
