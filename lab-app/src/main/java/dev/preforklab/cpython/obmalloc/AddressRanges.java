package dev.preforklab.cpython.obmalloc;

import static dev.preforklab.cpython.obmalloc.PoolHeader.high;
import static dev.preforklab.cpython.obmalloc.PoolHeader.low;
import static dev.preforklab.cpython.obmalloc.PoolHeader.pair;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.RuntimeState;

/**
 * Which addresses arenas take up ({@code address_in_range}): to 3.9 a pool's header names its arena
 * object, which confirms it or not; from 3.10 on a map has it.
 */
final class AddressRanges {
  private static final int LOG_BYTES_IN_ENTRY = 20;
  private static final int TAIL_MASK = (1 << LOG_BYTES_IN_ENTRY) - 1;
  private static final int BEGINS = 2 << LOG_BYTES_IN_ENTRY;

  private final Host host;
  private final long runtime;
  private final long poolMask;
  private final int arenaBytes;
  private final boolean hasArenaMap;

  AddressRanges(Host host, long runtime, PythonVersion version) {
    this.host = host;
    this.runtime = runtime;
    poolMask = -(long) version.poolBytes;
    arenaBytes = version.arenaBytes;
    hasArenaMap = version.hasArenaMap;
  }

  /** Whether an address lies in one of the arenas. */
  boolean contain(long address) {
    if (hasArenaMap) {
      long map = host.load(runtime + RuntimeState.ARENA_MAP);
      long word = host.load(map + (address >>> LOG_BYTES_IN_ENTRY << 3));
      int tail = (int) address & TAIL_MASK;
      return tail < low(word) || (high(word) != 0 && tail >= (high(word) & BEGINS - 1));
    }
    long pool = address & poolMask;
    int index = low(host.load(pool + PoolHeader.ARENA_AND_SIZE));
    if (index < 0 || index >= host.load(runtime + RuntimeState.MAX_ARENAS)) {
      return false;
    }
    long arena =
        host.load(
            host.load(runtime + RuntimeState.ARENAS)
                + (long) index * ArenaObject.BYTES
                + ArenaObject.ADDRESS);
    return arena != 0 && address - arena >= 0 && address - arena < arenaBytes;
  }

  /**
   * Enters an arena into the map, or takes it out. An entry covers 1 MiB: low half, how many of its
   * bytes the arena that began below reaches into; high half, where the arena begins that starts in
   * it (plus 2^21, so that an entry in use is not zero).
   *
   * @param cause of the stores
   */
  void mark(long address, boolean used, int cause) {
    if (!hasArenaMap) {
      return;
    }
    long entry =
        host.load(runtime + RuntimeState.ARENA_MAP) + (address >>> LOG_BYTES_IN_ENTRY << 3);
    int tail = (int) address & TAIL_MASK;
    host.store(entry, pair(low(host.load(entry)), used ? tail | BEGINS : 0), cause);
    if (tail != 0) {
      host.store(entry + 8, pair(used ? tail : 0, high(host.load(entry + 8))), cause);
    }
  }
}
