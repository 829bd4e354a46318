package dev.preforklab.report;

import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.replay.ReplayEngine;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** The collector's counters after each operation of a replayed trace. */
public final class ReplayReport {
  private ReplayReport() {}

  /** All rows, a line each, in the columns of {@link ReplayEngine#COLUMNS}. */
  public static String json(
      Build build,
      String python,
      boolean verified,
      int baselineFrozen,
      int baselineLive,
      List<long[]> rows) {
    StringBuilder out = new StringBuilder("{\"tool\":\"prefork-lab\",\"version\":\"");
    out.append(build.version()).append("\",\"commit\":\"").append(build.commit());
    out.append("\",\"seed\":0,\"python\":\"").append(python);
    out.append('"');
    if (!verified) {
      out.append(",\"verified\":false,\"note\":\"").append(PythonVersion.NOT_VERIFIED).append('"');
    }
    out.append(",\"baseline_frozen\":").append(baselineFrozen);
    out.append(",\"baseline_live\":").append(baselineLive).append(",\n\"columns\":[");
    out.append(
        ReplayEngine.COLUMNS.stream().map(c -> '"' + c + '"').collect(Collectors.joining(",")));
    out.append("],\n\"rows\":[");
    for (int i = 0; i < rows.size(); i++) {
      out.append(i == 0 ? "\n[" : ",\n[");
      out.append(
          Arrays.stream(rows.get(i)).mapToObj(Long::toString).collect(Collectors.joining(",")));
      out.append(']');
    }
    return out.append("\n]}\n").toString();
  }

  /** How the trace ended, for people. */
  public static String table(String trace, String python, boolean verified, List<long[]> rows) {
    StringBuilder out = new StringBuilder();
    out.append(
        String.format(
            Locale.ROOT,
            "%s on CPython %s%s: %,d operations, the counters after the last%n",
            trace,
            python,
            verified ? "" : " (" + PythonVersion.NOT_VERIFIED + ")",
            rows.size()));
    if (!rows.isEmpty()) {
      long[] last = rows.get(rows.size() - 1);
      for (int i = 0; i < last.length; i++) {
        out.append(
            String.format(Locale.ROOT, "  %-20s %,12d%n", ReplayEngine.COLUMNS.get(i), last[i]));
      }
    }
    return out.toString();
  }
}
