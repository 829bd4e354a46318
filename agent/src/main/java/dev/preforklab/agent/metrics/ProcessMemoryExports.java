package dev.preforklab.agent.metrics;

import io.prometheus.client.Collector;
import java.util.List;

/**
 * Memory, CPU and refcount writes of each process, as of its last sample, and the host's memory.
 */
public final class ProcessMemoryExports extends Collector {
  private static final String[] KINDS = {
    "pss", "shared_clean", "shared_dirty", "private_clean", "private_dirty"
  };

  /** Receives {@code memorySample}, in the words of smaps_rollup; bytes. */
  public static void memorySample(
      int host,
      int slot,
      int pid,
      long rss,
      long pss,
      long sharedClean,
      long sharedDirty,
      long privateClean,
      long privateDirty,
      long virtualBytes) {
    HostSeries hostSeries = HostSeries.findOrAdopt(host);
    SlotSeries series = hostSeries == null ? null : hostSeries.slot(slot);
    if (hostSeries == null || series == null) {
      return;
    }
    synchronized (hostSeries) {
      PreforkMetrics.present(hostSeries, series, pid);
      long[] memory = series.memory;
      memory[SlotSeries.RSS] = rss;
      memory[SlotSeries.PSS] = pss;
      memory[SlotSeries.SHARED_CLEAN] = sharedClean;
      memory[SlotSeries.SHARED_DIRTY] = sharedDirty;
      memory[SlotSeries.PRIVATE_CLEAN] = privateClean;
      memory[SlotSeries.PRIVATE_DIRTY] = privateDirty;
      memory[SlotSeries.VIRTUAL] = virtualBytes;
      series.memorySampled = true;
    }
  }

  /** Receives {@code counterSample}; all grow from the start of the process. */
  public static void counterSample(
      int host,
      int slot,
      int pid,
      long startTimeNs,
      long cpuNs,
      long minorFaults,
      long majorFaults,
      long increfShared,
      long increfPrivate,
      long decrefShared,
      long decrefPrivate,
      long cowRefcount,
      long cowGcHeader,
      long cowAllocator,
      long cowFinalize,
      long cowData) {
    HostSeries hostSeries = HostSeries.findOrAdopt(host);
    SlotSeries series = hostSeries == null ? null : hostSeries.slot(slot);
    if (hostSeries == null || series == null) {
      return;
    }
    synchronized (hostSeries) {
      PreforkMetrics.present(hostSeries, series, pid);
      series.startTimeNs = startTimeNs;
      series.started = true;
      RespawnCounters counters = series.counters;
      counters.sample(SlotSeries.CPU_NS, cpuNs);
      counters.sample(SlotSeries.MINOR_FAULTS, minorFaults);
      counters.sample(SlotSeries.MAJOR_FAULTS, majorFaults);
      counters.sample(SlotSeries.INCREF_SHARED, increfShared);
      counters.sample(SlotSeries.INCREF_PRIVATE, increfPrivate);
      counters.sample(SlotSeries.DECREF_SHARED, decrefShared);
      counters.sample(SlotSeries.DECREF_PRIVATE, decrefPrivate);
      counters.sample(SlotSeries.COW_CAUSES, cowRefcount);
      counters.sample(SlotSeries.COW_CAUSES + 1, cowGcHeader);
      counters.sample(SlotSeries.COW_CAUSES + 2, cowAllocator);
      counters.sample(SlotSeries.COW_CAUSES + 3, cowFinalize);
      counters.sample(SlotSeries.COW_CAUSES + 4, cowData);
    }
  }

  /** Receives {@code hostSample}; bytes. */
  public static void hostSample(int host, long totalBytes, long availableBytes) {
    HostSeries hostSeries = HostSeries.findOrAdopt(host);
    if (hostSeries == null) {
      return;
    }
    synchronized (hostSeries) {
      hostSeries.memoryTotal = totalBytes;
      hostSeries.memoryAvailable = availableBytes;
    }
  }

  /** Shared memory as a part of all that is resident, between 0 and 1; 0 where nothing is. */
  static double sharedRatio(long[] memory) {
    long shared = memory[SlotSeries.SHARED_CLEAN] + memory[SlotSeries.SHARED_DIRTY];
    long unshared = memory[SlotSeries.PRIVATE_CLEAN] + memory[SlotSeries.PRIVATE_DIRTY];
    return shared + unshared == 0 ? 0 : (double) shared / (shared + unshared);
  }

  @Override
  public List<MetricFamilySamples> collect() {
    Families families = new Families();
    Families.Family resident =
        families.gauge(
            "process_resident_memory_bytes", "Resident memory size in bytes.", Families.SLOT);
    Families.Family virtual =
        families.gauge(
            "process_virtual_memory_bytes", "Virtual memory size in bytes.", Families.SLOT);
    Families.Family split =
        families.gauge(
            "prefork_memory_bytes",
            "Resident memory as smaps_rollup splits it, and the proportional set size.",
            Families.with(Families.SLOT, "kind"));
    Families.Family ratio =
        families.gauge(
            "prefork_shared_memory_ratio",
            "Shared memory as a part of shared and private together.",
            Families.SLOT);
    Families.Family cpu =
        families.counter(
            "process_cpu_seconds",
            "CPU time spent by the processes of this slot, in simulated seconds.",
            Families.SLOT);
    Families.Family start =
        families.gauge(
            "process_start_time_seconds",
            "Start time of the process since unix epoch in seconds; simulated time zero is when"
                + " the host was started.",
            Families.SLOT);
    Families.Family refcounts =
        families.counter(
            "prefork_refcount_writes",
            "Stores into ob_refcnt, by operation and by whether the page was shared.",
            Families.with(Families.SLOT, "op", "page"));
    HostSeries.forEach(
        host -> {
          for (SlotSeries slot : host.slots) {
            if (slot == null) {
              continue;
            }
            if (slot.memorySampled) {
              long[] memory = slot.memory;
              resident.add(slot.labels, memory[SlotSeries.RSS]);
              virtual.add(slot.labels, memory[SlotSeries.VIRTUAL]);
              for (int kind = 0; kind < KINDS.length; kind++) {
                split.add(slot.labels(KINDS[kind]), memory[SlotSeries.PSS + kind]);
              }
              ratio.add(slot.labels, sharedRatio(memory));
            }
            if (slot.started) {
              start.add(slot.labels, host.epochNs(slot.startTimeNs) / 1e9);
            }
            RespawnCounters counters = slot.counters;
            if (counters.seen()) {
              cpu.add(slot.labels, counters.total(SlotSeries.CPU_NS) / 1e9);
              refcounts.add(
                  slot.labels("incref", "shared"), counters.total(SlotSeries.INCREF_SHARED));
              refcounts.add(
                  slot.labels("incref", "private"), counters.total(SlotSeries.INCREF_PRIVATE));
              refcounts.add(
                  slot.labels("decref", "shared"), counters.total(SlotSeries.DECREF_SHARED));
              refcounts.add(
                  slot.labels("decref", "private"), counters.total(SlotSeries.DECREF_PRIVATE));
            }
          }
        });
    resident.end();
    virtual.end();
    split.end();
    ratio.end();
    cpu.end();
    start.end();
    refcounts.end();
    Families.Family available =
        families.gauge(
            "prefork_host_memory_available_bytes",
            "Memory of the simulated host that is free or can be made so.",
            Families.HOST);
    Families.Family total =
        families.gauge(
            "prefork_host_memory_total_bytes", "Memory of the simulated host.", Families.HOST);
    HostSeries.forEach(
        host -> {
          if (host.memoryAvailable >= 0) {
            available.add(host.labels, host.memoryAvailable);
            total.add(host.labels, host.memoryTotal);
          }
        });
    available.end();
    total.end();
    return families.toList();
  }
}
