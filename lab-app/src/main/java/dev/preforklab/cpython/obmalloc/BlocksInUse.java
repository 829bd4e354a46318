package dev.preforklab.cpython.obmalloc;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.RuntimeState;
import java.util.HashSet;
import java.util.Set;
import java.util.function.LongConsumer;

/**
 * The blocks of pymalloc's pools that somebody has, found by walking the arenas and their pools.
 */
public final class BlocksInUse {
  private final Host host;
  private final long runtime;
  private final int alignment;
  private final int poolBytes;

  public BlocksInUse(Interpreter interpreter) {
    host = interpreter.host;
    runtime = interpreter.runtime;
    alignment = interpreter.version.alignment;
    poolBytes = interpreter.version.poolBytes;
  }

  /** Visits them by arena and address. The visitor must change nothing of the allocator's. */
  public void forEach(LongConsumer visit) {
    long array = host.load(runtime + RuntimeState.ARENAS);
    long count = host.load(runtime + RuntimeState.MAX_ARENAS);
    for (long i = 0; i < count; i++) {
      long arena = array + i * ArenaObject.BYTES;
      long address = host.load(arena + ArenaObject.ADDRESS);
      if (address != 0) {
        long end = host.load(arena + ArenaObject.POOL_ADDRESS);
        long first = (address + poolBytes - 1) & -(long) poolBytes;
        for (long pool = first; pool < end; pool += poolBytes) {
          if (PoolHeader.low(host.load(pool + PoolHeader.REF_COUNT)) > 0) {
            forEachIn(pool, visit);
          }
        }
      }
    }
  }

  private void forEachIn(long pool, LongConsumer visit) {
    Set<Long> free = new HashSet<>();
    for (long block = host.load(pool + PoolHeader.FREE_BLOCK);
        block != 0;
        block = host.load(block)) {
      if (!free.add(block)) {
        throw new IllegalStateException("freed twice: 0x" + Long.toHexString(block));
      }
    }
    int bytes =
        SizeClass.bytesOf(PoolHeader.high(host.load(pool + PoolHeader.ARENA_AND_SIZE)), alignment);
    long offsets = host.load(pool + PoolHeader.OFFSETS);
    int end = Math.min(PoolHeader.low(offsets), PoolHeader.high(offsets) + 1);
    for (int offset = PoolHeader.BYTES; offset < end; offset += bytes) {
      if (!free.contains(pool + offset)) {
        visit.accept(pool + offset);
      }
    }
  }
}
