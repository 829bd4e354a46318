package dev.preforklab.cpython.recipe;

import java.util.ArrayList;
import java.util.List;

/**
 * A code object's table of positions in the source, from 3.11 on ({@code Objects/locations.md});
 * lines are counted from the one that the code begins on, columns from 0.
 */
final class Positions {
  /** From where to where in the source; the end may be known only later. */
  static final class Span {
    /** What no source stands for. */
    static final Span NONE = new Span(-1, 0, 0);

    private final int line;
    private int endLine;
    private int start;
    private int end;

    Span(int line, int start, int end) {
      this.line = line;
      endLine = line;
      this.start = start;
      this.end = end;
    }

    void set(int first, int last) {
      start = first;
      end = last;
    }

    void setEnd(int column) {
      end = column;
    }

    void setEnd(int lastLine, int column) {
      endLine = lastLine;
      end = column;
    }

    int end() {
      return end;
    }

    private boolean sameAs(Span other) {
      return line == other.line
          && (line < 0 || (endLine == other.endLine && start == other.start && end == other.end));
    }
  }

  private static final class Run {
    final Span span;
    int units;

    Run(Span span, int units) {
      this.span = span;
      this.units = units;
    }
  }

  private static final int MAX_UNITS = 8;
  private static final int SHORT_COLUMNS = 80;
  private static final int SHORT_WIDTH = 16;
  private static final int LINES = 3;
  private static final int COLUMNS = 128;

  private final List<Run> runs = new ArrayList<>();

  private int firstLine;

  /** The code begins on another line than 0. */
  void beginAt(int line) {
    firstLine = line;
  }

  /** Appends an instruction with its cache, in units of two bytes. */
  void add(Span span, int units) {
    runs.add(new Run(span, units));
  }

  /** The number of instructions so far. */
  int size() {
    return runs.size();
  }

  /** Makes an instruction longer. */
  void lengthen(int number, int units) {
    runs.get(number).units += units;
  }

  /** What a table consists of, the same for tables of the same bytes. */
  record Table(int bytes, List<List<Integer>> entries) {}

  /**
   * The table.
   *
   * @param merges whether neighbours of one position are one run, as from 3.12 on
   */
  Table table(boolean merges) {
    List<List<Integer>> entries = new ArrayList<>();
    int bytes = 0;
    int line = firstLine;
    for (int i = 0; i < runs.size(); ) {
      Span span = runs.get(i).span;
      int units = runs.get(i++).units;
      while (merges && i < runs.size() && runs.get(i).span.sameAs(span)) {
        units += runs.get(i++).units;
      }
      for (; units > 0; units -= MAX_UNITS) {
        bytes += entry(span, line);
        int length = Math.min(units, MAX_UNITS);
        entries.add(
            span.line < 0
                ? List.of(length)
                : List.of(
                    length, span.line - line, span.endLine - span.line, span.start, span.end));
        line = span.line < 0 ? line : span.line;
      }
    }
    return new Table(bytes, entries);
  }

  private static int entry(Span span, int before) {
    if (span.line < 0) {
      return 1;
    }
    int lines = span.line - before;
    if (span.endLine == span.line) {
      if (lines == 0 && span.start < SHORT_COLUMNS && span.end - span.start < SHORT_WIDTH) {
        return 2;
      }
      if (lines >= 0 && lines < LINES && span.start < COLUMNS && span.end < COLUMNS) {
        return 3;
      }
    }
    return 1
        + digits(lines < 0 ? -lines << 1 | 1 : lines << 1)
        + digits(span.endLine - span.line)
        + digits(span.start + 1)
        + digits(span.end + 1);
  }

  /** Bytes of a number, six bits each. */
  static int digits(int number) {
    return Math.max(1, (Integer.SIZE - Integer.numberOfLeadingZeros(number) + 5) / 6);
  }
}
