package dev.preforklab.report;

import dev.preforklab.experiment.ComparisonResult;
import dev.preforklab.experiment.HostResult;
import dev.preforklab.experiment.HostResult.Checkpoint;
import dev.preforklab.report.Columns.Column;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/** A comparison as one HTML file that needs nothing else: charts as SVG, light and dark. */
public final class ComparisonHtml {
  private static final double MIB = 1 << 20;
  private static final List<String> CAUSES =
      List.of("refcount", "GC header", "allocator", "finalisation", "data");

  private ComparisonHtml() {}

  public static String render(ComparisonResult comparison, Build build) {
    List<HostResult> all = comparison.settings();
    String title = "Prefork Lab: " + comparison.scenario().name();
    StringBuilder out = new StringBuilder();
    out.append("<!doctype html>\n<html lang='en'>\n<head>\n<meta charset='utf-8'>\n");
    out.append("<meta name='viewport' content='width=device-width, initial-scale=1'>\n");
    out.append("<title>").append(escape(title)).append("</title>\n<style>\n");
    out.append(style()).append("</style>\n</head>\n<body>\n<main>\n<h1>");
    out.append(escape(title)).append("</h1>\n<p class='what'>");
    out.append(escape(ComparisonTable.heading(comparison, build)).replace("\n", "<br>"));
    out.append("</p>\n");
    if (all.size() > 1) {
      out.append("<p class='best'><span>Least memory: <b>").append(escape(comparison.bestMemory()));
      out.append("</b></span> <span>Lowest p99 latency: <b>");
      out.append(escape(comparison.bestLatency())).append("</b></span></p>\n");
    }
    for (String note : comparison.notes()) {
      out.append("<p class='what'>Note: ").append(escape(note)).append("</p>\n");
    }
    legend(out, all.stream().map(HostResult::gc).toList(), "c");
    out.append("<div class='charts'>\n");
    figure(
        out,
        "Shared memory of a worker, as a share of its resident memory",
        SvgChart.lines(
            "Shared ratio over requests",
            lines(all, Checkpoint::sharedRatio),
            1,
            v -> String.format(Locale.ROOT, "%.2f", v)));
    List<SvgChart.Line> pss = lines(all, c -> c.pssBytes() / MIB);
    figure(
        out,
        "Proportional set size (PSS) of a worker, MiB",
        SvgChart.lines(
            "PSS over requests", pss, roundUp(pss), v -> String.format(Locale.ROOT, "%.0f", v)));
    List<SvgChart.Line> faults = lines(all, Checkpoint::faults);
    figure(
        out,
        "Minor faults of all workers since their forks",
        SvgChart.lines(
            "Faults over requests",
            faults,
            roundUp(faults),
            v -> String.format(Locale.ROOT, "%,.0f", v)));
    double[][] causes = new double[all.size()][];
    for (int i = 0; i < causes.length; i++) {
      causes[i] = all.get(i).cowFaults().stream().mapToDouble(Long::doubleValue).toArray();
    }
    figure(
        out,
        "Why pages were copied",
        SvgChart.stackedBars(
                "Pages copied by cause", all.stream().map(HostResult::gc).toList(), CAUSES, causes)
            + legendText(CAUSES, "p"));
    out.append("</div>\n");
    table(out, all);
    out.append("<footer>Made by prefork-lab ").append(escape(build.version()));
    out.append(", commit ").append(escape(build.commit()));
    out.append(". Memory figures are the mean of a worker at the end of the run.</footer>\n");
    return out.append("</main>\n</body>\n</html>\n").toString();
  }

  private static void table(StringBuilder out, List<HostResult> all) {
    out.append("<div class='scroll'><table>\n<thead><tr><td></td>");
    all.forEach(r -> out.append("<th scope='col'>").append(escape(r.gc())).append("</th>"));
    out.append("</tr></thead>\n<tbody>\n");
    String group = "";
    for (Column column : Columns.ALL) {
      if (!column.group().equals(group)) {
        group = column.group();
        out.append("<tr class='group'><th colspan='").append(all.size() + 1).append("'>");
        out.append(escape(group)).append("</th></tr>\n");
      }
      out.append("<tr><th scope='row'>").append(escape(column.title())).append("</th>");
      for (HostResult result : all) {
        out.append(column.isBest(result, all) ? "<td class='win'>" : "<td>");
        out.append(escape(column.format(result))).append("</td>");
      }
      out.append("</tr>\n");
    }
    out.append("</tbody></table></div>\n");
  }

  private static void figure(StringBuilder out, String caption, String content) {
    out.append("<figure><figcaption>").append(escape(caption)).append("</figcaption>");
    out.append(content).append("</figure>\n");
  }

  private static void legend(StringBuilder out, List<String> names, String prefix) {
    out.append(legendText(names, prefix)).append('\n');
  }

  private static String legendText(List<String> names, String prefix) {
    StringBuilder out = new StringBuilder("<ul class='legend'>");
    for (int i = 0; i < names.size(); i++) {
      out.append("<li><i class='").append(prefix).append(i % 8).append("'></i>");
      out.append(escape(names.get(i))).append("</li>");
    }
    return out.append("</ul>").toString();
  }

  private static List<SvgChart.Line> lines(
      List<HostResult> all, ToDoubleFunction<Checkpoint> value) {
    List<SvgChart.Line> lines = new ArrayList<>();
    for (HostResult result : all) {
      if (!result.checkpoints().isEmpty()) {
        lines.add(
            new SvgChart.Line(
                result.gc(),
                result.checkpoints().stream().mapToDouble(Checkpoint::requests).toArray(),
                result.checkpoints().stream().mapToDouble(value).toArray()));
      }
    }
    return lines;
  }

  private static double roundUp(List<SvgChart.Line> lines) {
    double max =
        lines.stream().flatMapToDouble(l -> java.util.Arrays.stream(l.y())).max().orElse(1);
    double power = Math.pow(10, Math.floor(Math.log10(Math.max(1, max))));
    return Math.ceil(Math.max(1, max) / power * 2) / 2 * power;
  }

  static String escape(String text) {
    return text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("'", "&#39;")
        .replace("\"", "&quot;");
  }

  private static String style() {
    try (InputStream in = ComparisonHtml.class.getResourceAsStream("comparison.css")) {
      if (in == null) {
        throw new IllegalStateException("comparison.css is not on the class path");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new IllegalStateException("comparison.css cannot be read", e);
    }
  }
}
