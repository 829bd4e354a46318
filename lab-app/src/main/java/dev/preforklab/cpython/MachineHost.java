package dev.preforklab.cpython;

import dev.preforklab.machine.HostConfig;
import dev.preforklab.machine.Kernel;
import dev.preforklab.machine.memory.FileObject;
import dev.preforklab.machine.process.MmapLayout;
import dev.preforklab.machine.process.Process;
import dev.preforklab.sim.CostModel;

/**
 * The door to a process of the simulated Linux host. It keeps aliases of the process's page table
 * and of the host's memory, so that {@link Host#load} and {@link Host#store} need no call; the
 * table is looked up again after each call that may have replaced it.
 */
public final class MachineHost extends Host {
  private final Kernel kernel;
  private final Process process;

  public MachineHost(Kernel kernel, Process process) {
    this.kernel = kernel;
    this.process = process;
    chunks = kernel.chunks();
    refresh();
  }

  /**
   * The first process of a machine of its own.
   *
   * @param ramBytes memory of the machine
   * @param virtualPages pages in each process's address space
   */
  public static MachineHost alone(long ramBytes, int virtualPages) {
    HostConfig config = new HostConfig(ramBytes, 2, virtualPages);
    Kernel kernel = new Kernel(config, CostModel.defaults(), 0);
    return new MachineHost(kernel, kernel.spawn(0));
  }

  public Kernel kernel() {
    return kernel;
  }

  public Process process() {
    return process;
  }

  /** Forks the process; returns the child's door. */
  public MachineHost fork(int slot) {
    try {
      return new MachineHost(kernel, kernel.fork(process, slot));
    } catch (dev.preforklab.machine.memory.OutOfMemory e) {
      throw outOfMemory(e);
    }
  }

  /** Places an empty data segment at an address. */
  public void setBrkStart(long address) {
    kernel.setBrkStart(process, address);
  }

  /** Sets the address from which on mappings without a wish are placed, lowest gap first. */
  public void setMmapBase(long address) {
    kernel.setMmapBase(process, address, MmapLayout.BOTTOM_UP);
  }

  /** Sets the address below which mappings without a wish are placed, highest gap first. */
  public void setMmapTop(long address) {
    kernel.setMmapBase(process, address, MmapLayout.TOP_DOWN);
  }

  /** Faults of this process that waited for no disk. */
  public long minorFaults() {
    return process.faults().minor();
  }

  /** Bytes resident now. */
  public long residentBytes() {
    return kernel.smapsRollup(process).rss();
  }

  /** Bytes resident now that other processes map too. */
  public long sharedBytes() {
    return kernel.smapsRollup(process).shared();
  }

  /** Ends the process and gives its memory back. */
  public void exit() {
    kernel.exit(process);
  }

  /** Maps anonymous memory at a given address; see {@link Kernel#mmapAt}. */
  public void mapAt(long address, long bytes, String name) {
    kernel.mmapAt(process, address, bytes, name);
    refresh();
  }

  /** Maps a file privately at a given address; see {@link Kernel#mmapFileAt}. */
  public void mapFileAt(
      long address, FileObject file, int firstFilePage, long bytes, boolean writable) {
    kernel.mmapFileAt(process, address, file, firstFilePage, bytes, writable);
    refresh();
  }

  /** Makes pages present without counting faults; see {@link Kernel#populate}. */
  public void populate(long address, long bytes, boolean own) {
    try {
      kernel.populate(process, address, bytes, own);
    } catch (dev.preforklab.machine.memory.OutOfMemory e) {
      throw outOfMemory(e);
    } finally {
      refresh();
    }
  }

  @Override
  protected int fault(long address, boolean write, int cause) {
    try {
      return kernel.fault(process, address, write, cause);
    } catch (dev.preforklab.machine.process.SegmentationFault e) {
      throw new Host.SegmentationFault(e.address());
    } catch (dev.preforklab.machine.memory.OutOfMemory e) {
      throw outOfMemory(e);
    } finally {
      refresh();
    }
  }

  @Override
  public long map(long bytes, long alignment) {
    try {
      return kernel.mmap(process, bytes, alignment);
    } catch (dev.preforklab.machine.memory.OutOfMemory e) {
      throw outOfMemory(e);
    }
  }

  @Override
  public void unmap(long address, long bytes) {
    kernel.munmap(process, address, bytes);
  }

  @Override
  public long remap(long address, long oldBytes, long newBytes) {
    try {
      return kernel.mremap(process, address, oldBytes, newBytes);
    } catch (dev.preforklab.machine.memory.OutOfMemory e) {
      throw outOfMemory(e);
    } finally {
      refresh();
    }
  }

  @Override
  public long sbrk(long bytes) {
    try {
      return kernel.sbrk(process, bytes);
    } catch (dev.preforklab.machine.memory.OutOfMemory e) {
      throw outOfMemory(e);
    }
  }

  @Override
  public void charge(long nanoseconds) {
    process.charge(nanoseconds);
  }

  @Override
  public long cpuNanoseconds() {
    return process.cpuNs();
  }

  private void refresh() {
    table = process.addressSpace().table();
  }

  private static Host.OutOfMemory outOfMemory(dev.preforklab.machine.memory.OutOfMemory e) {
    Host.OutOfMemory translated = new Host.OutOfMemory(String.valueOf(e.getMessage()));
    translated.initCause(e);
    return translated;
  }
}
