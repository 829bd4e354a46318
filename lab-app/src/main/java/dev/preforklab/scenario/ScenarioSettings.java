package dev.preforklab.scenario;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Typed reading of the merged settings; an error names the file and line, or the option. */
final class ScenarioSettings {
  private final Map<String, Setting> settings;

  ScenarioSettings(Map<String, Setting> settings) {
    this.settings = settings;
  }

  private Setting setting(String key) {
    Setting setting = settings.get(key);
    if (setting == null) {
      throw new IllegalStateException("the reference scenario lacks " + key);
    }
    return setting;
  }

  private static String textOf(Setting setting, String expected) {
    String text = setting.text();
    if (text == null) {
      throw setting.error(expected);
    }
    return text.strip();
  }

  String origin(String key) {
    return setting(key).origin();
  }

  boolean isNone(String key) {
    String text = setting(key).text();
    return text != null && text.strip().equals("none");
  }

  String text(String key, int lengthMax) {
    Setting setting = setting(key);
    String expected = "a text of 1 to " + lengthMax + " printable characters";
    String text = textOf(setting, expected);
    if (text.isEmpty()
        || text.length() > lengthMax
        || text.chars().anyMatch(Character::isISOControl)) {
      throw setting.error(expected);
    }
    return text;
  }

  long integer(String key, long min, long max, String what) {
    Setting setting = setting(key);
    String expected = what + " from " + grouped(min) + " to " + grouped(max);
    BigDecimal number = Units.number(textOf(setting, expected));
    if (number == null
        || number.stripTrailingZeros().scale() > 0
        || number.compareTo(BigDecimal.valueOf(min)) < 0
        || number.compareTo(BigDecimal.valueOf(max)) > 0) {
      throw setting.error(expected);
    }
    return number.longValue();
  }

  double number(String key, double min, double max, String what) {
    Setting setting = setting(key);
    String expected = what + " from " + plain(min) + " to " + plain(max);
    BigDecimal number = Units.number(textOf(setting, expected));
    if (number == null
        || number.compareTo(BigDecimal.valueOf(min)) < 0
        || number.compareTo(BigDecimal.valueOf(max)) > 0) {
      throw setting.error(expected);
    }
    return number.doubleValue();
  }

  long bytes(String key, long min, long max, boolean zeroAllowed) {
    Setting setting = setting(key);
    String expected = "a size from " + mib(min) + " to " + mib(max) + (zeroAllowed ? ", or 0" : "");
    Long bytes = Units.bytes(textOf(setting, expected));
    if (bytes == null || ((bytes < min || bytes > max) && !(zeroAllowed && bytes == 0))) {
      throw setting.error(expected);
    }
    return bytes;
  }

  long nanoseconds(String key, long min, long max) {
    Setting setting = setting(key);
    String expected = "a duration from " + duration(min) + " to " + duration(max);
    Long nanoseconds = Units.nanoseconds(textOf(setting, expected));
    if (nanoseconds == null || nanoseconds < min || nanoseconds > max) {
      throw setting.error(expected);
    }
    return nanoseconds;
  }

  <E extends Enum<E>> E choice(String key, E[] values) {
    Setting setting = setting(key);
    String[] names =
        Arrays.stream(values)
            .map(v -> v.name().toLowerCase(Locale.ROOT).replace('_', '-'))
            .toArray(String[]::new);
    String expected = "one of " + String.join(", ", names);
    int index = Arrays.asList(names).indexOf(textOf(setting, expected));
    if (index < 0) {
      throw setting.error(expected);
    }
    return values[index];
  }

  /** A list, or the comma-separated text of one. Commas inside {@code threshold=a,b,c} stay. */
  List<String> list(String key, int sizeMax) {
    Setting setting = setting(key);
    List<String> items = new ArrayList<>();
    if (setting.items() != null) {
      setting.items().forEach(i -> items.add(i.strip()));
    } else {
      for (String part : textOf(setting, "a list").split(",", -1)) {
        String item = part.strip();
        int last = items.size() - 1;
        if (last >= 0
            && items.get(last).startsWith("threshold=")
            && item.matches("[+-]?\\d+")
            && items.get(last).chars().filter(c -> c == ',').count() < 2) {
          items.set(last, items.get(last) + "," + item);
        } else {
          items.add(item);
        }
      }
    }
    if (items.isEmpty() || items.size() > sizeMax || items.contains("")) {
      throw setting.error("a list of 1 to " + sizeMax + " names");
    }
    if (items.stream().distinct().count() < items.size()) {
      throw setting.error("a list without repetitions");
    }
    return items;
  }

  /** Whole-number weights by name; "none" is the empty map. */
  Map<String, Integer> weights(String key, int max) {
    Setting setting = setting(key);
    Map<String, Integer> weights = new LinkedHashMap<>();
    if (setting.entries() == null) {
      if (isNone(key)) {
        return weights;
      }
      throw setting.error("none, or a map of endpoint: weight");
    }
    setting
        .entries()
        .forEach(
            (name, text) -> {
              BigDecimal weight = Units.number(text.strip());
              if (weight == null
                  || weight.stripTrailingZeros().scale() > 0
                  || weight.signum() < 0
                  || weight.compareTo(BigDecimal.valueOf(max)) > 0) {
                throw new InputException(
                    setting.origin()
                        + ": the weight of "
                        + name
                        + " must be a whole number from 0 to "
                        + max
                        + ", not \""
                        + text
                        + "\"");
              }
              weights.put(name, weight.intValue());
            });
    if (!weights.isEmpty() && weights.values().stream().allMatch(w -> w == 0)) {
      throw setting.error("a map with at least one weight above 0");
    }
    return weights;
  }

  private static String grouped(long value) {
    return value == Long.MAX_VALUE || value == Long.MIN_VALUE
        ? Long.toString(value)
        : String.format(Locale.ROOT, "%,d", value);
  }

  private static String plain(double value) {
    return BigDecimal.valueOf(value).stripTrailingZeros().toPlainString();
  }

  private static String mib(long bytes) {
    return bytes >= 1L << 30 && bytes % (1L << 30) == 0
        ? (bytes >> 30) + "GiB"
        : (bytes >> 20) + "MiB";
  }

  private static String duration(long ns) {
    if (ns % 3_600_000_000_000L == 0 && ns > 0) {
      return ns / 3_600_000_000_000L + "h";
    }
    return ns % 1_000_000_000L == 0 ? ns / 1_000_000_000L + "s" : ns / 1_000_000L + "ms";
  }
}
