package dev.preforklab.agent.tracing;

import dev.preforklab.agent.metrics.EndpointSeries;
import dev.preforklab.agent.metrics.HostSeries;
import dev.preforklab.agent.metrics.LabSeries;
import dev.preforklab.agent.metrics.SlotSeries;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.common.AttributesBuilder;
import io.opentelemetry.api.metrics.DoubleHistogram;
import io.opentelemetry.api.metrics.Meter;
import io.opentelemetry.api.metrics.ObservableDoubleMeasurement;
import io.opentelemetry.api.metrics.ObservableMeasurement;
import io.opentelemetry.context.Context;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.prometheus.client.Collector;
import io.prometheus.client.Collector.MetricFamilySamples;
import io.prometheus.client.Collector.MetricFamilySamples.Sample;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The lab's series as OpenTelemetry metrics, under the names OpenTelemetry has for them.
 *
 * <p>Counters and gauges are read from the same collectors that Prometheus scrapes, once an export
 * interval, in one batch callback; only the two histograms are recorded as they happen.
 */
final class OtelMetrics implements AutoCloseable {
  /** OpenTelemetry's name and unit of a Prometheus family, and a label value it stands for. */
  private record Instrument(String family, String name, String unit, boolean counter) {}

  private static final List<Instrument> INSTRUMENTS =
      List.of(
          new Instrument("python_gc_collections", "cpython.gc.collections", "{collection}", true),
          new Instrument(
              "python_gc_objects_collected", "cpython.gc.collected_objects", "{object}", true),
          new Instrument(
              "python_gc_objects_uncollectable",
              "cpython.gc.uncollectable_objects",
              "{object}",
              true),
          new Instrument("process_resident_memory_bytes", "process.memory.usage", "By", false),
          new Instrument("process_virtual_memory_bytes", "process.memory.virtual", "By", false),
          new Instrument("process_cpu_seconds", "process.cpu.time", "s", true),
          new Instrument("process_paging_faults", "process.paging.faults", "{fault}", true),
          new Instrument("prefork_gc_allocations", "prefork.gc.allocations", "{object}", false),
          new Instrument("prefork_gc_threshold", "prefork.gc.threshold", "{object}", false),
          new Instrument(
              "prefork_gc_tracked_objects", "prefork.gc.tracked_objects", "{object}", false),
          new Instrument("prefork_refcount_writes", "prefork.refcount.writes", "{write}", true),
          new Instrument("prefork_cow_faults", "prefork.cow.faults", "{fault}", true),
          new Instrument("prefork_page_faults", "prefork.page.faults", "{fault}", true),
          new Instrument("prefork_memory_bytes", "prefork.memory", "By", false),
          new Instrument("prefork_shared_memory_ratio", "prefork.shared_memory", "1", false),
          new Instrument("prefork_worker_restarts", "prefork.worker.restarts", "{restart}", true));

  /** Labels whose OpenTelemetry attribute is named otherwise. */
  private static final Map<String, String> ATTRIBUTES =
      Map.of(
          "generation",
          "cpython.gc.generation",
          "system_paging_fault_type",
          "system.paging.fault.type");

  private final Collector series = new LabSeries();
  private final DoubleHistogram requests;
  private final DoubleHistogram pauses;
  private final AutoCloseable callback;

  OtelMetrics(OpenTelemetrySdk sdk) {
    Meter meter = sdk.getMeter("dev.preforklab.agent");
    requests =
        meter
            .histogramBuilder("http.server.request.duration")
            .setUnit("s")
            .setExplicitBucketBoundariesAdvice(
                List.of(
                    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5,
                    10.0))
            .build();
    pauses =
        meter
            .histogramBuilder("prefork.gc.duration")
            .setUnit("s")
            .setExplicitBucketBoundariesAdvice(
                List.of(
                    0.00001, 0.00005, 0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0))
            .build();
    Map<String, ObservableDoubleMeasurement> observers = new LinkedHashMap<>();
    for (Instrument instrument : INSTRUMENTS) {
      observers.put(
          instrument.family(),
          instrument.counter()
              ? meter
                  .counterBuilder(instrument.name())
                  .ofDoubles()
                  .setUnit(instrument.unit())
                  .buildObserver()
              : meter.gaugeBuilder(instrument.name()).setUnit(instrument.unit()).buildObserver());
    }
    List<ObservableMeasurement> all = new ArrayList<>(observers.values());
    callback =
        meter.batchCallback(
            () -> observe(observers),
            all.get(0),
            all.subList(1, all.size()).toArray(new ObservableMeasurement[0]));
  }

  private void observe(Map<String, ObservableDoubleMeasurement> observers) {
    for (MetricFamilySamples family : series.collect()) {
      ObservableDoubleMeasurement observer = observers.get(family.name);
      if (observer != null) {
        for (Sample sample : family.samples) {
          observer.record(sample.value, attributes(sample));
        }
      }
    }
  }

  private static Attributes attributes(Sample sample) {
    AttributesBuilder attributes = Attributes.builder();
    for (int i = 0; i < sample.labelNames.size(); i++) {
      String label = sample.labelNames.get(i);
      attributes.put(ATTRIBUTES.getOrDefault(label, label), sample.labelValues.get(i));
    }
    return attributes.build();
  }

  void requestEnded(
      HostSeries host, EndpointSeries endpoint, int status, long durationNs, Context context) {
    requests.record(
        durationNs / 1e9,
        Attributes.of(
            RequestSpans.SCENARIO,
            host.scenario(),
            RequestSpans.GC,
            host.gcSetting(),
            RequestSpans.METHOD,
            endpoint.method(),
            RequestSpans.ROUTE,
            endpoint.route(),
            RequestSpans.STATUS,
            (long) status),
        context);
  }

  void collectionEnded(HostSeries host, SlotSeries slot, int generation, long durationNs) {
    pauses.record(
        durationNs / 1e9,
        Attributes.of(
            RequestSpans.SCENARIO,
            host.scenario(),
            RequestSpans.GC,
            host.gcSetting(),
            RequestSpans.WORKER,
            slot.worker(),
            RequestSpans.GENERATION,
            (long) generation));
  }

  @Override
  public void close() {
    try {
      callback.close();
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }
}
