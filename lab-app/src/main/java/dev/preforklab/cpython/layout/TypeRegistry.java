package dev.preforklab.cpython.layout;

import java.util.Arrays;

/**
 * Types by the address of their type object, with a direct-mapped cache in front: the collector
 * asks for the type of each object it meets.
 */
public final class TypeRegistry {
  public static final int CACHE_SIZE = 4096;
  public static final int CACHE_MASK = CACHE_SIZE - 1;

  /**
   * Type objects are at least so far apart, as a power of two, that the cache spreads them well.
   */
  public static final int CACHE_SHIFT = 4;

  private TypeSpec[] specs = new TypeSpec[64];
  private long[] addresses = new long[64];
  private int count;

  // open-addressed map from address to number + 1
  private int[] buckets = new int[256];

  private final long[] cacheKeys = new long[CACHE_SIZE];
  private final int[] cacheCodes = new int[CACHE_SIZE];

  public TypeRegistry() {
    Arrays.fill(cacheKeys, -1);
  }

  private TypeRegistry(TypeRegistry other) {
    specs = other.specs.clone();
    addresses = other.addresses.clone();
    count = other.count;
    buckets = other.buckets.clone();
    Arrays.fill(cacheKeys, -1);
  }

  /** A registry of a forked process: it starts equal and grows apart. */
  public TypeRegistry copy() {
    return new TypeRegistry(this);
  }

  /** Declares that a type object stands at an address; a second declaration replaces the first. */
  public void register(long address, TypeSpec spec) {
    int number = find(address);
    if (number >= 0) {
      specs[number] = spec;
      cacheKeys[slot(address)] = -1;
      return;
    }
    if (count > TypeSpec.CODE_NUMBER_MASK) {
      throw new IllegalStateException("more than " + count + " types");
    }
    if (count == specs.length) {
      specs = Arrays.copyOf(specs, 2 * count);
      addresses = Arrays.copyOf(addresses, 2 * count);
    }
    specs[count] = spec;
    addresses[count] = address;
    count++;
    if (2 * count > buckets.length) {
      buckets = new int[2 * buckets.length];
      for (int i = 0; i < count; i++) {
        enter(i);
      }
    } else {
      enter(count - 1);
    }
  }

  private void enter(int number) {
    int bucket = bucket(addresses[number]);
    while (buckets[bucket] != 0) {
      bucket = bucket + 1 & buckets.length - 1;
    }
    buckets[bucket] = number + 1;
  }

  private int find(long address) {
    int bucket = bucket(address);
    while (buckets[bucket] != 0) {
      int number = buckets[bucket] - 1;
      if (addresses[number] == address) {
        return number;
      }
      bucket = bucket + 1 & buckets.length - 1;
    }
    return -1;
  }

  private int bucket(long address) {
    return (int) ((address * 0x9E3779B97F4A7C15L) >>> 32) & buckets.length - 1;
  }

  private static int slot(long address) {
    return (int) (address >>> CACHE_SHIFT) & CACHE_MASK;
  }

  /**
   * The code of the type at an address: flags and number, see {@link TypeSpec}.
   *
   * @throws IllegalStateException if no type is registered there
   */
  public int code(long address) {
    int slot = slot(address);
    return cacheKeys[slot] == address ? cacheCodes[slot] : codeSlow(address, slot);
  }

  private int codeSlow(long address, int slot) {
    int number = find(address);
    if (number < 0) {
      throw new IllegalStateException("no type object at 0x" + Long.toHexString(address));
    }
    int code = specs[number].code() | number << TypeSpec.CODE_NUMBER_SHIFT;
    cacheKeys[slot] = address;
    cacheCodes[slot] = code;
    return code;
  }

  /** The type at an address. */
  public TypeSpec spec(long address) {
    return specOfCode(code(address));
  }

  /** The type with a code. */
  public TypeSpec specOfCode(int code) {
    return specs[code >>> TypeSpec.CODE_NUMBER_SHIFT & TypeSpec.CODE_NUMBER_MASK];
  }

  /** The cache's keys, for loops that look types up without a call; -1 = empty. */
  public long[] cacheKeys() {
    return cacheKeys;
  }

  /** The cache's codes by the same index. */
  public int[] cacheCodes() {
    return cacheCodes;
  }

  /** Number of types known. */
  public int count() {
    return count;
  }

  public long addressOf(int number) {
    return addresses[number];
  }

  public TypeSpec specOf(int number) {
    return specs[number];
  }
}
