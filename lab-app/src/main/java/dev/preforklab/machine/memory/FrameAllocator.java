package dev.preforklab.machine.memory;

import java.util.Arrays;

/**
 * Hands out frames, the lowest free one first: ascending frames keep a fork's pass over the frame
 * table sequential, and memory that was freed is taken again before the slab grows.
 *
 * <p>A bitmap of free frames below the high-water mark with a summary bit for each 64 of its words.
 * Above the mark all frames are free and have never been written.
 */
public final class FrameAllocator {
  /** No frame is left. */
  public static final int NONE = 0;

  private final int frames;
  private long[] free = new long[64];
  private long[] summary = new long[1];
  private int freeBelowMark;
  private int highWaterMark = FrameTable.FIRST_FRAME;

  public FrameAllocator(int frames) {
    this.frames = frames;
  }

  /** Frames of the machine, the two reserved ones included. */
  public int frames() {
    return frames;
  }

  public int freeFrames() {
    return freeBelowMark + frames - highWaterMark;
  }

  public int usedFrames() {
    return frames - freeFrames();
  }

  /** Every frame from this one on has never been handed out. */
  public int highWaterMark() {
    return highWaterMark;
  }

  /** Takes the lowest free frame, or {@link #NONE}. */
  int take() {
    if (freeBelowMark > 0) {
      int top = 0;
      while (summary[top] == 0) {
        top++;
      }
      int word = (top << 6) + Long.numberOfTrailingZeros(summary[top]);
      long bits = free[word];
      int frame = (word << 6) + Long.numberOfTrailingZeros(bits);
      bits &= bits - 1;
      free[word] = bits;
      if (bits == 0) {
        summary[top] &= ~(1L << word);
      }
      freeBelowMark--;
      return frame;
    }
    return highWaterMark < frames ? highWaterMark++ : NONE;
  }

  void give(int frame) {
    int word = frame >>> 6;
    if (word >= free.length) {
      free = Arrays.copyOf(free, Math.max(word + 1, free.length * 2));
      summary = Arrays.copyOf(summary, (free.length + 63) >>> 6);
    }
    if (isFree(frame)) {
      throw new IllegalStateException("frame " + frame + " freed twice");
    }
    free[word] |= 1L << frame;
    summary[word >>> 6] |= 1L << word;
    freeBelowMark++;
  }

  /** Whether a frame is free now. */
  public boolean isFree(int frame) {
    int word = frame >>> 6;
    return frame >= highWaterMark || (word < free.length && (free[word] >>> frame & 1) != 0);
  }
}
