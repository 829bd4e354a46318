package dev.preforklab.machine.process;

import static dev.preforklab.machine.memory.MachineConstants.LOG_BYTES_IN_PAGE;
import static dev.preforklab.machine.memory.MachineConstants.WRITE_PROTECTED;
import static dev.preforklab.machine.memory.MachineConstants.frameOf;

import dev.preforklab.machine.memory.FileObject;
import dev.preforklab.machine.memory.FrameTable;
import dev.preforklab.machine.memory.MachineConstants;
import dev.preforklab.machine.memory.OutOfMemory;
import dev.preforklab.machine.memory.PhysicalMemory;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A process's memory map, the kernel's {@code mm_struct}: its areas, its page table and how many
 * pages are resident.
 *
 * <p>The page table is one flat array of entries by page number (see {@link MachineConstants}): of
 * the plain designs the fastest to translate with and to copy at fork. It grows by doubling as
 * higher pages are touched.
 */
public final class AddressSpace {
  private final PhysicalMemory memory;
  private final int limitPage;
  private final VmaList vmas;
  private int[] table;
  private int mmapBasePage;
  private long brkStart;
  private long brk;
  private int anonymousPages;
  private int filePages;

  /**
   * @param limitPage page number after the last one that can be mapped
   * @param brkStart address of the data segment's start
   * @param mmapBasePage where the search for room for a mapping starts
   */
  public AddressSpace(PhysicalMemory memory, int limitPage, long brkStart, int mmapBasePage) {
    this(memory, limitPage, new VmaList(), new int[Math.min(limitPage, 1024)]);
    this.brkStart = brkStart;
    this.brk = brkStart;
    this.mmapBasePage = mmapBasePage;
  }

  private AddressSpace(PhysicalMemory memory, int limitPage, VmaList vmas, int[] table) {
    this.memory = memory;
    this.limitPage = limitPage;
    this.vmas = vmas;
    this.table = table;
  }

  /** The page table; replaced when it grows. */
  public int[] table() {
    return table;
  }

  public int limitPage() {
    return limitPage;
  }

  /** The areas in the order of their addresses; not to be changed. */
  public List<Vma> areas() {
    return vmas.areas();
  }

  /** The area that holds a page, or null. */
  public @Nullable Vma find(int page) {
    return vmas.find(page);
  }

  /** Anonymous pages that are resident; the zero page does not count. */
  public int anonymousPages() {
    return anonymousPages;
  }

  /** Pages of the page cache that are mapped. */
  public int filePages() {
    return filePages;
  }

  public int residentPages() {
    return anonymousPages + filePages;
  }

  public long virtualPages() {
    long pages = 0;
    for (Vma vma : vmas.areas()) {
      pages += vma.pages();
    }
    return pages;
  }

  public int entry(int page) {
    return page < table.length ? table[page] : 0;
  }

  /** Sets an entry that was not present and counts the frame's mapping. */
  public void mapPage(int page, int entry) {
    if (page >= table.length) {
      long length = Math.max((long) table.length * 2, page + 1L);
      table = Arrays.copyOf(table, (int) Math.min(length, limitPage));
    }
    table[page] = entry;
    count(frameOf(entry), 1);
  }

  /** Replaces the frame of a present entry; the old one is freed if nothing else holds it. */
  public void replacePage(int page, int entry) {
    unmapFrame(frameOf(table[page]));
    table[page] = entry;
    count(frameOf(entry), 1);
  }

  /** Lifts the write protection of a present entry. */
  public int unprotect(int page) {
    table[page] &= ~WRITE_PROTECTED;
    return table[page];
  }

  private void count(int frame, int change) {
    if (frame == FrameTable.ZERO_FRAME) {
      return;
    }
    FrameTable frames = memory.table();
    if (frames.isFile(frame)) {
      filePages += change;
    } else {
      anonymousPages += change;
    }
    if (change > 0) {
      frames.map(frame);
    }
  }

  private void unmapFrame(int frame) {
    if (frame == FrameTable.ZERO_FRAME) {
      return;
    }
    count(frame, -1);
    FrameTable frames = memory.table();
    if (frames.unmap(frame) && !frames.isFile(frame)) {
      memory.free(frame);
    }
  }

  /** Unmaps the pages in [startPage, endPage); returns how many were present. */
  private int zap(int startPage, int endPage) {
    int zapped = 0;
    int end = Math.min(endPage, table.length);
    for (int page = startPage; page < end; page++) {
      int entry = table[page];
      if (entry != 0) {
        table[page] = 0;
        unmapFrame(frameOf(entry));
        zapped++;
      }
    }
    return zapped;
  }

  /**
   * Maps an area at the lowest address that has room; a null file means anonymous memory.
   *
   * @throws OutOfMemory if there is no such gap
   */
  public Vma mapAnywhere(
      long pages,
      int alignmentPages,
      boolean writable,
      @Nullable FileObject file,
      int filePage,
      String name) {
    int start =
        pages > limitPage ? -1 : vmas.findGap(mmapBasePage, (int) pages, alignmentPages, limitPage);
    if (start < 0) {
      throw new OutOfMemory(
          "no room for " + pages + " pages in an address space of " + limitPage + " pages",
          OutOfMemory.NO_VICTIM);
    }
    return mapAt(start, start + (int) pages, writable, file, filePage, name);
  }

  /** Maps an area where nothing is mapped; a null file means anonymous memory. */
  public Vma mapAt(
      int startPage,
      int endPage,
      boolean writable,
      @Nullable FileObject file,
      int filePage,
      String name) {
    Vma vma = new Vma(startPage, endPage, writable, file, filePage, name, false);
    vmas.add(vma);
    return vma;
  }

  /** Whether nothing is mapped in [startPage, endPage). */
  public boolean isFree(int startPage, int endPage) {
    return vmas.isFree(startPage, endPage);
  }

  /** Unmaps [startPage, endPage); returns how many pages were present. */
  public int unmap(int startPage, int endPage) {
    int zapped = 0;
    for (Vma vma : vmas.areas()) {
      if (vma.endPage() > startPage && vma.startPage() < endPage) {
        zapped += zap(Math.max(startPage, vma.startPage()), Math.min(endPage, vma.endPage()));
      }
    }
    vmas.remove(startPage, endPage);
    return zapped;
  }

  /** Unmaps everything, in place, so that a stale alias of the table sees nothing present. */
  public int unmapAll() {
    return unmap(0, limitPage);
  }

  /** End of the data segment, an address. */
  public long brk() {
    return brk;
  }

  /** Start of the data segment, an address. */
  public long brkStart() {
    return brkStart;
  }

  /** Places an empty data segment. */
  public void setBrkStart(long address) {
    brkStart = address;
    brk = address;
  }

  /** Notes the new end of the data segment. */
  public void setBrk(long address) {
    brk = address;
  }

  /** Where the search for room starts, a page number. */
  public int mmapBasePage() {
    return mmapBasePage;
  }

  /** Sets where the search for room starts. */
  public void setMmapBasePage(int page) {
    mmapBasePage = page;
  }

  /**
   * The copy that fork makes: same areas, and for those that hold pages of their own the same page
   * table, private pages write-protected on both sides and counted once more. Areas that only a
   * file backs (or only the zero page) are left empty, as the kernel leaves them: their pages can
   * be faulted in.
   */
  public AddressSpace duplicate() {
    int[] copy = new int[table.length];
    AddressSpace child = new AddressSpace(memory, limitPage, vmas.duplicate(), copy);
    child.mmapBasePage = mmapBasePage;
    child.brkStart = brkStart;
    child.brk = brk;
    FrameTable frames = memory.table();
    int[] mapCounts = frames.mapCounts();
    int[] parent = table;
    for (Vma vma : vmas.areas()) {
      if (!vma.hasAnonymousPages()) {
        continue;
      }
      int end = Math.min(vma.endPage(), parent.length);
      int file = 0;
      int anonymous = 0;
      for (int page = vma.startPage(); page < end; page++) {
        int entry = parent[page];
        if (entry == 0) {
          continue;
        }
        entry |= WRITE_PROTECTED;
        parent[page] = entry;
        copy[page] = entry;
        int frame = frameOf(entry);
        if (frame == FrameTable.ZERO_FRAME) {
          continue;
        }
        // mapped by the parent already, so the totals of mapped frames stay as they are
        mapCounts[frame]++;
        if (vma.file() != null && frames.isFile(frame)) {
          file++;
        } else {
          anonymous++;
        }
      }
      child.filePages += file;
      child.anonymousPages += anonymous;
    }
    return child;
  }

  /** The page that holds an address, or -1 if it lies outside the address space. */
  public int pageOf(long address) {
    long page = address >>> LOG_BYTES_IN_PAGE;
    return page < limitPage ? (int) page : -1;
  }
}
