package dev.preforklab.agent.metrics;

import io.prometheus.client.Collector;
import java.util.ArrayList;
import java.util.List;

/**
 * All series of the simulated hosts, in one fixed order; the registry's own order of collectors
 * differs from run to run.
 */
public final class LabSeries extends Collector {
  private final List<Collector> parts =
      List.of(
          new ProcessMemoryExports(),
          new PageFaultMetrics(),
          new GcMetrics(),
          new PreforkMetrics(),
          new RequestMetrics());

  @Override
  public List<MetricFamilySamples> collect() {
    List<MetricFamilySamples> families = new ArrayList<>();
    for (Collector part : parts) {
      families.addAll(part.collect());
    }
    return families;
  }
}
