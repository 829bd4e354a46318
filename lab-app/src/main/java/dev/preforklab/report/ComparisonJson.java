package dev.preforklab.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.experiment.ComparisonResult;
import dev.preforklab.experiment.HostResult;
import dev.preforklab.experiment.HostResult.Checkpoint;
import dev.preforklab.experiment.HostResult.EndpointResult;
import dev.preforklab.experiment.HostResult.Latency;
import dev.preforklab.scenario.Scenario;
import java.util.List;
import java.util.Locale;

/** A comparison as JSON. Keys are a contract: more may come, none is renamed. */
public final class ComparisonJson {
  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;
  private static final List<String> CAUSES =
      List.of("refcount", "gc_header", "allocator", "finalize", "data");
  private static final List<String> REASONS = List.of("rss_limit", "max_requests", "reload", "oom");
  private static final double MS = 1e6;

  private ComparisonJson() {}

  public static String render(ComparisonResult comparison, Build build) {
    Scenario s = comparison.scenario();
    ObjectNode root = NODES.objectNode();
    root.put("tool", "prefork-lab");
    root.put("version", build.version());
    root.put("commit", build.commit());
    root.put("seed", s.seed());
    root.put("python", comparison.python());
    if (comparison.python().endsWith(PythonVersion.NOT_VERIFIED)) {
      root.put("verified", false);
    }
    root.put("scenario", s.name());
    root.put("profile", comparison.profile());
    root.put("workers", s.service().prefork().workers());
    root.put("requests", s.run().requests());
    ObjectNode host = root.putObject("host");
    host.put("ram_bytes", s.host().ramBytes());
    host.put("cores", s.host().cores());
    ObjectNode load = root.putObject("load");
    load.put("arrivals", lower(s.load().arrivals()));
    load.put("order", lower(s.load().order()));
    if (s.load().arrivals() == Scenario.Arrivals.CLOSED) {
      load.put("users", s.load().users());
      put(load, "think_time_ms", s.load().thinkTimeNs() / MS, 6);
    } else {
      put(load, "rate_rps", s.load().rate(), 6);
    }
    ArrayNode settings = root.putArray("settings");
    comparison.settings().forEach(r -> settings.add(setting(r)));
    ObjectNode best = root.putObject("best");
    best.put("memory", comparison.bestMemory());
    best.put("latency", comparison.bestLatency());
    if (!comparison.notes().isEmpty()) {
      ArrayNode notes = root.putArray("notes");
      comparison.notes().forEach(notes::add);
    }
    return print(root);
  }

  private static ObjectNode setting(HostResult r) {
    ObjectNode node = NODES.objectNode();
    node.put("gc", r.gc());
    node.put("requests", r.requests());
    node.put("errors", r.errors());
    put(node, "simulated_seconds", r.simulatedNs() / 1e9, 9);
    put(node, "throughput_rps", r.throughputRps(), 3);
    node.set("latency_ms", latency(r.latency()));
    put(node, "cpu_ms_per_request", r.cpuNsPerRequest() / MS, 6);
    put(node, "shared_ratio", r.sharedRatio(), 6);
    put(node, "rss_bytes", r.rssBytes(), 0);
    put(node, "pss_bytes", r.pssBytes(), 0);
    put(node, "uss_bytes", r.ussBytes(), 0);
    put(node, "master_rss_bytes", r.masterRssBytes(), 0);
    put(node, "host_used_bytes", r.hostUsedBytes(), 0);
    put(node, "minor_faults_per_request", r.minorFaultsPerRequest(), 4);
    node.put("major_faults", r.majorFaults());
    node.set("gc_collections", longs(r.gcCollections()));
    node.put("gc_collected", r.gcCollected());
    ObjectNode pause = latency(r.gcPause());
    put(pause, "total", r.gcPauseTotalNs() / MS, 6);
    node.set("gc_pause_ms", pause);
    node.set("cow_faults", named(CAUSES, r.cowFaults()));
    node.put("refcount_writes", r.refcountWrites());
    node.put("refcount_writes_shared", r.refcountWritesShared());
    Double llc = r.llcMissRatio();
    if (llc == null) {
      node.putNull("llc_miss_ratio");
    } else {
      put(node, "llc_miss_ratio", llc, 6);
    }
    HostResult.MasterGc master = r.masterGc();
    if (master != null) {
      ObjectNode gc = node.putObject("master_gc");
      gc.set("counts", longs(master.counts()));
      gc.set("collections", longs(master.collections()));
      gc.set("long_lived", longs(master.longLived()));
    }
    node.set("worker_restarts", named(REASONS, r.restarts()));
    ArrayNode endpoints = node.putArray("endpoints");
    for (EndpointResult e : r.endpoints()) {
      ObjectNode endpoint = endpoints.addObject();
      endpoint.put("method", e.method());
      endpoint.put("route", e.route());
      endpoint.put("requests", e.latency().count());
      endpoint.set("latency_ms", latency(e.latency()));
    }
    ArrayNode checkpoints = node.putArray("checkpoints");
    for (Checkpoint c : r.checkpoints()) {
      ObjectNode checkpoint = checkpoints.addObject();
      checkpoint.put("requests", c.requests());
      put(checkpoint, "simulated_seconds", c.simulatedNs() / 1e9, 9);
      put(checkpoint, "shared_ratio", c.sharedRatio(), 6);
      put(checkpoint, "rss_bytes", c.rssBytes(), 0);
      put(checkpoint, "pss_bytes", c.pssBytes(), 0);
      put(checkpoint, "uss_bytes", c.ussBytes(), 0);
      checkpoint.put("faults", c.faults());
      checkpoint.set("gc_collections", longs(c.gcCollections()));
    }
    return node;
  }

  private static ObjectNode latency(Latency latency) {
    ObjectNode node = NODES.objectNode();
    put(node, "p50", latency.p50Ns() / MS, 6);
    put(node, "p95", latency.p95Ns() / MS, 6);
    put(node, "p99", latency.p99Ns() / MS, 6);
    put(node, "max", latency.maxNs() / MS, 6);
    return node;
  }

  private static ArrayNode longs(List<Long> values) {
    ArrayNode array = NODES.arrayNode();
    values.forEach(array::add);
    return array;
  }

  private static ObjectNode named(List<String> names, List<Long> values) {
    ObjectNode node = NODES.objectNode();
    for (int i = 0; i < names.size(); i++) {
      node.put(names.get(i), values.get(i));
    }
    return node;
  }

  private static void put(ObjectNode node, String key, double value, int decimals) {
    node.put(key, Rounded.of(value, decimals));
  }

  private static String lower(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  private static String print(ObjectNode root) {
    DefaultIndenter indent = new DefaultIndenter("  ", "\n");
    DefaultPrettyPrinter printer =
        new DefaultPrettyPrinter().withObjectIndenter(indent).withArrayIndenter(indent);
    try {
      return new ObjectMapper().writer(printer).writeValueAsString(root) + "\n";
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a tree of numbers and names is always JSON", e);
    }
  }
}
