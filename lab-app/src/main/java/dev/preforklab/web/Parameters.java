package dev.preforklab.web;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The parameters of a query string, each read by name, each error naming the parameter. */
final class Parameters {
  private static final int MAX_QUOTED_CHARS = 40;

  private final Map<String, String> values;

  private Parameters(Map<String, String> values) {
    this.values = values;
  }

  /**
   * Reads a query string that may hold only the given names, each at most once.
   *
   * @param rawQuery still percent-encoded, or null
   */
  static Parameters parse(@Nullable String rawQuery, Set<String> allowed)
      throws BadParameterException {
    Map<String, String> values = new LinkedHashMap<>();
    if (rawQuery != null && !rawQuery.isEmpty()) {
      for (String pair : rawQuery.split("&", -1)) {
        int equals = pair.indexOf('=');
        String name = decode(equals < 0 ? pair : pair.substring(0, equals));
        String value = equals < 0 ? "" : decode(pair.substring(equals + 1));
        if (!allowed.contains(name)) {
          throw new BadParameterException(
              quote(name), "unknown parameter; known: " + String.join(", ", allowed));
        }
        if (values.put(name, value) != null) {
          throw new BadParameterException(name, "given twice");
        }
      }
    }
    return new Parameters(values);
  }

  String text(String name) throws BadParameterException {
    String value = values.get(name);
    if (value == null || value.isBlank()) {
      throw new BadParameterException(name, "missing");
    }
    return value;
  }

  String oneOf(String name, String first, String second) throws BadParameterException {
    String value = text(name);
    if (!value.equals(first) && !value.equals(second)) {
      throw new BadParameterException(
          name, quote(value) + " is neither " + first + " nor " + second);
    }
    return value;
  }

  /** A finite decimal number from min to max. */
  double number(String name, double min, double max) throws BadParameterException {
    String value = text(name);
    double number;
    try {
      number = Double.parseDouble(value);
    } catch (NumberFormatException e) {
      throw new BadParameterException(name, quote(value) + " is not a number");
    }
    if (!(number >= min && number <= max)) {
      throw new BadParameterException(
          name,
          String.format(
              Locale.ROOT, "%s is not from %s to %s", quote(value), plain(min), plain(max)));
    }
    return number;
  }

  /** The value in quotes, short and on one line, fit to be shown in a message. */
  static String quote(String value) {
    String shown =
        value.length() > MAX_QUOTED_CHARS ? value.substring(0, MAX_QUOTED_CHARS) + "..." : value;
    return "'" + shown.replaceAll("\\p{Cntrl}", "?") + "'";
  }

  private static String plain(double value) {
    return value == Math.rint(value) ? Long.toString((long) value) : Double.toString(value);
  }

  private static String decode(String encoded) throws BadParameterException {
    try {
      return URLDecoder.decode(encoded, StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      throw new BadParameterException(quote(encoded), "is not valid percent-encoding");
    }
  }
}
