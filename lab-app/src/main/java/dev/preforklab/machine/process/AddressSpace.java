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
  /** Nothing is mapped below: 64 KiB, the kernel's {@code mmap_min_addr}. */
  public static final int LEAST_PAGE = 16;

  private static final int PAGES_IN_HUGE_PAGE = 512;

  private final PhysicalMemory memory;
  private final int limitPage;
  private final VmaList vmas;
  private int[] table;
  private int mmapBasePage;
  private MmapLayout mmapLayout = MmapLayout.BOTTOM_UP;
  private long brkStart;
  private long brk;
  private int anonymousPages;
  private int filePages;

  /**
   * @param limitPage page number after the last one that can be mapped
   * @param brkStart address of the data segment's start
   * @param mmapBasePage where the search for room for a mapping starts, upwards; see {@link
   *     #setMmapBase}
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
    growTable(page);
    table[page] = entry;
    count(frameOf(entry), 1);
  }

  private void growTable(int page) {
    if (page >= table.length) {
      long length = Math.max((long) table.length * 2, page + 1L);
      table = Arrays.copyOf(table, (int) Math.min(length, limitPage));
    }
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
   * Maps an area where the layout finds room; a null file means anonymous memory.
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
    int start = findRoom(pages, alignmentPages, file == null);
    return mapAt(start, start + (int) pages, writable, file, filePage, name);
  }

  /**
   * Where a mapping of so many pages would be put, the kernel's {@code get_unmapped_area}.
   * Anonymous memory of whole huge pages, 2 MiB each, begins with one (Linux 6.7 and later) if
   * there is a gap with room for one more.
   *
   * @throws OutOfMemory if there is no such gap
   */
  private int findRoom(long pages, int alignmentPages, boolean anonymous) {
    if (pages <= limitPage) {
      int wanted = (int) pages;
      if (anonymous && alignmentPages == 1 && wanted % PAGES_IN_HUGE_PAGE == 0) {
        int padded = search(wanted + PAGES_IN_HUGE_PAGE, 1);
        if (padded >= 0) {
          // the upper end of the gap's part that was found, or its lower end
          boolean down = mmapLayout == MmapLayout.TOP_DOWN;
          return padded + (down ? PAGES_IN_HUGE_PAGE : PAGES_IN_HUGE_PAGE - 1)
              & -PAGES_IN_HUGE_PAGE;
        }
      }
      int start = search(wanted, alignmentPages);
      if (start >= 0) {
        return start;
      }
    }
    throw new OutOfMemory(
        "no room for " + pages + " pages in an address space of " + limitPage + " pages",
        OutOfMemory.NO_VICTIM);
  }

  private int search(int pages, int alignmentPages) {
    int start =
        mmapLayout == MmapLayout.TOP_DOWN
            ? vmas.findGapBelow(mmapBasePage, pages, alignmentPages, LEAST_PAGE)
            : -1;
    return start >= 0 ? start : vmas.findGap(mmapBasePage, pages, alignmentPages, limitPage);
  }

  /** Maps an area where nothing is mapped; a null file means anonymous memory. */
  public Vma mapAt(
      int startPage,
      int endPage,
      boolean writable,
      @Nullable FileObject file,
      int filePage,
      String name) {
    int firstPage = file == null ? startPage : filePage;
    Vma vma = new Vma(startPage, endPage, writable, file, firstPage, name, false);
    vmas.add(vma);
    return vma;
  }

  /**
   * Lengthens an area in place.
   *
   * @return false, and nothing has changed, if the area does not end at that page or something is
   *     in the way
   */
  public boolean extend(Vma vma, int endPage, long newEndPage) {
    if (endPage != vma.endPage()
        || newEndPage > limitPage
        || !vmas.isFree(endPage, (int) newEndPage)) {
      return false;
    }
    vmas.extend(vma, (int) newEndPage);
    return true;
  }

  /**
   * Moves [startPage, endPage), which one area holds, to where the layout finds room for so many
   * pages: the page table entries go there as they are, shared, protected or not. What stays behind
   * is unmapped.
   *
   * @throws OutOfMemory if there is no such gap; nothing has changed
   */
  public Moved move(Vma vma, int startPage, int endPage, long pages) {
    int toPage = findRoom(pages, 1, vma.file() == null);
    boolean keepsPlace = vma.file() != null || vma.hasAnonymousPages();
    vmas.add(
        new Vma(
            toPage,
            toPage + (int) pages,
            vma.writable(),
            vma.file(),
            keepsPlace ? vma.filePage(startPage) : toPage,
            vma.name(),
            vma.hasAnonymousPages()));
    int entries = 0;
    int end = Math.min(endPage, table.length);
    for (int page = startPage; page < end; page++) {
      int entry = table[page];
      if (entry != 0) {
        int to = toPage + page - startPage;
        growTable(to);
        table[page] = 0;
        table[to] = entry;
        entries++;
      }
    }
    vmas.remove(startPage, endPage);
    return new Moved(toPage, entries);
  }

  /** Where a mapping has gone to, and how many page table entries it had. */
  public record Moved(int startPage, int entries) {}

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

  /**
   * Sets where the search for room for mappings starts, and which way it goes.
   *
   * @param page top-down the one after the highest that may be used, bottom-up the lowest
   */
  public void setMmapBase(int page, MmapLayout layout) {
    mmapBasePage = page;
    mmapLayout = layout;
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
    child.mmapLayout = mmapLayout;
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
