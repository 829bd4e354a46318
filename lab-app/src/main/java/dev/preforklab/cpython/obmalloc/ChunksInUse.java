package dev.preforklab.cpython.obmalloc;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.RuntimeState;
import java.util.HashSet;
import java.util.Set;
import java.util.function.LongConsumer;

/**
 * The blocks of the C library's heap that somebody has, found by walking its chunks: one that waits
 * in the thread cache or in a fast bin is in use for its neighbours, but nobody has it.
 */
public final class ChunksInUse {
  private final Host host;
  private final long runtime;
  private final Chunks chunks;

  public ChunksInUse(Interpreter interpreter) {
    host = interpreter.host;
    runtime = interpreter.runtime;
    chunks = new Chunks(host);
  }

  /**
   * Visits them by address, up to where somebody else has moved the data segment's end. The visitor
   * must change nothing of the allocator's.
   *
   * @param start the first chunk, that of the thread cache
   */
  public void forEach(long start, LongConsumer visit) {
    Set<Long> waiting = new HashSet<>();
    new ThreadCache(chunks, runtime).forEach(waiting::add);
    new FastBins(chunks, runtime, RawMalloc.FAST_BINS)
        .forEach(chunk -> waiting.add(chunk + Chunks.HEAD));
    long top = host.load(runtime + RuntimeState.MALLOC_TOP);
    long size;
    for (long chunk = start; chunk < top; chunk += size) {
      size = chunks.size(chunk);
      if (size < Chunks.MIN_BYTES) {
        return;
      }
      if (chunks.isInUse(chunk, size) && !waiting.contains(chunk + Chunks.HEAD)) {
        visit.accept(chunk + Chunks.HEAD);
      }
    }
  }
}
