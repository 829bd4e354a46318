package dev.preforklab.sim;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Simulated time: a {@code long} that counts nanoseconds since the start of a run. */
public final class SimTime {
  public static final long NANOSECONDS_IN_MICROSECOND = 1_000;
  public static final long NANOSECONDS_IN_MILLISECOND = 1_000_000;
  public static final long NANOSECONDS_IN_SECOND = 1_000_000_000;

  private static final Pattern DURATION = Pattern.compile("(\\d+(?:\\.\\d+)?)(ns|us|ms|s|m|h)?");

  private SimTime() {}

  /**
   * Reads a duration such as {@code 250us}, {@code 1.5s}, {@code 2m} or {@code 1h}; a number
   * without a unit counts seconds.
   *
   * @throws IllegalArgumentException if it is no duration, or more than 292 years
   */
  public static long parse(String text) {
    Matcher matcher = DURATION.matcher(text.trim().toLowerCase(Locale.ROOT));
    if (!matcher.matches()) {
      throw new IllegalArgumentException(
          "'" + text + "' is not a duration (examples: 250us, 1.5s, 2m, 1h)");
    }
    String unit = matcher.group(2) == null ? "s" : matcher.group(2);
    try {
      return new BigDecimal(matcher.group(1))
          .multiply(BigDecimal.valueOf(nanosecondsIn(unit)))
          .setScale(0, RoundingMode.HALF_EVEN)
          .longValueExact();
    } catch (ArithmeticException e) {
      throw new IllegalArgumentException("duration '" + text + "' is too long", e);
    }
  }

  private static long nanosecondsIn(String unit) {
    return switch (unit) {
      case "ns" -> 1L;
      case "us" -> NANOSECONDS_IN_MICROSECOND;
      case "ms" -> NANOSECONDS_IN_MILLISECOND;
      case "s" -> NANOSECONDS_IN_SECOND;
      case "m" -> 60 * NANOSECONDS_IN_SECOND;
      default -> 3600 * NANOSECONDS_IN_SECOND;
    };
  }

  /** Writes a duration with three decimals in the largest unit up to seconds that fits. */
  public static String format(long nanoseconds) {
    long magnitude = nanoseconds == Long.MIN_VALUE ? Long.MAX_VALUE : Math.abs(nanoseconds);
    if (magnitude < NANOSECONDS_IN_MICROSECOND) {
      return nanoseconds + "ns";
    }
    if (magnitude < NANOSECONDS_IN_MILLISECOND) {
      return String.format(Locale.ROOT, "%.3fus", nanoseconds / 1e3);
    }
    if (magnitude < NANOSECONDS_IN_SECOND) {
      return String.format(Locale.ROOT, "%.3fms", nanoseconds / 1e6);
    }
    return String.format(Locale.ROOT, "%.3fs", nanoseconds / 1e9);
  }

  public static double seconds(long nanoseconds) {
    return nanoseconds / 1e9;
  }

  public static double milliseconds(long nanoseconds) {
    return nanoseconds / 1e6;
  }
}
