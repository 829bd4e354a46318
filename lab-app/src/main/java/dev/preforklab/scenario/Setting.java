package dev.preforklab.scenario;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The value of one key as it was written, and where: exactly one of text, items and entries is
 * there.
 *
 * @param origin how an error names it: {@code FILE:LINE: KEY} or {@code --option}
 */
record Setting(
    String origin,
    @Nullable String text,
    @Nullable List<String> items,
    @Nullable Map<String, String> entries) {

  static Setting ofText(String origin, String text) {
    return new Setting(origin, text, null, null);
  }

  String written() {
    if (text != null) {
      return text;
    }
    return items != null ? items.toString() : String.valueOf(entries);
  }

  InputException error(String expected) {
    String shown = written().replaceAll("\\p{Cntrl}", "?");
    if (shown.length() > 60) {
      shown = shown.substring(0, 57) + "...";
    }
    return new InputException(origin + ": must be " + expected + ", not \"" + shown + "\"");
  }
}
