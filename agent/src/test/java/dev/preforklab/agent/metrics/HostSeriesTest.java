package dev.preforklab.agent.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import io.prometheus.client.CollectorRegistry;
import java.util.Collections;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The receivers and collectors together, as the advice calls them. */
final class HostSeriesTest {
  private static final String[] SLOT = {"scenario", "gc", "worker"};

  private final CollectorRegistry registry = new CollectorRegistry();

  @BeforeEach
  void register() {
    HostSeries.reset();
    registry.register(new LabSeries());
    HostMetrics.hostStarted(0, "site", "freeze", "3.11", 2);
    PreforkMetrics.processForked(0, -1, 10, 0);
    PreforkMetrics.processForked(0, 0, 11, 0);
  }

  @AfterEach
  void forget() {
    HostSeries.reset();
  }

  private @Nullable Double value(String name, String more, String moreValue) {
    return registry.getSampleValue(
        name,
        new String[] {SLOT[0], SLOT[1], SLOT[2], more},
        new String[] {"site", "freeze", "0", moreValue});
  }

  private static void sample(int pid, long faults) {
    ProcessMemoryExports.counterSample(0, 0, pid, 0, 0, faults, 0, 0, 0, 0, 0, faults, 0, 0, 0, 0);
  }

  @Test
  void aSlotsCountersOutliveItsProcesses() {
    sample(11, 100);
    PreforkMetrics.processExited(0, 0, 11, 1, 5, 1_000_000);
    assertThat(value("process_paging_faults_total", "system_paging_fault_type", "minor"))
        .isEqualTo(100);
    assertThat(value("prefork_worker_info", "pid", "11")).isNull();
    PreforkMetrics.processForked(0, 0, 12, 6);
    sample(12, 7);
    assertThat(value("process_paging_faults_total", "system_paging_fault_type", "minor"))
        .isEqualTo(107);
    assertThat(value("prefork_cow_faults_total", "cause", "refcount")).isEqualTo(107);
    assertThat(value("prefork_worker_info", "pid", "12")).isEqualTo(1);
    assertThat(value("prefork_worker_restarts_total", "reason", "max_requests")).isEqualTo(1);
    assertThat(value("prefork_worker_restarts_total", "reason", "oom")).isZero();
  }

  @Test
  void collectionsBeforeTheForkAreNotCountedAgainAtARespawn() {
    GcMetrics.gcStatsSample(0, -1, 0, 40, 0, 0);
    GcMetrics.gcStatsSample(0, 0, 0, 45, 0, 0);
    PreforkMetrics.processForked(0, 0, 12, 6);
    GcMetrics.gcStatsSample(0, 0, 0, 41, 0, 0);
    assertThat(value("python_gc_collections_total", "generation", "0")).isEqualTo(46);
  }

  @Test
  void aRestartIsCountedOnceWhenItsDurationIsToldLater() {
    PreforkMetrics.processExited(0, 0, 11, 2, 5, -1);
    PreforkMetrics.processExited(0, 0, 11, 2, 5, 2_000_000);
    PreforkMetrics.processForked(0, 0, 12, 9_000_000);
    assertThat(value("prefork_worker_restarts_total", "reason", "reload")).isEqualTo(1);
    assertThat(
            registry.getSampleValue(
                "prefork_restart_duration_seconds_sum",
                new String[] {"scenario", "gc"},
                new String[] {"site", "freeze"}))
        .isEqualTo(0.002);
  }

  @Test
  void aShutdownIsNoRestart() {
    PreforkMetrics.processExited(0, 0, 11, 4, 5, -1);
    PreforkMetrics.processForked(0, 0, 12, 9_000_000);
    assertThat(
            registry.getSampleValue(
                "prefork_restart_duration_seconds_count",
                new String[] {"scenario", "gc"},
                new String[] {"site", "freeze"}))
        .isZero();
  }

  @Test
  void theSharedRatioIsSharedOverAllThatIsResident() {
    ProcessMemoryExports.memorySample(0, 0, 11, 100, 60, 10, 50, 15, 25, 500);
    assertThat(
            registry.getSampleValue(
                "prefork_shared_memory_ratio", SLOT, new String[] {"site", "freeze", "0"}))
        .isEqualTo(0.6);
    ProcessMemoryExports.memorySample(0, 0, 11, 0, 0, 0, 0, 0, 0, 0);
    assertThat(
            registry.getSampleValue(
                "prefork_shared_memory_ratio", SLOT, new String[] {"site", "freeze", "0"}))
        .isZero();
  }

  @Test
  void aStoppedHostHasNoSeries() {
    sample(11, 100);
    PageFaultMetrics.pageFault(0, 0, 1);
    HostMetrics.hostStopped(0);
    assertThat(Collections.list(registry.metricFamilySamples())).isEmpty();
    PageFaultMetrics.pageFault(0, 0, 1);
    GcMetrics.gcDone(0, 0, 0, 0, 0, 0);
    RequestMetrics.requestEnd(0, 0, 0, 1, 0, 1, 200, 0, 0, 0);
    assertThat(Collections.list(registry.metricFamilySamples())).isEmpty();
  }

  @Test
  void indicesThatCannotBeAreIgnored() {
    for (int bad : new int[] {-2, 700, 100_000, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
      PageFaultMetrics.pageFault(bad, 0, 0);
      PageFaultMetrics.pageFault(0, bad, 0);
      GcMetrics.gcDone(0, 0, bad, 0, 0, 0);
      GcMetrics.gcStatsSample(0, 0, bad, 0, 0, 0);
      RequestMetrics.requestStart(bad, 0, 1, 0);
      RequestMetrics.endpointNamed(0, bad, "GET", "/");
      RequestMetrics.requestEnd(0, 0, bad, 1, 0, 1, bad, 0, 0, 0);
      ProcessMemoryExports.hostSample(bad, 1, 1);
    }
    PageFaultMetrics.pageFault(0, 0, 77);
    assertThat(
            registry.getSampleValue(
                "http_server_request_duration_seconds_count",
                new String[] {
                  "scenario", "gc", "http_route", "http_request_method", "http_response_status_code"
                },
                new String[] {"site", "freeze", "", "_OTHER", "_OTHER"}))
        .isEqualTo(5);
  }

  @Test
  void aLabThatRanBeforeTheAgentCameIsKnownByItsIndex() {
    ProcessMemoryExports.hostSample(7, 100, 50);
    assertThat(
            registry.getSampleValue(
                "prefork_host_memory_available_bytes",
                new String[] {"scenario", "gc"},
                new String[] {"unknown", "host-7"}))
        .isEqualTo(50);
  }

  @Test
  void moreWorkersThanWereToldGetSlotsOfTheirOwn() {
    PreforkMetrics.processForked(0, 9, 19, 0);
    PageFaultMetrics.pageFault(0, 9, 3);
    assertThat(
            registry.getSampleValue(
                "prefork_page_faults_total",
                new String[] {SLOT[0], SLOT[1], SLOT[2], "kind"},
                new String[] {"site", "freeze", "9", "file_map"}))
        .isEqualTo(1);
  }
}
