package dev.preforklab.sim;

/**
 * A seeded generator: xoshiro256** 1.0 of D. Blackman and S. Vigna, its state filled by SplitMix64.
 * The same seed gives the same numbers on every JVM; logarithms are taken by {@link StrictMath}.
 */
public final class Prng {
  private static final long GOLDEN_GAMMA = 0x9E3779B97F4A7C15L;

  private long s0;
  private long s1;
  private long s2;
  private long s3;

  public Prng(long seed) {
    long state = seed;
    s0 = splitMix64(state += GOLDEN_GAMMA);
    s1 = splitMix64(state += GOLDEN_GAMMA);
    s2 = splitMix64(state += GOLDEN_GAMMA);
    s3 = splitMix64(state += GOLDEN_GAMMA);
  }

  /** A generator in a given state, which must not be all zeros. */
  Prng(long s0, long s1, long s2, long s3) {
    this.s0 = s0;
    this.s1 = s1;
    this.s2 = s2;
    this.s3 = s3;
  }

  /** The output function of SplitMix64: a bijection on 64 bits that mixes every bit into all. */
  static long splitMix64(long state) {
    long z = (state ^ (state >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }

  /** 64 uniform bits. */
  public long nextLong() {
    long result = Long.rotateLeft(s1 * 5, 7) * 9;
    long t = s1 << 17;
    s2 ^= s0;
    s3 ^= s1;
    s1 ^= s2;
    s0 ^= s3;
    s2 ^= t;
    s3 = Long.rotateLeft(s3, 45);
    return result;
  }

  /** Uniform in 0..bound-1, without bias (rejection). */
  public int nextInt(int bound) {
    if (bound <= 0) {
      throw new IllegalArgumentException("bound must be positive, not " + bound);
    }
    long limit = (1L << 32) - (1L << 32) % bound;
    long x;
    do {
      x = nextLong() >>> 32;
    } while (x >= limit);
    return (int) (x % bound);
  }

  /** Uniform in [0, 1), 53 bits. */
  public double nextDouble() {
    return (nextLong() >>> 11) * 0x1.0p-53;
  }

  public boolean nextBoolean() {
    return nextLong() < 0;
  }

  /** Exponentially distributed, as the gaps of a Poisson process are. */
  public double nextExponential(double mean) {
    return -mean * StrictMath.log(1.0 - nextDouble());
  }
}
