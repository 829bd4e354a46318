package dev.preforklab.cli;

import java.io.PrintStream;
import java.util.List;
import java.util.Locale;

/**
 * One line on a terminal that says how far each setting is; silent in a pipe. Safe for use by
 * several threads.
 */
final class ProgressBar implements AutoCloseable {
  private static final long REDRAW_NS = 100_000_000;
  private static final int CELLS = 30;

  private final PrintStream terminal;
  private final boolean visible;
  private final List<String> names;
  private final double[] fractions;
  private final long startNs = System.nanoTime();
  private long drawnNs;
  private int drawnColumns;

  /**
   * @param names of what makes progress
   */
  ProgressBar(PrintStream terminal, boolean visible, List<String> names) {
    this.terminal = terminal;
    this.visible = visible;
    this.names = List.copyOf(names);
    this.fractions = new double[names.size()];
    if (visible) {
      synchronized (this) {
        draw(startNs);
      }
    }
  }

  /** How far one of them is, 0 to 1. */
  synchronized void update(int index, double fraction) {
    fractions[index] = Math.min(1, fraction);
    long now = System.nanoTime();
    if (visible && now - drawnNs >= REDRAW_NS) {
      draw(now);
    }
  }

  private void draw(long nowNs) {
    drawnNs = nowNs;
    double sum = 0;
    int finished = 0;
    StringBuilder running = new StringBuilder();
    for (int i = 0; i < fractions.length; i++) {
      sum += fractions[i];
      if (fractions[i] >= 1) {
        finished++;
      } else if (fractions[i] > 0) {
        running.append(running.isEmpty() ? "" : ", ").append(names.get(i));
      }
    }
    double fraction = fractions.length == 0 ? 1 : sum / fractions.length;
    int filled = (int) (fraction * CELLS);
    double seconds = (nowNs - startNs) / 1e9;
    String left =
        fraction > 0.02 && seconds > 1
            ? String.format(Locale.ROOT, ", %.0f s left", seconds * (1 - fraction) / fraction)
            : "";
    String line =
        String.format(
            Locale.ROOT,
            "[%s%s] %3.0f %%  %d of %d settings%s%s",
            "#".repeat(filled),
            " ".repeat(CELLS - filled),
            100 * fraction,
            finished,
            fractions.length,
            left,
            running.isEmpty() ? "" : "  (" + running + ")");
    if (line.length() > 79) {
      line = line.substring(0, 79);
    }
    terminal.print("\r" + line + " ".repeat(Math.max(0, drawnColumns - line.length())));
    terminal.flush();
    drawnColumns = line.length();
  }

  /** Takes the line away. */
  @Override
  public synchronized void close() {
    if (visible) {
      terminal.print("\r" + " ".repeat(drawnColumns) + "\r");
      terminal.flush();
    }
  }
}
