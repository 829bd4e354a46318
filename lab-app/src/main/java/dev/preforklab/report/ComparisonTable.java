package dev.preforklab.report;

import dev.preforklab.experiment.ComparisonResult;
import dev.preforklab.experiment.HostResult;
import dev.preforklab.report.Columns.Column;
import dev.preforklab.scenario.Scenario;
import dev.preforklab.scenario.Scenario.Arrivals;
import java.util.List;
import java.util.Locale;

/** A comparison for a terminal: a column for each setting, a row for each figure. */
public final class ComparisonTable {
  private static final String BOLD = "\u001b[1m";
  private static final String DIM = "\u001b[2m";
  private static final String PLAIN = "\u001b[0m";

  private ComparisonTable() {}

  /**
   * The whole table, with a heading that says what was run.
   *
   * @param colour whether the best of a row is bold as well as marked
   */
  public static String render(ComparisonResult comparison, Build build, boolean colour) {
    List<HostResult> all = comparison.settings();
    int titleWidth = Columns.ALL.stream().mapToInt(c -> c.title().length()).max().orElse(0) + 4;
    int[] widths = new int[all.size()];
    for (int i = 0; i < widths.length; i++) {
      HostResult result = all.get(i);
      widths[i] =
          Math.max(
                  result.gc().length(),
                  Columns.ALL.stream().mapToInt(c -> c.format(result).length()).max().orElse(0))
              + 3;
    }
    StringBuilder out = new StringBuilder(heading(comparison, build)).append("\n\n");
    out.append(" ".repeat(titleWidth));
    for (int i = 0; i < widths.length; i++) {
      out.append(padLeft(all.get(i).gc(), widths[i] - 1)).append(' ');
    }
    out.append('\n');
    String group = "";
    for (Column column : Columns.ALL) {
      if (all.stream().allMatch(r -> column.format(r).equals("-"))) {
        continue;
      }
      if (!column.group().equals(group)) {
        group = column.group();
        out.append(colour ? DIM + group + PLAIN : group).append('\n');
      }
      out.append("  ").append(column.title());
      out.append(" ".repeat(titleWidth - column.title().length() - 2));
      for (int i = 0; i < widths.length; i++) {
        HostResult result = all.get(i);
        boolean best = column.isBest(result, all);
        String text = padLeft(column.format(result), widths[i] - 1);
        out.append(best && colour ? BOLD + text + PLAIN : text).append(best ? '*' : ' ');
      }
      out.append('\n');
    }
    out.append("\n* best of the row; memory figures are the mean of a worker at the end\n");
    if (all.size() > 1 && !comparison.bestMemory().isEmpty()) {
      out.append("least memory: ").append(comparison.bestMemory());
      out.append(", lowest p99 latency: ").append(comparison.bestLatency()).append('\n');
    }
    comparison.notes().forEach(note -> out.append("note: ").append(note).append('\n'));
    return out.toString().replaceAll(" +\n", "\n");
  }

  /** One line that says what was run, enough to run it again. */
  static String heading(ComparisonResult comparison, Build build) {
    Scenario s = comparison.scenario();
    return "prefork-lab "
        + build.version()
        + " ("
        + build.commit()
        + "), seed "
        + s.seed()
        + ": "
        + s.name()
        + ", profile "
        + comparison.profile()
        + ", CPython "
        + comparison.python()
        + "\n"
        + s.service().prefork().workers()
        + " workers, "
        + s.host().cores()
        + " cores, "
        + (s.host().ramBytes() >> 20)
        + " MiB; "
        + load(s)
        + "; "
        + comparison.settings().stream().mapToLong(HostResult::requests).max().orElse(0)
        + " requests";
  }

  /** The offered load in a few words. */
  public static String load(Scenario s) {
    String order = s.load().order().name().toLowerCase(Locale.ROOT).replace('_', '-');
    if (s.load().arrivals() == Arrivals.CLOSED) {
      return "closed loop of " + s.load().users() + " users, endpoints " + order;
    }
    String kind = s.load().arrivals().name().toLowerCase(Locale.ROOT);
    return String.format(
        Locale.ROOT, "%s arrivals, %s a second, endpoints %s", kind, trim(s.load().rate()), order);
  }

  private static String trim(double value) {
    return java.math.BigDecimal.valueOf(value).stripTrailingZeros().toPlainString();
  }

  private static String padLeft(String text, int width) {
    return " ".repeat(Math.max(0, width - text.length())) + text;
  }
}
