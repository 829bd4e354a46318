package dev.preforklab.experiment.verify;

import org.jspecify.annotations.Nullable;

/**
 * One line of the table.
 *
 * @param python the real interpreter's full version, or the program if it told none
 * @param kind {@code trace}, {@code recipe} or {@code interpreter}
 * @param name of the case
 * @param detail one line about the whole
 * @param real what the real interpreter gave
 * @param lab what the simulated one gave
 * @param difference of the two, with its bound where there is one
 * @param trace the shortest trace found that differs, JSON, or null
 */
public record Check(
    String python,
    String kind,
    String name,
    Outcome outcome,
    String detail,
    String real,
    String lab,
    String difference,
    @Nullable String trace) {

  Check(
      String python,
      String kind,
      String name,
      Outcome outcome,
      String detail,
      String real,
      String lab,
      String difference) {
    this(python, kind, name, outcome, detail, real, lab, difference, null);
  }

  /** What came of a check. */
  public enum Outcome {
    AGREES,
    DIFFERS,
    FAILED
  }

  static Check failed(String python, String kind, String name, String why) {
    return new Check(python, kind, name, Outcome.FAILED, why, "", "", "");
  }
}
