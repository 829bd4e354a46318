package dev.preforklab.cpython.obmalloc;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.RuntimeState;

/** Field offsets of {@code struct arena_object}. */
public final class ArenaObject {
  private ArenaObject() {}

  /** Where the arena is mapped; 0 for an unused arena object. */
  public static final int ADDRESS = 0;

  /** The next pool to carve off. */
  public static final int POOL_ADDRESS = 8;

  /** Free pools, freed or never carved (low half); all pools of the arena (high half). */
  public static final int POOLS = 16;

  /** Singly linked list of freed pools. */
  public static final int FREE_POOLS = 24;

  public static final int NEXT_ARENA = 32;
  public static final int PREV_ARENA = 40;
  public static final int BYTES = 48;

  /**
   * Takes an array into use, of whose objects those from {@code first} on are new: unused ones,
   * each of which leads to the next.
   *
   * @param runtime address of the allocator's variables
   * @param end number of objects
   */
  static void extend(Host host, long runtime, long array, long first, long end, int cause) {
    host.store(runtime + RuntimeState.ARENAS, array, cause);
    for (long i = first; i < end; i++) {
      long object = array + i * BYTES;
      host.store(object + ADDRESS, 0, cause);
      host.store(object + NEXT_ARENA, i < end - 1 ? object + BYTES : 0, cause);
    }
    host.store(runtime + RuntimeState.UNUSED_ARENA_OBJECTS, array + first * BYTES, cause);
    host.store(runtime + RuntimeState.MAX_ARENAS, end, cause);
  }
}
