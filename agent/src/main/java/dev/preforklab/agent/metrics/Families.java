package dev.preforklab.agent.metrics;

import io.prometheus.client.Collector;
import io.prometheus.client.Collector.MetricFamilySamples;
import io.prometheus.client.Collector.MetricFamilySamples.Sample;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Builds metric families sample by sample; one without samples is left out of the scrape. */
final class Families {
  static final List<String> HOST = List.of("scenario", "gc");
  static final List<String> SLOT = List.of("scenario", "gc", "worker");

  private final List<MetricFamilySamples> families = new ArrayList<>();

  static List<String> with(List<String> labelNames, String... more) {
    List<String> all = new ArrayList<>(labelNames);
    all.addAll(List.of(more));
    return List.copyOf(all);
  }

  /** A counter; {@code name} is without the suffix {@code _total}. */
  Family counter(String name, String help, List<String> labelNames) {
    return new Family(name, name + "_total", Collector.Type.COUNTER, help, labelNames);
  }

  Family gauge(String name, String help, List<String> labelNames) {
    return new Family(name, name, Collector.Type.GAUGE, help, labelNames);
  }

  Family histogram(String name, String help, List<String> labelNames) {
    return new Family(name, name, Collector.Type.HISTOGRAM, help, labelNames);
  }

  List<MetricFamilySamples> toList() {
    return families;
  }

  /** One family in the making. */
  final class Family {
    private final String name;
    private final String sampleName;
    private final Collector.Type type;
    private final String help;
    private final List<String> labelNames;
    private final List<String> bucketLabelNames;
    private final List<Sample> samples = new ArrayList<>();

    private Family(
        String name, String sampleName, Collector.Type type, String help, List<String> labelNames) {
      this.name = name;
      this.sampleName = sampleName;
      this.type = type;
      this.help = help;
      this.labelNames = labelNames;
      this.bucketLabelNames = with(labelNames, "le");
    }

    void add(List<String> labelValues, double value) {
      samples.add(new Sample(sampleName, labelNames, labelValues, value));
    }

    /** Counts are exact up to 2^53, the format's own limit. */
    void add(List<String> labelValues, long value) {
      add(labelValues, (double) value);
    }

    void add(List<String> labelValues, @Nullable DurationHistogram histogram) {
      if (histogram == null) {
        return;
      }
      long cumulative = 0;
      for (int bucket = 0; bucket < histogram.buckets(); bucket++) {
        cumulative += histogram.count(bucket);
        List<String> values = new ArrayList<>(labelValues.size() + 1);
        values.addAll(labelValues);
        values.add(histogram.le(bucket));
        samples.add(
            new Sample(
                name + "_bucket",
                bucketLabelNames,
                values,
                cumulative,
                histogram.exemplar(bucket)));
      }
      samples.add(new Sample(name + "_count", labelNames, labelValues, cumulative));
      samples.add(new Sample(name + "_sum", labelNames, labelValues, histogram.sumSeconds()));
    }

    void end() {
      if (!samples.isEmpty()) {
        families.add(new MetricFamilySamples(name, type, help, samples));
      }
    }
  }
}
