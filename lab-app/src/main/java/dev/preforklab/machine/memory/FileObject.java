package dev.preforklab.machine.memory;

/**
 * A file as memory sees it: its name, its size and which of its pages are in the page cache. What a
 * page holds is not modelled: it reads as zeros.
 */
public final class FileObject {
  private final String name;
  private final int[] frames;
  private int cachedPages;

  public FileObject(String name, int pages) {
    this.name = name;
    this.frames = new int[pages];
  }

  public String name() {
    return name;
  }

  public int pages() {
    return frames.length;
  }

  /** Pages of this file in the page cache. */
  public int cachedPages() {
    return cachedPages;
  }

  /** The frame that caches a page, or {@link FrameAllocator#NONE}. */
  public int frame(int page) {
    return frames[page];
  }

  void put(int page, int frame) {
    frames[page] = frame;
    cachedPages++;
  }

  int drop(int page) {
    int frame = frames[page];
    frames[page] = FrameAllocator.NONE;
    cachedPages--;
    return frame;
  }

  @Override
  public String toString() {
    return name + " (" + cachedPages + " of " + frames.length + " pages cached)";
  }
}
