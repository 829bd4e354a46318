package dev.preforklab.machine.memory;

import java.util.ArrayList;
import java.util.List;

/**
 * The pages of files that are in memory. A page stays until it is reclaimed: only when no frame is
 * free, and only if nothing maps it. Reclaim goes through files and pages in order; recency is not
 * modelled.
 */
public final class PageCache {
  /** The kernel's default read-ahead for a mapped file: 128 KiB around the missing page. */
  static final int READ_AROUND_PAGES = 32;

  private final PhysicalMemory memory;
  private final List<FileObject> files = new ArrayList<>();

  public PageCache(PhysicalMemory memory) {
    this.memory = memory;
  }

  /**
   * The file of that name, made on first use.
   *
   * @throws IllegalArgumentException if it is known with another size
   */
  public FileObject open(String name, int pages) {
    for (FileObject file : files) {
      if (file.name().equals(name)) {
        if (file.pages() != pages) {
          throw new IllegalArgumentException(
              "file " + name + " has " + file.pages() + " pages, not " + pages);
        }
        return file;
      }
    }
    FileObject file = new FileObject(name, pages);
    files.add(file);
    return file;
  }

  /** Frames the page cache holds, mapped or not. */
  public long cachedPages() {
    long pages = 0;
    for (FileObject file : files) {
      pages += file.cachedPages();
    }
    return pages;
  }

  /**
   * Reads one page in, if it is not there.
   *
   * @return its frame, or {@link FrameAllocator#NONE} if no frame is free
   */
  public int readPage(FileObject file, int page) {
    int frame = file.frame(page);
    if (frame == FrameAllocator.NONE) {
      frame = memory.allocateZeroed(true);
      if (frame != FrameAllocator.NONE) {
        file.put(page, frame);
      }
    }
    return frame;
  }

  /** Reads the neighbourhood of a page in, as far as frames are free: half before, half after. */
  public void readAround(FileObject file, int page) {
    int first = Math.max(0, page - READ_AROUND_PAGES / 2);
    int end = Math.min(file.pages(), first + READ_AROUND_PAGES);
    for (int p = first; p < end; p++) {
      if (readPage(file, p) == FrameAllocator.NONE) {
        return;
      }
    }
  }

  /** Gives back up to so many pages that nothing maps; returns how many. */
  public int reclaim(int wanted) {
    int reclaimed = 0;
    for (FileObject file : files) {
      for (int p = 0; p < file.pages() && file.cachedPages() > 0; p++) {
        int frame = file.frame(p);
        if (frame != FrameAllocator.NONE && memory.table().mapCount(frame) == 0) {
          memory.free(file.drop(p));
          if (++reclaimed == wanted) {
            return reclaimed;
          }
        }
      }
    }
    return reclaimed;
  }
}
