package dev.preforklab.agent.metrics;

import io.prometheus.client.Collector;
import java.util.List;

/** Page faults: each as it is served, by kind; and the kernel's and the causes' counters. */
public final class PageFaultMetrics extends Collector {
  private static final String[] KINDS = {
    "demand_zero", "cow_copy", "cow_reuse", "file_map", "major"
  };

  /** Names of the causes of a copy-on-write fault, in the order of the probe's arguments. */
  static final String[] CAUSES = {"refcount", "gc_header", "allocator", "finalize", "data"};

  /** Receives {@code pageFault}: the hottest probe, one increment. */
  public static void pageFault(int host, int slot, int kind) {
    SlotSeries series = HostSeries.findSlot(host, slot);
    if (series != null) {
      series.faultKinds[kind & (SlotSeries.FAULT_KINDS - 1)]++;
    }
  }

  @Override
  public List<MetricFamilySamples> collect() {
    Families families = new Families();
    Families.Family faults =
        families.counter(
            "process_paging_faults",
            "Page faults of the processes of this slot, in the kernel's words: minor without I/O,"
                + " major with.",
            Families.with(Families.SLOT, "system_paging_fault_type"));
    Families.Family cow =
        families.counter(
            "prefork_cow_faults",
            "Pages copied on write, by what wrote.",
            Families.with(Families.SLOT, "cause"));
    Families.Family kinds =
        families.counter(
            "prefork_page_faults",
            "Page faults by how they were served.",
            Families.with(Families.SLOT, "kind"));
    HostSeries.forEachSlot(
        slot -> {
          RespawnCounters counters = slot.counters;
          if (counters.seen()) {
            faults.add(slot.labels("minor"), counters.total(SlotSeries.MINOR_FAULTS));
            faults.add(slot.labels("major"), counters.total(SlotSeries.MAJOR_FAULTS));
            for (int cause = 0; cause < CAUSES.length; cause++) {
              cow.add(slot.labels(CAUSES[cause]), counters.total(SlotSeries.COW_CAUSES + cause));
            }
          }
          long any = 0;
          for (int kind = 0; kind < KINDS.length; kind++) {
            any |= Opaque.read(slot.faultKinds, kind);
          }
          for (int kind = 0; any != 0 && kind < KINDS.length; kind++) {
            kinds.add(slot.labels(KINDS[kind]), Opaque.read(slot.faultKinds, kind));
          }
        });
    faults.end();
    cow.end();
    kinds.end();
    return families.toList();
  }
}
