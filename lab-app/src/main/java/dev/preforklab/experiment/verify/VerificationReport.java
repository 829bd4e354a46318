package dev.preforklab.experiment.verify;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.util.RawValue;
import dev.preforklab.experiment.verify.Check.Outcome;
import java.util.List;
import java.util.Locale;

/** The checks of a verification as a table and as JSON. */
public final class VerificationReport {
  private static final int CASE_WIDTH = 40;
  private static final int SIDE_WIDTH = 28;
  private static final String FORMAT = "%-8s %-40s %-28s %-28s %s";
  private static final String NOTHING = "%-8s %-40s %s: %s";

  private VerificationReport() {}

  /** Whether nothing differed or failed. */
  public static boolean isGood(List<Check> checks) {
    return checks.stream()
        .noneMatch(c -> c.outcome() == Outcome.DIFFERS || c.outcome() == Outcome.FAILED);
  }

  /** The checks as a table. */
  public static String table(List<Check> checks) {
    StringBuilder text = new StringBuilder(heading()).append(System.lineSeparator());
    for (Check check : checks) {
      text.append(line(check)).append(System.lineSeparator());
    }
    return text.toString();
  }

  /** The names of the columns. */
  public static String heading() {
    return FORMAT.formatted("release", "case", "real", "lab", "difference (of the bound)");
  }

  /** One check as a line of the table; what differs is told in full on lines below it. */
  public static String line(Check check) {
    String name = check.kind() + " " + check.name().replace("\"", "");
    if (check.outcome() == Outcome.FAILED) {
      // nothing to compare; an interpreter's path is shown in full
      return NOTHING.formatted(check.python(), name, check.outcome(), check.detail());
    }
    String line =
        FORMAT.formatted(
            check.python(),
            cut(name, CASE_WIDTH),
            cut(check.real(), SIDE_WIDTH),
            cut(check.lab(), SIDE_WIDTH),
            (check.outcome() == Outcome.DIFFERS ? "DIFFERS: " : "") + check.difference());
    return check.outcome() == Outcome.DIFFERS && check.kind().equals("trace")
        ? line + System.lineSeparator() + "    " + check.detail()
        : line;
  }

  private static String cut(String text, int width) {
    return text.length() > width ? text.substring(0, width - 3) + "..." : text;
  }

  /**
   * The checks as JSON.
   *
   * @param skipped interpreters that were found and not asked
   */
  public static ObjectNode json(
      List<Check> checks,
      List<RealPython.Other> skipped,
      String version,
      String commit,
      long seed) {
    ObjectNode answer = new ObjectMapper().createObjectNode();
    answer.put("tool", "prefork-lab");
    answer.put("version", version);
    answer.put("commit", commit);
    answer.put("seed", seed);
    ArrayNode notAsked = answer.putArray("skipped");
    skipped.forEach(p -> notAsked.addObject().put("path", p.path()).put("python", p.what()));
    ArrayNode rows = answer.putArray("checks");
    for (Check check : checks) {
      ObjectNode row =
          rows.addObject()
              .put("python", check.python())
              .put("kind", check.kind())
              .put("name", check.name())
              .put("outcome", check.outcome().name().toLowerCase(Locale.ROOT))
              .put("detail", check.detail())
              .put("release", check.python())
              .put("case", check.kind() + " " + check.name())
              .put("real", check.real())
              .put("lab", check.lab())
              .put("difference", check.difference());
      if (check.trace() != null) {
        row.putRawValue("trace", new RawValue(check.trace()));
      }
    }
    return answer;
  }
}
