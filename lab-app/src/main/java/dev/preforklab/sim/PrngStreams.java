package dev.preforklab.sim;

import java.util.HashMap;
import java.util.Map;

/**
 * One generator a concern, by name, all from one seed: a draw more in one stream shifts no other. A
 * stream's seed is the FNV-1a hash of its name, mixed with the run's seed by SplitMix64.
 */
public final class PrngStreams {
  private final long seed;
  private final Map<String, Prng> streams = new HashMap<>();

  public PrngStreams(long seed) {
    this.seed = seed;
  }

  public long seed() {
    return seed;
  }

  /** The stream of that name; asking again gives the same one, at the place it has come to. */
  public Prng stream(String name) {
    return streams.computeIfAbsent(name, n -> new Prng(Prng.splitMix64(seed) ^ fnv1a(n)));
  }

  private static long fnv1a(String name) {
    long hash = 0xCBF29CE484222325L;
    for (int i = 0; i < name.length(); i++) {
      hash = (hash ^ name.charAt(i)) * 0x100000001B3L;
    }
    return hash;
  }
}
