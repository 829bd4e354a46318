package dev.preforklab.report;

import dev.preforklab.experiment.ComparisonResult;
import dev.preforklab.experiment.HostResult;
import dev.preforklab.report.Columns.Column;

/** A comparison as comma-separated values: a row for each setting. */
public final class ComparisonCsv {
  private ComparisonCsv() {}

  public static String render(ComparisonResult comparison) {
    StringBuilder out = new StringBuilder("gc,requests");
    for (Column column : Columns.ALL) {
      out.append(',').append(column.key());
    }
    out.append('\n');
    for (HostResult result : comparison.settings()) {
      boolean quoted = result.gc().indexOf(',') >= 0;
      out.append(quoted ? '"' + result.gc() + '"' : result.gc()).append(',');
      out.append(result.requests());
      for (Column column : Columns.ALL) {
        double value = column.value().applyAsDouble(result);
        out.append(',');
        if (!Double.isNaN(value)) {
          out.append(Rounded.of(value, 6).toPlainString());
        }
      }
      out.append('\n');
    }
    return out.toString();
  }
}
