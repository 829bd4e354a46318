package dev.preforklab.experiment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.preforklab.prefork.profile.ProfilePair;
import dev.preforklab.report.Build;
import dev.preforklab.report.ComparisonJson;
import dev.preforklab.scenario.ScenarioLoader;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Test;

/** Whole runs on a shipped profile. */
class ComparisonTest {
  private static ProfilePair profile(String name) {
    return ProfilePair.read(Path.of("../profiles/" + name + ".profile.gz"));
  }

  private static ComparisonResult run(ProfilePair profile, int threads, String... assignments)
      throws Exception {
    ScenarioLoader loader = new ScenarioLoader();
    for (String assignment : assignments) {
      loader.set(assignment);
    }
    Lab lab = new Lab(loader.load(), profile, loader::error);
    ExecutorService executor = Executors.newFixedThreadPool(threads);
    try {
      return Comparison.run(lab, executor, (setting, fraction) -> {});
    } finally {
      executor.shutdownNow();
    }
  }

  private static String json(ComparisonResult result) {
    return ComparisonJson.render(result, new Build("test", "test"));
  }

  @Test
  void sameScenarioAndSeedGiveTheSameBytesHoweverManyThreads() throws Exception {
    ProfilePair django = profile("django-site");
    String[] scenario = {
      "gc=default,freeze",
      "load.arrivals=poisson",
      "load.order=random",
      "load.rate=300",
      "service.dispatch=random",
      "service.max-requests=20",
      "service.max-requests-jitter=10",
      "run.requests=120"
    };
    String once = json(run(django, 1, scenario));
    assertThat(json(run(django, 3, scenario))).isEqualTo(once);
    String[] otherSeed = scenario.clone();
    otherSeed[3] = "seed=2";
    assertThat(json(run(django, 1, otherSeed))).isNotEqualTo(once);
  }

  /** What the metrics' python_info says. */
  @Test
  void metricsTellWhatIsNotVerified() throws Exception {
    ProfilePair flask = profile("flask-app");
    ScenarioLoader own = new ScenarioLoader();
    ScenarioLoader other = new ScenarioLoader().set("python", "3.14", "test");

    assertThat(new Lab(own.load(), flask, own::error).probedPython()).matches("[23]\\.\\d+\\.\\d+");
    assertThat(new Lab(other.load(), flask, other::error).probedPython())
        .endsWith("3.14 collector, not verified against a real interpreter");
  }

  @Test
  void whoseCollectorItIsMakesNoDifferenceWhileItIsOff() throws Exception {
    ProfilePair flask = profile("flask-app");
    String[] scenario = {"gc=disabled,default", "load.arrivals=closed", "run.requests=800"};
    ComparisonResult own = run(flask, 2, scenario);
    ComparisonResult incremental = run(flask, 2, with(scenario, "python=3.14"));

    assertThat(incremental.python())
        .endsWith("heap, 3.14 collector, not verified against a real interpreter");
    JsonNode owns = new ObjectMapper().readTree(json(own));
    JsonNode others = new ObjectMapper().readTree(json(incremental));
    // but for what the master has loaded under
    for (JsonNode root : new JsonNode[] {owns, others}) {
      assertThat(((ObjectNode) root.path("settings").get(0)).remove("master_gc")).isNotNull();
    }
    assertThat(others.path("settings").get(0)).isEqualTo(owns.path("settings").get(0));
    assertThat(others.path("settings").get(1)).isNotEqualTo(owns.path("settings").get(1));
    assertThat(owns.has("verified")).isFalse();
    assertThat(others.path("verified").asBoolean(true)).isFalse();
    // every automatic collection is an increment, which the probes call generation 1
    JsonNode collections = others.path("settings").get(1).path("gc_collections");
    assertThat(collections.get(0).asInt()).isZero();
    assertThat(collections.get(1).asInt()).isPositive();
    assertThat(collections.get(2).asInt()).isZero();
  }

  private static String[] with(String[] scenario, String more) {
    String[] all = Arrays.copyOf(scenario, scenario.length + 1);
    all[scenario.length] = more;
    return all;
  }

  @Test
  void countsAddUp() throws Exception {
    ComparisonResult result =
        run(
            profile("django-site"),
            1,
            "gc=default",
            "load.arrivals=closed",
            "load.users=6",
            "service.max-requests=30",
            "run.requests=300");
    HostResult host = result.settings().get(0);
    assertThat(host.requests() + host.errors()).isEqualTo(300);
    assertThat(host.latency().count()).isEqualTo(host.requests());
    assertThat(host.endpoints().stream().mapToLong(e -> e.latency().count()).sum())
        .isEqualTo(host.requests());
    assertThat(host.restarts().get(1)).as("workers replaced").isBetween(6L, 10L);
    assertThat(host.checkpoints()).map(HostResult.Checkpoint::faults).isSorted();
    assertThat(host.ussBytes()).isLessThan(host.pssBytes());
    assertThat(host.pssBytes()).isLessThan(host.rssBytes());
    assertThat(host.sharedRatio()).isCloseTo(1 - host.ussBytes() / host.rssBytes(), within(1e-9));
  }

  @Test
  void closedLoopFollowsLittlesLawOnASimulatedMachine() throws Exception {
    // users = throughput x mean latency, whatever the service does
    HostResult host =
        run(
                profile("flask-app"),
                1,
                "gc=freeze",
                "load.arrivals=closed",
                "load.users=8",
                "run.requests=2000")
            .settings()
            .get(0);
    assertThat(host.throughputRps() * host.latency().p50Ns() / 1e9).isBetween(5.0, 9.0);
  }

  /**
   * Shared ratio of the workers of the same site under a real uWSGI, four workers, eight clients in
   * turn, Linux 6, CPython 3.11.2, by answered requests.
   */
  @Test
  void djangoSiteSharesWhatRealWorkersShare() throws Exception {
    ComparisonResult result =
        run(
            profile("django-site"),
            2,
            "gc=default,disabled,freeze",
            "load.arrivals=closed",
            "run.requests=500");
    List<double[]> real =
        List.of(
            new double[] {0.9932, 0.7955, 0.7676, 0.7489, 0.7263, 0.7071, 0.6661},
            new double[] {0.9940, 0.8206, 0.7887, 0.7722, 0.7538, 0.7278, 0.6702},
            new double[] {0.9934, 0.7978, 0.7651, 0.7501, 0.7285, 0.7076, 0.6660});
    for (int i = 0; i < real.size(); i++) {
      HostResult host = result.settings().get(i);
      double[] simulated =
          host.checkpoints().stream().mapToDouble(HostResult.Checkpoint::sharedRatio).toArray();
      assertThat(simulated).as(host.gc()).containsExactly(real.get(i), within(0.08));
    }
  }
}
