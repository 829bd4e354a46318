package dev.preforklab.machine.memory;

import java.util.Arrays;

/**
 * The state of each frame by its number, in flat arrays that grow with use: how many page table
 * entries map it, and whether it holds anonymous memory or a page of the page cache. The only owner
 * of that state.
 */
public final class FrameTable {
  /** Never handed out, so that a page table entry of 0 can mean "not present". */
  public static final int RESERVED_FRAME = 0;

  /** Holds zeros; mapped write-protected where anonymous memory is read before it is written. */
  public static final int ZERO_FRAME = 1;

  public static final int FIRST_FRAME = 2;

  private int[] mapCounts = new int[1024];
  private boolean[] file = new boolean[1024];
  private long anonymousMapped;
  private long fileMapped;

  /** Map counts by frame; re-read after any call that may hand out a frame. */
  public int[] mapCounts() {
    return mapCounts;
  }

  public int mapCount(int frame) {
    return mapCounts[frame];
  }

  /** Whether the frame belongs to the page cache; else it is anonymous. */
  public boolean isFile(int frame) {
    return file[frame];
  }

  /** Anonymous frames that are mapped at least once. */
  public long anonymousMapped() {
    return anonymousMapped;
  }

  /** Page cache frames that are mapped at least once. */
  public long fileMapped() {
    return fileMapped;
  }

  void handedOut(int frame, boolean isFile) {
    if (frame >= mapCounts.length) {
      int length = Math.max(frame + 1, mapCounts.length * 2);
      mapCounts = Arrays.copyOf(mapCounts, length);
      file = Arrays.copyOf(file, length);
    }
    mapCounts[frame] = 0;
    file[frame] = isFile;
  }

  /** A page table entry more maps the frame. */
  public void map(int frame) {
    if (mapCounts[frame]++ == 0) {
      if (file[frame]) {
        fileMapped++;
      } else {
        anonymousMapped++;
      }
    }
  }

  /**
   * A page table entry less maps the frame.
   *
   * @return true if it was the last one
   */
  public boolean unmap(int frame) {
    int count = --mapCounts[frame];
    if (count > 0) {
      return false;
    }
    if (count < 0) {
      throw new IllegalStateException("frame " + frame + " unmapped more often than mapped");
    }
    if (file[frame]) {
      fileMapped--;
    } else {
      anonymousMapped--;
    }
    return true;
  }
}
