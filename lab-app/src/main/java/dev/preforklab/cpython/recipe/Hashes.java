package dev.preforklab.cpython.recipe;

import dev.preforklab.cpython.PythonVersion;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * {@code hash(value)} as each release computes it with PYTHONHASHSEED=0: it decides where sets, and
 * 2.7's dicts, put their entries. Sources: {@code Python/pyhash.c}, {@code Objects/tupleobject.c};
 * for 2.7 the {@code *object.c} of each type.
 *
 * <p>A value is a {@link BigInteger}, Double, String, {@link Bytes}, {@link Identity}, {@link
 * #NONE} or a list of values, which stands for a tuple. Equal values are equal in Python, too, if
 * numbers have gone through {@link #number}.
 */
final class Hashes {
  /** So many zero bytes; in 2.7, where bytes are str, a String instead. */
  record Bytes(int length) {}

  /** An object that is equal to itself alone. */
  record Identity(long address) {}

  static final Object NONE = new Object();

  private static final int MODULUS_BITS = 61;
  private static final long MODULUS = (1L << MODULUS_BITS) - 1;
  private static final long NONE_FROM_3_12 = 0xFCA86420L;
  private static final long XX_PRIME_1 = 0x9E3779B185EBCA87L;
  private static final long XX_PRIME_2 = 0xC2B2AE3D27D4EB4FL;
  private static final long XX_PRIME_5 = 0x27D4EB2F165667C5L;
  private static final int DIGIT_BITS = 30;

  private final PythonVersion version;
  private final boolean isOld;
  private final long noneAddress;

  /**
   * @param noneAddress before 3.12 None's hash follows from its address. Of that only the place
   *     within the page is the same in each process; it decides in tables of up to 256 slots.
   */
  Hashes(PythonVersion version, long noneAddress) {
    this.version = version;
    isOld = version.major == 2;
    this.noneAddress = noneAddress;
  }

  /** A float's value, which is an int's if it has no fraction. */
  static Object number(double value) {
    return value == Math.rint(value) ? new BigDecimal(value).toBigInteger() : (Object) value;
  }

  /** hash(value); -1 means an error in C and never occurs. */
  long hash(Object value) {
    long hash = rawHash(value);
    return hash == -1 ? -2 : hash;
  }

  private long rawHash(Object value) {
    if (value instanceof BigInteger number) {
      return isOld ? oldInt(number) : modulo(number);
    }
    if (value instanceof Double number) {
      return isOld ? oldFloat(number) : fraction(number);
    }
    if (value instanceof String text) {
      byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
      return isOld ? oldText(bytes) : sipHash(bytes);
    }
    if (value instanceof Bytes bytes) {
      return sipHash(new byte[bytes.length()]);
    }
    if (value instanceof Identity object) {
      return Long.rotateRight(object.address(), 4);
    }
    if (value instanceof List<?> tuple) {
      return version.atLeast(3, 8) ? tuple(tuple) : oldTuple(tuple);
    }
    return version.atLeast(3, 12) ? NONE_FROM_3_12 : Long.rotateRight(noneAddress, 4);
  }

  // Numbers: from 3.2 on reduced modulo a Mersenne prime

  private static long modulo(BigInteger number) {
    long rest = number.abs().mod(BigInteger.valueOf(MODULUS)).longValue();
    return number.signum() < 0 ? -rest : rest;
  }

  /** A finite float with a fraction: mantissa times a power of two, modulo the prime. */
  private static long fraction(double number) {
    int exponent = Math.getExponent(number);
    long bits = Double.doubleToLongBits(number) & (1L << 52) - 1;
    long mantissa = exponent < Double.MIN_EXPONENT ? bits : bits | 1L << 52;
    int shift = Math.max(exponent, Double.MIN_EXPONENT) - 52;
    int turn = Math.floorMod(shift, MODULUS_BITS);
    long hash = (mantissa << turn & MODULUS) | mantissa >>> (MODULUS_BITS - turn);
    return number < 0 ? -hash : hash;
  }

  private static long oldInt(BigInteger number) {
    if (number.bitLength() <= 63) {
      return number.longValue();
    }
    BigInteger rest = number.abs();
    long hash = 0;
    for (int i = (rest.bitLength() - 1) / DIGIT_BITS; i >= 0; i--) {
      long digit = rest.shiftRight(i * DIGIT_BITS).longValue() & (1L << DIGIT_BITS) - 1;
      hash = Long.rotateLeft(hash, DIGIT_BITS) + digit;
      if (Long.compareUnsigned(hash, digit) < 0) {
        hash++;
      }
    }
    return number.signum() < 0 ? -hash : hash;
  }

  /** A float with a fraction: 31 bits of the mantissa, the next 31, the exponent. */
  private static long oldFloat(double number) {
    boolean isSubnormal = Math.abs(number) < Double.MIN_NORMAL;
    double normal = isSubnormal ? number * 0x1p64 : number;
    double mantissa = Math.scalb(normal, -Math.getExponent(normal) - 1) * 0x1p31;
    int exponent = Math.getExponent(normal) + 1 - (isSubnormal ? 64 : 0);
    long high = (long) mantissa;
    return high + (long) ((mantissa - high) * 0x1p31) + ((long) exponent << 15);
  }

  // Texts

  private static long oldText(byte[] text) {
    if (text.length == 0) {
      return 0;
    }
    long hash = (text[0] & 0xffL) << 7;
    for (byte c : text) {
      hash = 1000003 * hash ^ (c & 0xff);
    }
    return hash ^ text.length;
  }

  /** SipHash with key 0: 2 and 4 rounds, from 3.11 on 1 and 3. */
  private long sipHash(byte[] text) {
    if (text.length == 0) {
      return 0;
    }
    SipHash sip = new SipHash();
    int rounds = version.atLeast(3, 11) ? 1 : 2;
    int whole = text.length & ~7;
    for (int i = 0; i < whole; i += 8) {
      sip.mix(word(text, i, 8), rounds);
    }
    sip.mix(word(text, whole, text.length - whole) | (long) text.length << 56, rounds);
    return sip.finish(rounds == 1 ? 3 : 4);
  }

  private static long word(byte[] text, int from, int length) {
    long word = 0;
    for (int i = 0; i < length; i++) {
      word |= (text[from + i] & 0xffL) << (8 * i);
    }
    return word;
  }

  /** Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012. */
  private static final class SipHash {
    private long v0 = 0x736f6d6570736575L;
    private long v1 = 0x646f72616e646f6dL;
    private long v2 = 0x6c7967656e657261L;
    private long v3 = 0x7465646279746573L;

    void mix(long word, int rounds) {
      v3 ^= word;
      rounds(rounds);
      v0 ^= word;
    }

    long finish(int rounds) {
      v2 ^= 0xff;
      rounds(rounds);
      return v0 ^ v1 ^ v2 ^ v3;
    }

    private void rounds(int n) {
      for (int i = 0; i < n; i++) {
        v0 += v1;
        v2 += v3;
        v1 = Long.rotateLeft(v1, 13) ^ v0;
        v3 = Long.rotateLeft(v3, 16) ^ v2;
        v0 = Long.rotateLeft(v0, 32);
        v2 += v1;
        v0 += v3;
        v1 = Long.rotateLeft(v1, 17) ^ v2;
        v3 = Long.rotateLeft(v3, 21) ^ v0;
        v2 = Long.rotateLeft(v2, 32);
      }
    }
  }

  // Tuples

  private long tuple(List<?> items) {
    long hash = XX_PRIME_5;
    for (Object item : items) {
      hash = Long.rotateLeft(hash + hash(item) * XX_PRIME_2, 31) * XX_PRIME_1;
    }
    hash += items.size() ^ XX_PRIME_5 ^ 3527539L;
    return hash == -1 ? 1546275796L : hash;
  }

  private long oldTuple(List<?> items) {
    long hash = 0x345678L;
    long factor = 1000003;
    int left = items.size();
    for (Object item : items) {
      left--;
      hash = (hash ^ hash(item)) * factor;
      factor += 82520 + 2L * left;
    }
    return hash + 97531;
  }
}
