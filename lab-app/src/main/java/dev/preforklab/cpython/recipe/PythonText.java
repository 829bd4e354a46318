package dev.preforklab.cpython.recipe;

import dev.preforklab.cpython.recipe.Recipe.Expression;
import java.math.BigDecimal;
import java.util.List;

/** How wide values are in Python source. */
final class PythonText {
  private static final int LEAST_PLAIN = -4;
  private static final int LEAST_SCIENTIFIC = 16;

  private PythonText() {}

  /** Of a finite float's repr(). */
  static int widthOf(double value) {
    int sign = Math.copySign(1, value) < 0 ? 1 : 0;
    if (value == 0) {
      return sign + 3;
    }
    BigDecimal digits = new BigDecimal(Double.toString(Math.abs(value))).stripTrailingZeros();
    int exponent = digits.precision() - digits.scale() - 1;
    if (exponent >= LEAST_PLAIN && exponent < LEAST_SCIENTIFIC) {
      String plain = digits.toPlainString();
      return sign + plain.length() + (plain.contains(".") ? 0 : 2);
    }
    int mantissa = digits.precision() == 1 ? 1 : digits.precision() + 1;
    return sign + mantissa + 2 + Math.max(2, Integer.toString(Math.abs(exponent)).length());
  }

  /** Of None or a list or tuple of such values. */
  static int widthOfConstant(Expression place) {
    if (place instanceof Recipe.NoneValue) {
      return 4;
    }
    List<Expression> items = FreeVariables.parts(place);
    int width = items.stream().mapToInt(item -> widthOfConstant(item) + 2).sum();
    boolean isSingle = place instanceof Recipe.TupleValue && items.size() == 1;
    return width + (items.isEmpty() || isSingle ? 2 : 0);
  }

  /** Of a str as json.dumps() writes it. */
  static int widthOf(String text) {
    int width = 2;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '"' || c == '\\' || (c >= '\b' && c <= '\r' && c != 0x0b)) {
        width += 2;
      } else {
        width += c < ' ' || c >= 0x80 ? 6 : 1;
      }
    }
    return width;
  }
}
