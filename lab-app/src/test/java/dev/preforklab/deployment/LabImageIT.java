package dev.preforklab.deployment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.containers.Network;
import org.testcontainers.containers.wait.strategy.Wait;
import org.testcontainers.utility.DockerImageName;
import org.testcontainers.utility.MountableFile;

/**
 * The lab's image beside a Prometheus container, configured by the files that docker compose uses.
 * The image is packed from the jars that Maven has just made, so no build runs inside Docker here.
 */
class LabImageIT {
  private static final Path TOP = Path.of("..").toAbsolutePath().normalize();
  private static final String IMAGE = "prefork-lab:test";
  private static final DockerImageName PROMETHEUS = DockerImageName.parse("prom/prometheus:v3.5.3");

  private static Network network;
  private static GenericContainer<?> lab;
  private static GenericContainer<?> prometheus;

  @BeforeAll
  static void start() throws IOException, InterruptedException {
    assumeTrue(
        DockerClientFactory.instance().isDockerAvailable(),
        "no Docker answers here: the container tests were skipped");
    run(
        "docker",
        "build",
        "-q",
        "-f",
        "lab-app/Dockerfile",
        "--build-arg",
        "DIST=prebuilt",
        "-t",
        IMAGE,
        ".");
    network = Network.newNetwork();
    lab =
        new GenericContainer<>(DockerImageName.parse(IMAGE))
            .withNetwork(network)
            .withNetworkAliases("lab")
            .withCommand("run", "--listen", "0.0.0.0", "--rate", "60")
            .withExposedPorts(8080, 9464)
            .waitingFor(
                Wait.forHttp("/metrics").forPort(9464).withStartupTimeout(Duration.ofSeconds(60)));
    lab.start();
    prometheus =
        new GenericContainer<>(PROMETHEUS)
            .withNetwork(network)
            .withCopyFileToContainer(
                MountableFile.forHostPath(TOP.resolve("prometheus")), "/etc/prometheus/")
            .withCommand(
                "--config.file=/etc/prometheus/prometheus.yml",
                "--storage.tsdb.path=/prometheus",
                "--enable-feature=exemplar-storage")
            .withExposedPorts(9090)
            .waitingFor(
                Wait.forHttp("/-/ready").forPort(9090).withStartupTimeout(Duration.ofSeconds(60)));
    prometheus.start();
  }

  @AfterAll
  static void stop() {
    if (prometheus != null) {
      prometheus.stop();
    }
    if (lab != null) {
      lab.stop();
    }
    if (network != null) {
      network.close();
    }
  }

  @Test
  void everyPanelOfEveryDashboardHasSomethingToShow() throws IOException, InterruptedException {
    List<PanelQueries.PanelQuery> queries = PanelQueries.all(TOP.resolve("grafana/dashboards"));
    assertThat(queries).hasSizeGreaterThan(10);

    List<PanelQueries.PanelQuery> empty = client().empty(queries, Duration.ofSeconds(90));

    assertThat(empty).as("queries without a series").isEmpty();
  }

  @Test
  void theFourSignalsAreThereForEachSetting() throws IOException, InterruptedException {
    for (String signal :
        List.of(
            "prefork_refcount_writes_total",
            "prefork_gc_allocations",
            "prefork_shared_memory_ratio",
            "process_paging_faults_total")) {
      String perSetting = "count by (gc) (" + signal + "{worker=\"0\"})";
      // the settings' first scrapes need not come together
      String ofAll = "count(" + perSetting + ") == 4";
      client()
          .empty(List.of(new PanelQueries.PanelQuery("", signal, ofAll)), Duration.ofSeconds(60));
      assertThat(client().query(perSetting))
          .as(signal)
          .extracting(s -> s.path("metric").path("gc").asText())
          .containsExactlyInAnyOrder("default", "disabled", "threshold0", "freeze");
    }
  }

  private static PrometheusClient client() {
    return new PrometheusClient(
        URI.create("http://" + prometheus.getHost() + ":" + prometheus.getMappedPort(9090)));
  }

  private static void run(String... command) throws IOException, InterruptedException {
    ProcessBuilder builder = new ProcessBuilder(command).directory(TOP.toFile());
    builder.environment().put("DOCKER_BUILDKIT", "1");
    Process process = builder.redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(120, TimeUnit.SECONDS)).as("%s ended", command[1]).isTrue();
    assertThat(process.exitValue()).as(output).isZero();
  }
}
