package dev.preforklab.report;

import java.math.BigDecimal;
import java.math.RoundingMode;

/** Rounding for machine-readable output. */
final class Rounded {
  private Rounded() {}

  /** A finite number without the noise of its last binary digits, never in exponent form. */
  static BigDecimal of(double value, int decimals) {
    BigDecimal rounded =
        BigDecimal.valueOf(value).setScale(decimals, RoundingMode.HALF_EVEN).stripTrailingZeros();
    return rounded.scale() < 0 ? rounded.setScale(0) : rounded;
  }
}
