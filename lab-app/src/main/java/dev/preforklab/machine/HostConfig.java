package dev.preforklab.machine;

import dev.preforklab.machine.memory.FrameTable;
import dev.preforklab.machine.memory.MachineConstants;

/**
 * The simulated machine.
 *
 * @param ramBytes memory, 64 KiB to 16 GiB; rounded down to whole pages
 * @param cores 1 to 1,024
 * @param virtualPages pages in each process's address space, 256 to 8,388,608 (32 GiB)
 */
public record HostConfig(long ramBytes, int cores, int virtualPages) {
  private static final long LEAST_RAM_BYTES = 64 << 10;
  private static final long MOST_RAM_BYTES =
      (long) MachineConstants.MAX_FRAMES * MachineConstants.BYTES_IN_PAGE;
  private static final int MOST_CORES = 1024;
  private static final int LEAST_VIRTUAL_PAGES = 256;

  /** 8 GiB, two cores, 1 GiB of address space. */
  public static final HostConfig DEFAULT = new HostConfig(8L << 30, 2, 1 << 18);

  public HostConfig {
    check("host memory", "bytes", ramBytes, LEAST_RAM_BYTES, MOST_RAM_BYTES);
    check("cores", "", cores, 1, MOST_CORES);
    check(
        "virtual address space",
        "pages",
        virtualPages,
        LEAST_VIRTUAL_PAGES,
        MachineConstants.MAX_VIRTUAL_PAGES);
  }

  private static void check(String what, String unit, long value, long least, long most) {
    if (value < least || value > most) {
      throw new IllegalArgumentException(
          what
              + " must be "
              + least
              + " to "
              + most
              + (unit.isEmpty() ? "" : " " + unit)
              + ", not "
              + value);
    }
  }

  public HostConfig withRamBytes(long bytes) {
    return new HostConfig(bytes, cores, virtualPages);
  }

  public HostConfig withCores(int count) {
    return new HostConfig(ramBytes, count, virtualPages);
  }

  public HostConfig withVirtualPages(int pages) {
    return new HostConfig(ramBytes, cores, pages);
  }

  /** Frames of memory, two of which the kernel keeps: {@link FrameTable}. */
  public int frames() {
    return (int) (ramBytes / MachineConstants.BYTES_IN_PAGE);
  }
}
