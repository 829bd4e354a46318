package dev.preforklab.machine;

import static dev.preforklab.machine.memory.MachineConstants.BYTES_IN_PAGE;
import static dev.preforklab.machine.memory.MachineConstants.LOG_BYTES_IN_PAGE;
import static dev.preforklab.machine.memory.MachineConstants.PAGE_MASK;
import static dev.preforklab.machine.memory.MachineConstants.pagesIn;

import dev.preforklab.machine.memory.FileObject;
import dev.preforklab.machine.memory.OutOfMemory;
import dev.preforklab.machine.memory.PageCache;
import dev.preforklab.machine.memory.PhysicalMemory;
import dev.preforklab.machine.paging.FaultHandler;
import dev.preforklab.machine.process.AddressSpace;
import dev.preforklab.machine.process.FaultCounts;
import dev.preforklab.machine.process.MmapLayout;
import dev.preforklab.machine.process.Process;
import dev.preforklab.machine.process.Vma;
import dev.preforklab.sim.CostModel;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The simulated Linux: its system calls, its page fault entry and what {@code /proc} says. Nothing
 * else changes a process's memory map.
 *
 * <p>Memory is overcommitted without bound: a mapping costs nothing until it is touched. When a
 * fault finds no frame, clean page cache that nothing maps is dropped; then the out-of-memory
 * killer ends the process with the most resident pages, and the fault goes on, or ends in {@link
 * OutOfMemory} if it was the faulting one. Page tables and other kernel memory take no frames.
 *
 * <p>Calls that are made to set a scene up (the {@code populate} and {@code read} families) cost
 * the process nothing; all others are charged by the {@link CostModel}.
 */
public final class Kernel {
  /** The kernel reclaims so many pages at a time ({@code SWAP_CLUSTER_MAX}). */
  private static final int RECLAIM_PAGES = 32;

  private static final int FIRST_PID = 100;

  private final HostConfig config;
  private final CostModel costs;
  private final int hostIndex;
  private final PhysicalMemory memory;
  private final PageCache pageCache;
  private final FaultHandler faultHandler;
  private final SmapsReader smapsReader;
  private final List<Process> processes = new ArrayList<>();
  private int nextPid = FIRST_PID;
  private long oomKills;
  private @Nullable OomListener oomListener;

  /**
   * @param hostIndex the host's number in this JVM, for probes
   */
  public Kernel(HostConfig config, CostModel costs, int hostIndex) {
    this.config = config;
    this.costs = costs;
    this.hostIndex = hostIndex;
    memory = new PhysicalMemory(config.frames());
    pageCache = new PageCache(memory);
    faultHandler = new FaultHandler(memory, pageCache, this::makeRoom, costs);
    smapsReader = new SmapsReader(memory.table());
  }

  public HostConfig config() {
    return config;
  }

  public CostModel costs() {
    return costs;
  }

  public int hostIndex() {
    return hostIndex;
  }

  /** Frame contents by chunk, for {@code cpython.Host}; the outer array is never replaced. */
  public long[][] chunks() {
    return memory.chunks();
  }

  /** The frames, for read-outs and checks. */
  public PhysicalMemory memory() {
    return memory;
  }

  /** Processes that run, by ascending pid. */
  public List<Process> processes() {
    return Collections.unmodifiableList(processes);
  }

  /** Sets who is told of processes that the out-of-memory killer ends. */
  public void setOomListener(@Nullable OomListener listener) {
    oomListener = listener;
  }

  // Processes

  /**
   * Starts a process with an empty address space, laid out bottom-up: page tables are flat arrays
   * that end with the highest page in use, and each fork copies one. {@link #setMmapBase} chooses
   * otherwise.
   */
  public Process spawn(int slot, long nowNs) {
    int limit = config.virtualPages();
    long brkStart = (long) AddressSpace.LEAST_PAGE << LOG_BYTES_IN_PAGE;
    AddressSpace mm = new AddressSpace(memory, limit, brkStart, limit / 4 + 1);
    return started(new Process(nextPid++, 0, hostIndex, slot, mm, nowNs));
  }

  /** Starts a process at time 0. */
  public Process spawn(int slot) {
    return spawn(slot, 0);
  }

  /**
   * Forks a process: the child sees the same memory, write-protected on both sides. The parent
   * pays.
   */
  public Process fork(Process parent, int slot) {
    requireRunning(parent);
    AddressSpace mm = parent.addressSpace().duplicate();
    parent.charge(costs.forkBaseNs() + mm.residentPages() * costs.forkPageNs());
    return started(new Process(nextPid++, parent.pid(), hostIndex, slot, mm, parent.nowNs()));
  }

  private Process started(Process process) {
    processes.add(process);
    return process;
  }

  /** Ends a process and gives its memory back; does nothing if it has ended already. */
  public void exit(Process process) {
    if (process.isRunning()) {
      end(process, Process.State.EXITED);
    }
  }

  private void end(Process process, Process.State state) {
    int zapped = process.addressSpace().unmapAll();
    process.charge(costs.exitBaseNs() + zapped * costs.exitPageNs());
    process.setState(state);
    processes.remove(process);
  }

  // Mappings

  /**
   * Maps zero-filled private memory where there is room.
   *
   * @param bytes more than 0; rounded up to whole pages
   * @param alignment of the address, a power of two
   * @return the address
   * @throws OutOfMemory if the address space has no such room; nothing is killed
   */
  public long mmap(Process process, long bytes, long alignment) {
    requireRunning(process);
    if (alignment <= 0 || Long.bitCount(alignment) != 1) {
      throw new IllegalArgumentException("alignment must be a power of two, not " + alignment);
    }
    process.charge(costs.mmapNs());
    int alignmentPages = (int) Math.min(1 << 30, pagesIn(alignment));
    return process
        .addressSpace()
        .mapAnywhere(pages(bytes), alignmentPages, true, null, 0, "")
        .startAddress();
  }

  /**
   * Maps zero-filled private memory at an address (MAP_FIXED_NOREPLACE).
   *
   * @param name shown in smaps, for example {@code [stack]}; may be empty
   * @throws IllegalArgumentException if something is mapped there, or it lies outside
   */
  public void mmapAt(Process process, long address, long bytes, String name) {
    mapFixed(process, address, bytes, true, null, 0, name);
  }

  /** Maps a file privately where there is room; returns the address. */
  public long mmapFile(
      Process process, FileObject file, int firstFilePage, long bytes, boolean writable) {
    requireRunning(process);
    process.charge(costs.mmapNs());
    return process
        .addressSpace()
        .mapAnywhere(pages(bytes), 1, writable, file, firstFilePage, file.name())
        .startAddress();
  }

  /** Maps a file privately at an address where nothing is mapped. */
  public void mmapFileAt(
      Process process,
      long address,
      FileObject file,
      int firstFilePage,
      long bytes,
      boolean writable) {
    mapFixed(process, address, bytes, writable, file, firstFilePage, file.name());
  }

  private void mapFixed(
      Process process,
      long address,
      long bytes,
      boolean writable,
      @Nullable FileObject file,
      int filePage,
      String name) {
    requireRunning(process);
    AddressSpace mm = process.addressSpace();
    long start = startPage(address);
    long end = start + pages(bytes);
    if (start < 1 || end > mm.limitPage()) {
      throw new IllegalArgumentException(
          "mapping of "
              + bytes
              + " bytes at 0x"
              + Long.toHexString(address)
              + " lies outside the address space of "
              + mm.limitPage()
              + " pages");
    }
    if (!mm.isFree((int) start, (int) end)) {
      throw new IllegalArgumentException(
          "something is mapped in the " + bytes + " bytes at 0x" + Long.toHexString(address));
    }
    process.charge(costs.mmapNs());
    mm.mapAt((int) start, (int) end, writable, file, filePage, name);
  }

  /**
   * Changes the length of a mapping, or of the end of one (mremap, MREMAP_MAYMOVE). A shorter one
   * loses its tail. A longer one stays where it is if nothing is mapped behind it; else it goes to
   * where mmap would put one of its new length, and its page table entries with it: no fault, no
   * copy, and what it shared it shares.
   *
   * @param oldBytes as mapped; more than 0
   * @return the address
   * @throws IllegalArgumentException if it grows and no single mapping holds the old range
   * @throws OutOfMemory if the address space has no such room; nothing is killed
   */
  public long mremap(Process process, long address, long oldBytes, long newBytes) {
    requireRunning(process);
    AddressSpace mm = process.addressSpace();
    long start = startPage(address);
    long end = start + pages(oldBytes);
    long newPages = pages(newBytes);
    Vma vma = end > mm.limitPage() ? null : mm.find((int) start);
    if (vma == null || (end > vma.endPage() && start + newPages > end)) {
      throw new IllegalArgumentException(
          "no single mapping holds the " + oldBytes + " bytes at 0x" + Long.toHexString(address));
    }
    process.charge(costs.mremapNs());
    if (start + newPages < end) {
      int zapped = mm.unmap((int) (start + newPages), (int) end);
      process.charge(zapped * costs.munmapPageNs());
    } else if (start + newPages > end && !mm.extend(vma, (int) end, start + newPages)) {
      AddressSpace.Moved moved = mm.move(vma, (int) start, (int) end, newPages);
      process.charge(costs.mmapNs() + costs.munmapNs() + moved.entries() * costs.mremapPageNs());
      return (long) moved.startPage() << LOG_BYTES_IN_PAGE;
    }
    return address;
  }

  /** Unmaps whole pages; parts where nothing is mapped are skipped. */
  public void munmap(Process process, long address, long bytes) {
    requireRunning(process);
    AddressSpace mm = process.addressSpace();
    long start = startPage(address);
    long end = Math.min(start + pages(bytes), mm.limitPage());
    int zapped = start < end ? mm.unmap((int) start, (int) end) : 0;
    process.charge(costs.munmapNs() + zapped * costs.munmapPageNs());
  }

  /**
   * Moves the end of the data segment.
   *
   * @return the end before the move
   * @throws OutOfMemory if something is in the way; nothing is killed
   */
  public long sbrk(Process process, long bytes) {
    requireRunning(process);
    AddressSpace mm = process.addressSpace();
    long old = mm.brk();
    long wanted = old + bytes;
    long oldPage = pagesIn(old);
    long newPage = pagesIn(wanted);
    if (wanted < mm.brkStart()) {
      throw new IllegalArgumentException("the data segment cannot end before it starts");
    }
    process.charge(costs.brkNs());
    if (newPage > oldPage) {
      if (newPage > mm.limitPage() || !mm.isFree((int) oldPage, (int) newPage)) {
        throw new OutOfMemory(
            "no room to grow the data segment by " + bytes + " bytes", OutOfMemory.NO_VICTIM);
      }
      mm.mapAt((int) oldPage, (int) newPage, true, null, 0, "[heap]");
    } else if (newPage < oldPage) {
      int zapped = mm.unmap((int) newPage, (int) oldPage);
      process.charge(zapped * costs.munmapPageNs());
    }
    mm.setBrk(wanted);
    return old;
  }

  /** The end of the data segment. */
  public long brk(Process process) {
    return process.addressSpace().brk();
  }

  /** Places an empty data segment at an address (PR_SET_MM_START_BRK). */
  public void setBrkStart(Process process, long address) {
    startPage(address);
    process.addressSpace().setBrkStart(address);
  }

  /**
   * Sets the address from which on mappings without a wish are placed, upwards or downwards.
   *
   * @param address at most the end of the address space
   */
  public void setMmapBase(Process process, long address, MmapLayout layout) {
    process.addressSpace().setMmapBase((int) startPage(address), layout);
  }

  // Memory

  /**
   * Serves a page fault.
   *
   * @param cause a CAUSE_ constant of the probes, or -1 for a load
   * @return the entry of the page: positive after a store, not 0 after a load
   * @throws dev.preforklab.machine.process.SegmentationFault if the access is wrong
   * @throws OutOfMemory if the process has been killed, now or before
   */
  public int fault(Process process, long address, boolean write, int cause) {
    requireRunning(process);
    return faultHandler.handle(process, address, write, cause);
  }

  /**
   * Makes all pages of a range present without counting or charging a fault: anonymous ones with a
   * zeroed frame, file pages from the page cache, or, with {@code own} in a writable mapping, as
   * copies that the process has already made.
   */
  public void populate(Process process, long address, long bytes, boolean own) {
    requireRunning(process);
    int start = (int) startPage(address);
    faultHandler.populate(process, start, start + (int) pages(bytes), own);
  }

  private void makeRoom(Process asking) {
    if (pageCache.reclaim(RECLAIM_PAGES) > 0) {
      return;
    }
    Process victim = OomKiller.select(processes);
    if (victim == null) {
      throw new OutOfMemory("no frame is left", OutOfMemory.NO_VICTIM);
    }
    long residentPages = victim.addressSpace().residentPages();
    end(victim, Process.State.KILLED);
    oomKills++;
    if (oomListener != null) {
      oomListener.killed(victim);
    }
    if (victim == asking) {
      throw new OutOfMemory(
          "out of memory: killed process "
              + victim.pid()
              + " with "
              + residentPages
              + " resident pages",
          victim.pid());
    }
  }

  // Files

  /** The file of that name, made on first use; later calls must give the same size. */
  public FileObject openFile(String name, long bytes) {
    return pageCache.open(name, (int) pages(bytes));
  }

  /** Reads pages of a file into the page cache, as far as frames are free. */
  public void readFile(FileObject file, int firstPage, int pages) {
    for (int page = firstPage; page < firstPage + pages; page++) {
      pageCache.readPage(file, page);
    }
  }

  // What /proc says

  /** Memory of a process now, by the map counts of this moment. */
  public SmapsRollup smapsRollup(Process process) {
    return smapsReader.rollup(process.addressSpace());
  }

  /** Memory of each area of a process now. */
  public List<Smaps> smaps(Process process) {
    return smapsReader.areas(process.addressSpace());
  }

  /** Faults of all processes since the start, those that have ended included. */
  public FaultCounts faults() {
    return faultHandler.hostFaults();
  }

  public VmStat vmstat() {
    FaultCounts faults = faultHandler.hostFaults();
    return new VmStat(
        memory.allocator().freeFrames(),
        memory.table().anonymousMapped(),
        memory.table().fileMapped(),
        pageCache.cachedPages(),
        memory.framesHandedOut(),
        memory.framesFreed(),
        faults.minor() + faults.major(),
        faults.major(),
        faults.cowReuses(),
        oomKills);
  }

  /** MemTotal, in bytes. */
  public long totalBytes() {
    return (long) config.frames() * BYTES_IN_PAGE;
  }

  /** MemFree, in bytes. */
  public long freeBytes() {
    return (long) memory.allocator().freeFrames() * BYTES_IN_PAGE;
  }

  /** MemAvailable, in bytes: what is free, and page cache that nothing maps. */
  public long availableBytes() {
    long droppable = pageCache.cachedPages() - memory.table().fileMapped();
    return freeBytes() + droppable * BYTES_IN_PAGE;
  }

  private static void requireRunning(Process process) {
    switch (process.state()) {
      case RUNNING -> {}
      case KILLED -> throw new OutOfMemory("out of memory: killed " + process.pid(), process.pid());
      case EXITED -> throw new IllegalStateException(process + " has ended");
    }
  }

  private static long startPage(long address) {
    if (address < 0 || (address & PAGE_MASK) != 0) {
      throw new IllegalArgumentException(
          "address 0x" + Long.toHexString(address) + " is not that of a page");
    }
    return address >>> LOG_BYTES_IN_PAGE;
  }

  private long pages(long bytes) {
    if (bytes <= 0 || bytes > (long) config.virtualPages() * BYTES_IN_PAGE) {
      throw new IllegalArgumentException(
          "length must be 1 to "
              + (long) config.virtualPages() * BYTES_IN_PAGE
              + " bytes, not "
              + bytes);
    }
    return pagesIn(bytes);
  }
}
