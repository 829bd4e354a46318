package dev.preforklab.report;

import java.util.List;
import java.util.Locale;
import java.util.function.DoubleFunction;

/** Draws small charts as SVG that takes its colours from the page's style sheet. */
final class SvgChart {
  /** One line of a chart; x and y have the same length, x ascending. */
  @SuppressWarnings("ArrayRecordComponent") // drawn once, never compared
  record Line(String name, double[] x, double[] y) {}

  private static final int WIDTH = 560;
  private static final int HEIGHT = 260;
  private static final int LEFT = 56;
  private static final int RIGHT = 12;
  private static final int TOP = 12;
  private static final int BOTTOM = 34;

  private SvgChart() {}

  /**
   * Lines over numbers of requests, whose axis is logarithmic (log(1 + x), so that 0 has a place).
   *
   * @param yMax top of the axis; the bottom is 0
   */
  static String lines(String label, List<Line> lines, double yMax, DoubleFunction<String> format) {
    double xMax = lines.stream().mapToDouble(l -> l.x()[l.x().length - 1]).max().orElse(1);
    StringBuilder svg = open(label);
    double step = step(yMax);
    for (double y = 0; y <= yMax * 1.0001; y += step) {
      double py = y(y, yMax);
      svg.append(
          f(
              "<line class='grid' x1='%d' x2='%d' y1='%.1f' y2='%.1f'/>",
              LEFT, WIDTH - RIGHT, py, py));
      svg.append(
          f(
              "<text x='%d' y='%.1f' text-anchor='end'>%s</text>",
              LEFT - 6, py + 4, format.apply(y)));
    }
    for (double x = 0; x <= xMax; x = x == 0 ? 1 : x * 10) {
      double px = x(x, xMax);
      svg.append(
          f(
              "<line class='grid' x1='%.1f' x2='%.1f' y1='%d' y2='%d'/>",
              px, px, TOP, HEIGHT - BOTTOM));
      svg.append(
          f(
              "<text x='%.1f' y='%d' text-anchor='middle'>%,.0f</text>",
              px, HEIGHT - BOTTOM + 16, x));
    }
    svg.append(
        f("<text x='%d' y='%d' text-anchor='end'>requests</text>", WIDTH - RIGHT, HEIGHT - 4));
    for (int i = 0; i < lines.size(); i++) {
      Line line = lines.get(i);
      StringBuilder points = new StringBuilder();
      for (int j = 0; j < line.x().length; j++) {
        points.append(f("%.1f,%.1f ", x(line.x()[j], xMax), y(line.y()[j], yMax)));
      }
      svg.append(f("<polyline class='line c%d' points='%s'/>", i % 8, points.toString().strip()));
      for (int j = 0; j < line.x().length; j++) {
        svg.append(
            f(
                "<circle class='dot c%d' cx='%.1f' cy='%.1f' r='3'><title>%s, %,.0f requests: %s</title></circle>",
                i % 8,
                x(line.x()[j], xMax),
                y(line.y()[j], yMax),
                ComparisonHtml.escape(line.name()),
                line.x()[j],
                format.apply(line.y()[j])));
      }
    }
    return svg.append("</svg>").toString();
  }

  /** Horizontal stacked bars, one for each name. */
  static String stackedBars(
      String label, List<String> names, List<String> parts, double[][] values) {
    int row = 30;
    int height = names.size() * row + 30;
    int left = 150;
    double max = 1;
    for (double[] each : values) {
      double sum = 0;
      for (double v : each) {
        sum += v;
      }
      max = Math.max(max, sum);
    }
    StringBuilder svg =
        new StringBuilder(
            f(
                "<svg viewBox='0 0 %d %d' role='img' aria-label='%s'>",
                WIDTH, height, ComparisonHtml.escape(label)));
    double scale = (WIDTH - left - 80) / max;
    for (int i = 0; i < names.size(); i++) {
      double x = left;
      double sum = 0;
      svg.append(
          f(
              "<text x='%d' y='%d' text-anchor='end'>%s</text>",
              left - 8, i * row + 20, ComparisonHtml.escape(names.get(i))));
      for (int part = 0; part < parts.size(); part++) {
        double width = values[i][part] * scale;
        sum += values[i][part];
        svg.append(
            f(
                "<rect class='p%d' x='%.1f' y='%d' width='%.1f' height='20'><title>%s, %s: %,.0f pages</title></rect>",
                part,
                x,
                i * row + 5,
                width,
                ComparisonHtml.escape(names.get(i)),
                parts.get(part),
                values[i][part]));
        x += width;
      }
      svg.append(f("<text x='%.1f' y='%d'>%,.0f</text>", x + 6, i * row + 20, sum));
    }
    return svg.append("</svg>").toString();
  }

  private static StringBuilder open(String label) {
    return new StringBuilder(
        f(
            "<svg viewBox='0 0 %d %d' role='img' aria-label='%s'>",
            WIDTH, HEIGHT, ComparisonHtml.escape(label)));
  }

  private static double x(double value, double max) {
    return LEFT + Math.log1p(value) / Math.log1p(Math.max(1, max)) * (WIDTH - LEFT - RIGHT);
  }

  private static double y(double value, double max) {
    return HEIGHT - BOTTOM - value / max * (HEIGHT - TOP - BOTTOM);
  }

  /** A round step that divides the axis in four to eight. */
  private static double step(double max) {
    double power = Math.pow(10, Math.floor(Math.log10(max / 4)));
    double fraction = max / 4 / power;
    return power * (fraction >= 5 ? 5 : fraction >= 2.5 ? 2.5 : fraction >= 2 ? 2 : 1);
  }

  private static String f(String format, Object... arguments) {
    return String.format(Locale.ROOT, format, arguments);
  }
}
