package dev.preforklab.cpython.obmalloc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.RuntimeState;
import java.util.HashSet;
import java.util.Set;

/** What holds of every pool as long as nobody frees a block that is free already. */
public final class PoolInvariants {
  private PoolInvariants() {}

  /** Checks the free chain of each pool that a size class uses. */
  public static void check(Interpreter interpreter) {
    Host host = interpreter.host;
    int poolBytes = interpreter.version.poolBytes;
    long array = host.load(interpreter.runtime + RuntimeState.ARENAS);
    long count = host.load(interpreter.runtime + RuntimeState.MAX_ARENAS);
    for (long arena = array;
        arena < array + count * ArenaObject.BYTES;
        arena += ArenaObject.BYTES) {
      long address = host.load(arena + ArenaObject.ADDRESS);
      long first = (address + poolBytes - 1) & -(long) poolBytes;
      long end = address == 0 ? 0 : host.load(arena + ArenaObject.POOL_ADDRESS);
      for (long pool = first; pool < end; pool += poolBytes) {
        if (PoolHeader.low(host.load(pool + PoolHeader.REF_COUNT)) != 0) {
          checkPool(interpreter, pool);
        }
      }
    }
  }

  private static void checkPool(Interpreter interpreter, long pool) {
    Host host = interpreter.host;
    String name = "pool 0x" + Long.toHexString(pool);
    long offsets = host.load(pool + PoolHeader.OFFSETS);
    int bytes =
        SizeClass.bytesOf(
            PoolHeader.high(host.load(pool + PoolHeader.ARENA_AND_SIZE)),
            interpreter.version.alignment);
    int end = Math.min(PoolHeader.low(offsets), PoolHeader.high(offsets) + bytes);
    Set<Long> free = new HashSet<>();
    long block = host.load(pool + PoolHeader.FREE_BLOCK);
    while (block != 0) {
      assertThat(free.add(block)).as(name + ": free once").isTrue();
      long offset = block - pool - PoolHeader.BYTES;
      assertThat(offset % bytes).as(name + ": a block's address").isZero();
      assertThat(offset).as(name + ": used before").isBetween(0L, (long) end - 1);
      block = host.load(block);
    }
    assertThat(PoolHeader.low(host.load(pool + PoolHeader.REF_COUNT)) + free.size())
        .as(name + ": blocks in use and free")
        .isEqualTo((end - PoolHeader.BYTES) / bytes);
  }
}
