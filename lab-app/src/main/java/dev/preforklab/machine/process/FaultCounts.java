package dev.preforklab.machine.process;

import dev.preforklab.probe.Probes;
import java.util.Arrays;

/**
 * Page faults by kind and cause, of one process or of a host. Kinds and causes are the constants
 * {@code FAULT_} and {@code CAUSE_} of {@link Probes}; a fault on a load has the cause -1.
 */
public final class FaultCounts {
  /** The cause of a fault on a load. */
  public static final int CAUSE_LOAD = -1;

  public static final int KINDS = 5;
  public static final int CAUSES = 5;

  private final long[] counts = new long[KINDS * (CAUSES + 1)];

  /** Counts one fault. */
  public void add(int kind, int cause) {
    counts[kind * (CAUSES + 1) + cause + 1]++;
  }

  public long count(int kind, int cause) {
    return counts[kind * (CAUSES + 1) + cause + 1];
  }

  /** All faults of a kind. */
  public long count(int kind) {
    long sum = 0;
    for (int cause = CAUSE_LOAD; cause < CAUSES; cause++) {
      sum += count(kind, cause);
    }
    return sum;
  }

  /** Faults served without waiting for the disk, the kernel's {@code minflt}. */
  public long minor() {
    return Arrays.stream(counts).sum() - major();
  }

  /** Faults that waited for the disk, the kernel's {@code majflt}. */
  public long major() {
    return count(Probes.FAULT_MAJOR);
  }

  /** Pages copied on write. */
  public long cowCopies() {
    return count(Probes.FAULT_COW_COPY);
  }

  /** Pages copied on a write with this cause. */
  public long cowCopies(int cause) {
    return count(Probes.FAULT_COW_COPY, cause);
  }

  /** Write-protect faults of a page's last user. */
  public long cowReuses() {
    return count(Probes.FAULT_COW_REUSE);
  }

  /** Stores with this cause that hit a write-protected page: copies and reuses. */
  public long protectedStores(int cause) {
    return cowCopies(cause) + count(Probes.FAULT_COW_REUSE, cause);
  }

  /** Adds another process's counts to these. */
  public void addAll(FaultCounts other) {
    for (int i = 0; i < counts.length; i++) {
      counts[i] += other.counts[i];
    }
  }
}
