package dev.preforklab.machine.memory;

import static dev.preforklab.machine.memory.MachineConstants.FRAMES_IN_CHUNK;
import static dev.preforklab.machine.memory.MachineConstants.LOG_FRAMES_IN_CHUNK;
import static dev.preforklab.machine.memory.MachineConstants.LOG_WORDS_IN_PAGE;
import static dev.preforklab.machine.memory.MachineConstants.WORDS_IN_CHUNK;
import static dev.preforklab.machine.memory.MachineConstants.WORDS_IN_PAGE;

import java.util.Arrays;

/**
 * The host's memory: frames and what they hold. Words lie in chunks of 16 MiB that come into being
 * when their first frame is handed out, so that the Java heap follows use and not the size of the
 * simulated machine; one large array would be resident at once.
 */
public final class PhysicalMemory {
  private static final long[] NO_CHUNK = new long[0];

  private final FrameTable table = new FrameTable();
  private final FrameAllocator allocator;
  private final long[][] chunks;
  private long framesHandedOut;
  private long framesFreed;

  public PhysicalMemory(int frames) {
    allocator = new FrameAllocator(frames);
    chunks = new long[(frames + FRAMES_IN_CHUNK - 1) >>> LOG_FRAMES_IN_CHUNK][];
    Arrays.fill(chunks, NO_CHUNK);
    chunks[0] = new long[WORDS_IN_CHUNK];
    table.handedOut(FrameTable.ZERO_FRAME, false);
  }

  public FrameTable table() {
    return table;
  }

  public FrameAllocator allocator() {
    return allocator;
  }

  /** The words by chunk. The outer array is never replaced; its elements are filled in by use. */
  public long[][] chunks() {
    return chunks;
  }

  /** Frames handed out since the start. */
  public long framesHandedOut() {
    return framesHandedOut;
  }

  /** Frames given back since the start. */
  public long framesFreed() {
    return framesFreed;
  }

  /** Hands out a frame full of zeros, not mapped yet, or {@link FrameAllocator#NONE}. */
  public int allocateZeroed(boolean file) {
    boolean fresh = allocator.highWaterMark() < allocator.frames();
    int mark = allocator.highWaterMark();
    int frame = allocateForCopy(file);
    if (frame != FrameAllocator.NONE && !(fresh && frame == mark)) {
      int word = wordInChunk(frame);
      Arrays.fill(chunks[frame >>> LOG_FRAMES_IN_CHUNK], word, word + WORDS_IN_PAGE, 0L);
    }
    return frame;
  }

  /** Hands out a frame with arbitrary contents, or {@link FrameAllocator#NONE}. */
  public int allocateForCopy(boolean file) {
    int frame = allocator.take();
    if (frame != FrameAllocator.NONE) {
      int chunk = frame >>> LOG_FRAMES_IN_CHUNK;
      if (chunks[chunk].length == 0) {
        chunks[chunk] = new long[WORDS_IN_CHUNK];
      }
      table.handedOut(frame, file);
      framesHandedOut++;
    }
    return frame;
  }

  /** Copies a frame's words. */
  public void copy(int from, int to) {
    System.arraycopy(
        chunks[from >>> LOG_FRAMES_IN_CHUNK],
        wordInChunk(from),
        chunks[to >>> LOG_FRAMES_IN_CHUNK],
        wordInChunk(to),
        WORDS_IN_PAGE);
  }

  /** Gives back a frame that nothing maps. */
  public void free(int frame) {
    if (table.mapCount(frame) != 0) {
      throw new IllegalStateException("frame " + frame + " freed while it is mapped");
    }
    allocator.give(frame);
    framesFreed++;
  }

  private static int wordInChunk(int frame) {
    return (frame & (FRAMES_IN_CHUNK - 1)) << LOG_WORDS_IN_PAGE;
  }
}
