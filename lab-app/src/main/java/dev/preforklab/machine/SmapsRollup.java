package dev.preforklab.machine;

/**
 * What {@code /proc/PID/smaps_rollup} says of a process, in bytes. A page counts as shared if more
 * than one page table entry maps it at the moment of reading, as dirty if it is anonymous (there is
 * no swap to clean it). The zero page is not resident.
 *
 * @param pss the sum over pages of the page size divided by the page's map count, with the kernel's
 *     12 fraction bits
 */
public record SmapsRollup(
    long rss,
    long pss,
    long sharedClean,
    long sharedDirty,
    long privateClean,
    long privateDirty,
    long anonymous) {

  public long shared() {
    return sharedClean + sharedDirty;
  }

  /** The unique set size: Private_Clean + Private_Dirty. */
  public long uss() {
    return privateClean + privateDirty;
  }

  /** Shared part of Rss, 0 to 1; 0 for an empty process. */
  public double sharedRatio() {
    return rss == 0 ? 0 : (double) shared() / rss;
  }
}
