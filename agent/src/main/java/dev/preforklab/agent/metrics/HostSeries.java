package dev.preforklab.agent.metrics;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * All that the probes told of one simulated host, and the table of hosts.
 *
 * <p>Why arrays: {@code pageFault} may fire a million times a second, so a probe finds its counter
 * by two array reads from the indices it was given; no map, no allocation, no lock. Each counter
 * has one writer, because a host is run by one thread at a time. Sampling probes, a few hundred a
 * second, take the host's lock, so that a scrape sees whole samples.
 */
public final class HostSeries {
  /** Hosts told apart; further ones are not watched, and said so once. */
  static final int MAX_HOSTS = 64;

  private static final int MAX_SLOTS = 1024;
  private static final int MAX_ENDPOINTS = 256;

  private static final @Nullable HostSeries[] HOSTS = new HostSeries[MAX_HOSTS];
  private static boolean tooManyHostsTold;

  final String scenario;
  final String gcSetting;
  final String pythonVersion;
  final List<String> labels;

  /** Wall clock, in milliseconds since the epoch, at which this host's simulated time was zero. */
  final long epochMs;

  /** Indexed by worker slot + 1: the master comes first. Replaced, never changed, when it grows. */
  @Nullable SlotSeries[] slots;

  EndpointSeries[] endpoints = new EndpointSeries[0];
  final EndpointSeries otherEndpoint = new EndpointSeries("_OTHER", "");
  final DurationHistogram restartDurations = new DurationHistogram(DurationHistogram.RESTART);
  final DurationHistogram latencies = new DurationHistogram(DurationHistogram.REQUEST);
  long memoryTotal = -1;
  long memoryAvailable = -1;

  private HostSeries(
      String scenario, String gcSetting, String pythonVersion, int workers, long epochMs) {
    this.scenario = scenario;
    this.gcSetting = gcSetting;
    this.pythonVersion = pythonVersion;
    this.epochMs = epochMs;
    labels = List.of(scenario, gcSetting);
    slots = new SlotSeries[Math.min(Math.max(workers, 0), MAX_SLOTS) + 1];
    for (int i = 0; i < slots.length; i++) {
      slots[i] = newSlot(i - 1);
    }
  }

  private SlotSeries newSlot(int slot) {
    return new SlotSeries(scenario, gcSetting, slot < 0 ? "master" : Integer.toString(slot));
  }

  /** Scenario name, a label of every series. */
  public String scenario() {
    return scenario;
  }

  /** Name of the GC setting, a label of every series. */
  public String gcSetting() {
    return gcSetting;
  }

  /** Nanoseconds since the epoch of a simulated time of this host. */
  public long epochNs(long timeNs) {
    return epochMs * 1_000_000 + timeNs;
  }

  /** A host is there: its series begin. A host of the same index that was there is forgotten. */
  static void start(
      int host, String scenario, String gcSetting, String pythonVersion, int workers, long wallMs) {
    if (host < 0 || host >= MAX_HOSTS) {
      synchronized (HOSTS) {
        if (!tooManyHostsTold) {
          tooManyHostsTold = true;
          System.err.println(
              "prefork-agent: host " + host + " is not watched, " + MAX_HOSTS + " are the limit");
        }
      }
      return;
    }
    HostSeries series = new HostSeries(scenario, gcSetting, pythonVersion, workers, wallMs);
    synchronized (HOSTS) {
      HOSTS[host] = series;
    }
  }

  /** The host's series end. */
  static void stop(int host) {
    synchronized (HOSTS) {
      if (host >= 0 && host < MAX_HOSTS) {
        HOSTS[host] = null;
      }
    }
  }

  /** Forgets all hosts, as if the agent had never been attached. */
  public static void reset() {
    synchronized (HOSTS) {
      Arrays.fill(HOSTS, null);
      tooManyHostsTold = false;
    }
  }

  /** Runs {@code action} on each host, under its lock, in the order of their indices. */
  public static void forEach(Consumer<HostSeries> action) {
    HostSeries[] present;
    synchronized (HOSTS) {
      present = Arrays.stream(HOSTS).filter(h -> h != null).toArray(HostSeries[]::new);
    }
    for (HostSeries series : present) {
      synchronized (series) {
        action.accept(series);
      }
    }
  }

  /** Runs {@code action} on each slot that ever had a process, under its host's lock. */
  static void forEachSlot(Consumer<SlotSeries> action) {
    forEach(
        host -> {
          for (SlotSeries slot : host.slots) {
            if (slot != null) {
              action.accept(slot);
            }
          }
        });
  }

  static @Nullable HostSeries find(int host) {
    return host >= 0 && host < MAX_HOSTS ? HOSTS[host] : null;
  }

  /** The slot a hot probe counts for; null where host or slot were never told. */
  static @Nullable SlotSeries findSlot(int host, int slot) {
    HostSeries series = find(host);
    return series == null ? null : series.findSlot(slot);
  }

  @Nullable SlotSeries findSlot(int slot) {
    SlotSeries[] present = slots;
    int index = slot + 1;
    return index >= 0 && index < present.length ? present[index] : null;
  }

  /**
   * The host of a sampling probe. One that was never told (the agent was attached to a running lab)
   * is known by its index alone.
   */
  static @Nullable HostSeries findOrAdopt(int host) {
    HostSeries series = find(host);
    if (series == null && host >= 0 && host < MAX_HOSTS) {
      start(host, "unknown", "host-" + host, "", 0, System.currentTimeMillis());
      series = find(host);
    }
    return series;
  }

  /** The slot's series, made on its first use; null for a slot number that cannot be. */
  synchronized @Nullable SlotSeries slot(int slot) {
    int index = slot + 1;
    if (index < 0 || index > MAX_SLOTS) {
      return null;
    }
    if (index >= slots.length) {
      @Nullable SlotSeries[] grown = Arrays.copyOf(slots, index + 1);
      for (int i = slots.length; i < grown.length; i++) {
        grown[i] = newSlot(i - 1);
      }
      slots = grown;
    }
    return slots[index];
  }

  synchronized void nameEndpoint(int endpoint, String method, String route) {
    if (endpoint < 0 || endpoint >= MAX_ENDPOINTS) {
      return;
    }
    EndpointSeries[] named = Arrays.copyOf(endpoints, Math.max(endpoints.length, endpoint + 1));
    for (int i = endpoints.length; i < named.length; i++) {
      named[i] = otherEndpoint;
    }
    named[endpoint] = new EndpointSeries(method, route);
    endpoints = named;
  }

  EndpointSeries endpoint(int endpoint) {
    EndpointSeries[] named = endpoints;
    return endpoint >= 0 && endpoint < named.length ? named[endpoint] : otherEndpoint;
  }

  /** The endpoints that have a name, and the one that stands for all others. */
  List<EndpointSeries> endpoints() {
    List<EndpointSeries> all = new ArrayList<>();
    for (EndpointSeries endpoint : endpoints) {
      if (endpoint != otherEndpoint) {
        all.add(endpoint);
      }
    }
    all.add(otherEndpoint);
    return all;
  }
}
