package dev.preforklab.machine.process;

import dev.preforklab.machine.memory.FileObject;
import dev.preforklab.machine.memory.MachineConstants;
import org.jspecify.annotations.Nullable;

/**
 * A virtual memory area: a run of pages with one backing, private to its process. Anonymous memory
 * is writable; a file's pages are mapped writably (a library's data, copied on the first store) or
 * for reading only.
 */
public final class Vma {
  private static final int STACK_GUARD_PAGES = 256;

  private int startPage;
  private int endPage;
  private final boolean writable;
  private final @Nullable FileObject file;

  /**
   * The page of the file that the first page shows. For anonymous memory, as the kernel's {@code
   * vm_pgoff}, the number of the page where it was mapped first: mremap may have moved it since.
   */
  private final int filePage;

  private final String name;

  /**
   * Whether a page of its own was ever put here, the kernel's {@code vma->anon_vma}. Fork copies
   * the page table of such areas only; what a file backs can be faulted in again.
   */
  private boolean hasAnonymousPages;

  Vma(
      int startPage,
      int endPage,
      boolean writable,
      @Nullable FileObject file,
      int filePage,
      String name,
      boolean hasAnonymousPages) {
    this.startPage = startPage;
    this.endPage = endPage;
    this.writable = writable;
    this.file = file;
    this.filePage = filePage;
    this.name = name;
    this.hasAnonymousPages = hasAnonymousPages;
  }

  Vma(Vma other) {
    this(
        other.startPage,
        other.endPage,
        other.writable,
        other.file,
        other.filePage,
        other.name,
        other.hasAnonymousPages);
  }

  /** First page number. */
  public int startPage() {
    return startPage;
  }

  /** Page number after the last one. */
  public int endPage() {
    return endPage;
  }

  public int pages() {
    return endPage - startPage;
  }

  public long startAddress() {
    return (long) startPage << MachineConstants.LOG_BYTES_IN_PAGE;
  }

  public long endAddress() {
    return (long) endPage << MachineConstants.LOG_BYTES_IN_PAGE;
  }

  public boolean writable() {
    return writable;
  }

  /** What backs it, or null for anonymous memory. */
  public @Nullable FileObject file() {
    return file;
  }

  /** The page of the file that a page of this area shows; see the field for anonymous memory. */
  public int filePage(int page) {
    return filePage + page - startPage;
  }

  /** The file's name, a name like {@code [heap]}, or nothing. */
  public String name() {
    return name;
  }

  public boolean hasAnonymousPages() {
    return hasAnonymousPages;
  }

  /** Notes that a page of its own was put here. */
  public void setHasAnonymousPages() {
    hasAnonymousPages = true;
  }

  /**
   * First page that no other mapping may be put to. Below a stack, which grows downwards, the
   * kernel keeps {@code stack_guard_gap} free, 256 pages.
   */
  int guardedStartPage() {
    return name.equals("[stack]") ? startPage - STACK_GUARD_PAGES : startPage;
  }

  void setEndPage(int page) {
    endPage = page;
  }

  /** The part from a page on, as an area of its own. */
  Vma tail(int page) {
    return new Vma(page, endPage, writable, file, filePage(page), name, hasAnonymousPages);
  }

  /**
   * Whether the next area can become part of this one, as the kernel merges anonymous areas: not if
   * mremap has moved one of them. (The kernel also leaves areas apart that a child has inherited
   * and what the child maps beside them. Nothing here depends on where such areas end.)
   */
  boolean canAbsorb(Vma next) {
    return endPage == next.startPage
        && file == null
        && next.file == null
        && filePage(endPage) == next.filePage
        && name.equals(next.name);
  }

  void absorb(Vma next) {
    endPage = next.endPage;
    hasAnonymousPages |= next.hasAnonymousPages;
  }
}
