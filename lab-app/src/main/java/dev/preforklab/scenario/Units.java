package dev.preforklab.scenario;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Reads sizes and durations as people write them. */
final class Units {
  private static final Map<String, Long> BYTES = new LinkedHashMap<>();
  private static final Map<String, Long> NANOSECONDS = new LinkedHashMap<>();

  static {
    BYTES.put("KiB", 1L << 10);
    BYTES.put("MiB", 1L << 20);
    BYTES.put("GiB", 1L << 30);
    BYTES.put("kB", 1_000L);
    BYTES.put("MB", 1_000_000L);
    BYTES.put("GB", 1_000_000_000L);
    BYTES.put("K", 1L << 10);
    BYTES.put("M", 1L << 20);
    BYTES.put("G", 1L << 30);
    BYTES.put("B", 1L);
    NANOSECONDS.put("ns", 1L);
    NANOSECONDS.put("us", 1_000L);
    NANOSECONDS.put("ms", 1_000_000L);
    NANOSECONDS.put("min", 60_000_000_000L);
    NANOSECONDS.put("m", 60_000_000_000L);
    NANOSECONDS.put("h", 3_600_000_000_000L);
    NANOSECONDS.put("s", 1_000_000_000L);
  }

  private Units() {}

  /** Bytes, a plain number or with a unit; null if it cannot be read. */
  static @Nullable Long bytes(String text) {
    return scaled(text, BYTES, 1L);
  }

  /** Nanoseconds; a plain number counts seconds; null if it cannot be read. */
  static @Nullable Long nanoseconds(String text) {
    return scaled(text, NANOSECONDS, 1_000_000_000L);
  }

  /** A decimal number; null if it is none, or written with more than a line's worth of digits. */
  static @Nullable BigDecimal number(String text) {
    // An exponent of a billion would need a billion digits once it is written out.
    if (!text.matches("[+-]?\\d{0,20}(\\.\\d{1,20})?([eE][+-]?\\d{1,3})?") || text.isEmpty()) {
      return null;
    }
    try {
      return new BigDecimal(text);
    } catch (NumberFormatException e) {
      return null;
    }
  }

  private static @Nullable Long scaled(String text, Map<String, Long> units, long plain) {
    String number = text.strip();
    long factor = plain;
    for (Map.Entry<String, Long> unit : units.entrySet()) {
      if (number.length() > unit.getKey().length() && number.endsWith(unit.getKey())) {
        number = number.substring(0, number.length() - unit.getKey().length()).strip();
        factor = unit.getValue();
        break;
      }
    }
    BigDecimal value = number(number);
    if (value == null) {
      return null;
    }
    BigDecimal scaled =
        value.multiply(BigDecimal.valueOf(factor)).setScale(0, RoundingMode.HALF_UP);
    if (scaled.abs().compareTo(BigDecimal.valueOf(Long.MAX_VALUE)) > 0) {
      return null;
    }
    return scaled.longValue();
  }
}
