package dev.preforklab.machine.paging;

import static dev.preforklab.machine.memory.MachineConstants.frameOf;
import static dev.preforklab.machine.memory.MachineConstants.protectedEntry;
import static dev.preforklab.machine.memory.MachineConstants.writableEntry;

import dev.preforklab.machine.memory.FileObject;
import dev.preforklab.machine.memory.FrameAllocator;
import dev.preforklab.machine.memory.FrameTable;
import dev.preforklab.machine.memory.MachineConstants;
import dev.preforklab.machine.memory.PageCache;
import dev.preforklab.machine.memory.PhysicalMemory;
import dev.preforklab.machine.process.AddressSpace;
import dev.preforklab.machine.process.FaultCounts;
import dev.preforklab.machine.process.Process;
import dev.preforklab.machine.process.SegmentationFault;
import dev.preforklab.machine.process.Vma;
import dev.preforklab.probe.Probes;
import dev.preforklab.sim.CostModel;

/**
 * Serves page faults as Linux's {@code mm/memory.c} does: read {@link #handle} first, which
 * corresponds to {@code handle_pte_fault}. Each fault is counted by kind and cause, charged to the
 * process and told to the probe. Nothing here allocates Java objects but a growing table or chunk.
 */
public final class FaultHandler {
  /** The kernel's {@code fault_around_bytes}, 64 KiB. */
  static final int FAULT_AROUND_PAGES = 16;

  /** Fault-around stays inside one page table of the hardware. */
  private static final int PAGES_IN_HARDWARE_TABLE = 512;

  private final PhysicalMemory memory;
  private final FrameTable frames;
  private final PageCache pageCache;
  private final Reclaimer reclaimer;
  private final CostModel costs;
  private final FaultCounts hostFaults = new FaultCounts();

  public FaultHandler(
      PhysicalMemory memory, PageCache pageCache, Reclaimer reclaimer, CostModel costs) {
    this.memory = memory;
    this.frames = memory.table();
    this.pageCache = pageCache;
    this.reclaimer = reclaimer;
    this.costs = costs;
  }

  /** Faults of all processes since the start of the host, those that have ended included. */
  public FaultCounts hostFaults() {
    return hostFaults;
  }

  /**
   * Serves the fault of an access, if it is one.
   *
   * @param cause why the word is written, or {@link FaultCounts#CAUSE_LOAD}
   * @return the page's entry: writable after a store
   * @throws SegmentationFault if nothing is mapped there, a file ends before it, or a store goes to
   *     a read-only mapping
   * @throws dev.preforklab.machine.memory.OutOfMemory if no frame is left and the process was
   *     killed
   */
  public int handle(Process process, long address, boolean write, int cause) {
    AddressSpace mm = process.addressSpace();
    int page = mm.pageOf(address);
    Vma vma = page < 0 ? null : mm.find(page);
    if (vma == null || (write && !vma.writable())) {
      throw new SegmentationFault(address);
    }
    int entry = mm.entry(page);
    if (entry == 0) {
      FileObject file = vma.file();
      if (file == null) {
        doAnonymousPage(process, vma, page, write, cause);
      } else if (vma.filePage(page) >= file.pages()) {
        throw new SegmentationFault(address);
      } else if (write) {
        doCowFault(process, vma, file, page, cause);
      } else {
        doReadFault(process, vma, file, page, cause);
      }
    } else if (write && entry < 0) {
      doWpPage(process, vma, page, frameOf(entry), cause);
    }
    return mm.entry(page);
  }

  /** First touch of anonymous memory: a zeroed frame for a store, the zero page for a load. */
  private void doAnonymousPage(Process process, Vma vma, int page, boolean write, int cause) {
    if (write) {
      int frame = allocateZeroed(process);
      vma.setHasAnonymousPages();
      process.addressSpace().mapPage(page, writableEntry(frame));
      done(process, Probes.FAULT_DEMAND_ZERO, cause, costs.faultDemandZeroNs());
    } else {
      process.addressSpace().mapPage(page, protectedEntry(FrameTable.ZERO_FRAME));
      done(process, Probes.FAULT_DEMAND_ZERO, cause, costs.faultZeroPageNs());
    }
  }

  /** A store to a page that is mapped read-only: the last user of its own page keeps it. */
  private void doWpPage(Process process, Vma vma, int page, int frame, int cause) {
    AddressSpace mm = process.addressSpace();
    if (frame == FrameTable.ZERO_FRAME) {
      int zeroed = allocateZeroed(process);
      vma.setHasAnonymousPages();
      mm.replacePage(page, writableEntry(zeroed));
      done(process, Probes.FAULT_DEMAND_ZERO, cause, costs.faultDemandZeroNs());
    } else if (!frames.isFile(frame) && frames.mapCount(frame) == 1) {
      mm.unprotect(page);
      done(process, Probes.FAULT_COW_REUSE, cause, costs.faultCowReuseNs());
    } else {
      int copy = allocateForCopy(process);
      memory.copy(frame, copy);
      vma.setHasAnonymousPages();
      mm.replacePage(page, writableEntry(copy));
      done(process, Probes.FAULT_COW_COPY, cause, costs.faultCowCopyNs());
    }
  }

  /** First touch of a private file mapping by a store: a copy of the file's page. */
  private void doCowFault(Process process, Vma vma, FileObject file, int page, int cause) {
    int copy = allocateForCopy(process);
    int filePage = vma.filePage(page);
    boolean major = file.frame(filePage) == FrameAllocator.NONE;
    int cached;
    try {
      cached = major ? readFromDisk(process, file, filePage) : file.frame(filePage);
    } catch (RuntimeException e) {
      memory.free(copy);
      throw e;
    }
    memory.copy(cached, copy);
    vma.setHasAnonymousPages();
    process.addressSpace().mapPage(page, writableEntry(copy));
    if (major) {
      done(process, Probes.FAULT_MAJOR, cause, costs.faultMajorNs() + costs.faultCowCopyNs());
    } else {
      done(process, Probes.FAULT_COW_COPY, cause, costs.faultCowCopyNs());
    }
  }

  /** First touch of a file mapping by a load. */
  private void doReadFault(Process process, Vma vma, FileObject file, int page, int cause) {
    AddressSpace mm = process.addressSpace();
    int mapped = faultAround(mm, vma, file, page);
    if (mm.entry(page) != 0) {
      long around = (mapped - 1L) * costs.faultAroundPageNs();
      done(process, Probes.FAULT_FILE_MAP, cause, costs.faultFileMapNs() + around);
    } else {
      int frame = readFromDisk(process, file, vma.filePage(page));
      mm.mapPage(page, protectedEntry(frame));
      done(process, Probes.FAULT_MAJOR, cause, costs.faultMajorNs());
    }
  }

  /**
   * Maps what the page cache has of the 16 pages around a fault (do_fault_around): a window that
   * starts at a multiple of 16 pages of the address, or where the area starts.
   *
   * @return pages mapped
   */
  private static int faultAround(AddressSpace mm, Vma vma, FileObject file, int page) {
    int first = Math.max(page & -FAULT_AROUND_PAGES, vma.startPage());
    int tableEnd = (page | (PAGES_IN_HARDWARE_TABLE - 1)) + 1;
    int end = Math.min(Math.min(first + FAULT_AROUND_PAGES, tableEnd), vma.endPage());
    int mapped = 0;
    for (int p = first; p < end && vma.filePage(p) < file.pages(); p++) {
      int frame = file.frame(vma.filePage(p));
      if (frame != FrameAllocator.NONE && mm.entry(p) == 0) {
        mm.mapPage(p, protectedEntry(frame));
        mapped++;
      }
    }
    return mapped;
  }

  private int readFromDisk(Process process, FileObject file, int filePage) {
    int frame = pageCache.readPage(file, filePage);
    while (frame == FrameAllocator.NONE) {
      reclaimer.makeRoom(process);
      frame = pageCache.readPage(file, filePage);
    }
    pageCache.readAround(file, filePage);
    return frame;
  }

  private int allocateZeroed(Process process) {
    int frame = memory.allocateZeroed(false);
    while (frame == FrameAllocator.NONE) {
      reclaimer.makeRoom(process);
      frame = memory.allocateZeroed(false);
    }
    return frame;
  }

  private int allocateForCopy(Process process) {
    int frame = memory.allocateForCopy(false);
    while (frame == FrameAllocator.NONE) {
      reclaimer.makeRoom(process);
      frame = memory.allocateForCopy(false);
    }
    return frame;
  }

  private void done(Process process, int kind, int cause, long costNs) {
    process.charge(costNs);
    process.faults().add(kind, cause);
    hostFaults.add(kind, cause);
    Probes.pageFault(process.host(), process.slot(), kind, cause, process.nowNs());
  }

  /**
   * Makes every absent page of a range present as if the process had touched it before it was
   * looked at: anonymous pages with a zeroed frame of their own, file pages from the page cache. No
   * fault is counted or charged and nothing around is mapped.
   *
   * @param own give file pages that may be written a copy of their own, as a store would
   */
  public void populate(Process process, int startPage, int endPage, boolean own) {
    AddressSpace mm = process.addressSpace();
    for (int page = startPage; page < endPage; page++) {
      Vma vma = mm.find(page);
      if (vma == null) {
        throw new SegmentationFault((long) page << MachineConstants.LOG_BYTES_IN_PAGE);
      }
      if (mm.entry(page) != 0) {
        continue;
      }
      FileObject file = vma.file();
      if (file == null || (own && vma.writable())) {
        int frame = allocateZeroed(process);
        vma.setHasAnonymousPages();
        mm.mapPage(page, writableEntry(frame));
      } else {
        int frame = readPage(process, file, vma.filePage(page));
        mm.mapPage(page, protectedEntry(frame));
      }
    }
  }

  /** Reads one page of a file into the page cache, making room if need be; returns its frame. */
  public int readPage(Process process, FileObject file, int filePage) {
    int frame = pageCache.readPage(file, filePage);
    while (frame == FrameAllocator.NONE) {
      reclaimer.makeRoom(process);
      frame = pageCache.readPage(file, filePage);
    }
    return frame;
  }
}
