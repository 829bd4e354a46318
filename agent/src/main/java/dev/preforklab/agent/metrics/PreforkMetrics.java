package dev.preforklab.agent.metrics;

import io.prometheus.client.Collector;
import java.util.List;

/** The life of hosts, masters and workers: who is there, restarts and what they took, arenas. */
public final class PreforkMetrics extends Collector {
  /** In the order of the probe's reasons; an ordinary shutdown is no restart. */
  private static final String[] REASONS = {"rss_limit", "max_requests", "reload", "oom"};

  /** Receives {@code processForked}. */
  public static void processForked(int host, int slot, int pid, long timeNs) {
    HostSeries hostSeries = HostSeries.findOrAdopt(host);
    SlotSeries series = hostSeries == null ? null : hostSeries.slot(slot);
    if (hostSeries == null || series == null) {
      return;
    }
    synchronized (hostSeries) {
      series.forked(pid, slot < 0 ? null : hostSeries.slot(-1));
      if (series.exitNs >= 0) {
        hostSeries.restartDurations.observe(Math.max(0, timeNs - series.exitNs));
        series.exitNs = -1;
      }
    }
  }

  /**
   * Receives {@code processExited}. Where it does not yet know how long the respawn took, the time
   * to the slot's next fork stands for it.
   */
  public static void processExited(
      int host, int slot, int pid, int reason, long timeNs, long respawnNs) {
    HostSeries hostSeries = HostSeries.findOrAdopt(host);
    SlotSeries series = hostSeries == null ? null : hostSeries.slot(slot);
    if (hostSeries == null || series == null) {
      return;
    }
    synchronized (hostSeries) {
      boolean restart = reason >= 0 && reason < REASONS.length;
      if (series.lastExitedPid != pid) {
        series.lastExitedPid = pid;
        if (restart) {
          series.restarts[reason]++;
          series.exitNs = timeNs;
        }
      }
      if (restart && respawnNs >= 0) {
        hostSeries.restartDurations.observe(respawnNs);
        series.exitNs = -1;
      }
      if (series.pid == pid) {
        series.exited();
      }
    }
  }

  /** A sample of a process nobody announced makes it the slot's. Call with the host's lock held. */
  static void present(HostSeries host, SlotSeries series, int pid) {
    if (series.pid != pid) {
      SlotSeries master = host.findSlot(-1);
      series.forked(pid, master == series ? null : master);
    }
    series.alive = true;
  }

  /** Receives {@code arenaAllocated}. */
  public static void arenaAllocated(int host, int slot) {
    SlotSeries series = HostSeries.findSlot(host, slot);
    if (series != null) {
      series.arenas[0]++;
    }
  }

  /** Receives {@code arenaFreed}. */
  public static void arenaFreed(int host, int slot) {
    SlotSeries series = HostSeries.findSlot(host, slot);
    if (series != null) {
      series.arenas[1]++;
    }
  }

  @Override
  public List<MetricFamilySamples> collect() {
    Families families = new Families();
    Families.Family python =
        families.gauge(
            "python_info",
            "The simulated Python platform.",
            Families.with(Families.HOST, "implementation", "version"));
    Families.Family restartDurations =
        families.histogram(
            "prefork_restart_duration_seconds",
            "From the decision to end a worker until its successor was ready.",
            Families.HOST);
    HostSeries.forEach(
        host -> {
          if (!host.pythonVersion.isEmpty()) {
            python.add(List.of(host.scenario, host.gcSetting, "CPython", host.pythonVersion), 1);
          }
          restartDurations.add(host.labels, host.restartDurations);
        });
    python.end();
    Families.Family info =
        families.gauge(
            "prefork_worker_info",
            "The process that has this slot now.",
            Families.with(Families.SLOT, "pid"));
    Families.Family restarts =
        families.counter(
            "prefork_worker_restarts",
            "Workers that ended to be replaced, by reason.",
            Families.with(Families.SLOT, "reason"));
    Families.Family arenas =
        families.counter(
            "prefork_pymalloc_arenas",
            "pymalloc arenas mapped (allocated) and returned (freed).",
            Families.with(Families.SLOT, "op"));
    HostSeries.forEachSlot(
        slot -> {
          if (slot.alive) {
            info.add(slot.labels(Integer.toString(slot.pid)), 1);
          }
          if (slot.pid != 0) {
            for (int reason = 0; reason < REASONS.length; reason++) {
              restarts.add(slot.labels(REASONS[reason]), slot.restarts[reason]);
            }
            arenas.add(slot.labels("allocated"), Opaque.read(slot.arenas, 0));
            arenas.add(slot.labels("freed"), Opaque.read(slot.arenas, 1));
          }
        });
    info.end();
    restarts.end();
    restartDurations.end();
    arenas.end();
    return families.toList();
  }
}
