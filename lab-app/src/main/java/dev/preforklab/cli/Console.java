package dev.preforklab.cli;

import java.io.PrintStream;

/**
 * Where a command writes: results to {@code out}, everything else to {@code err}. The launcher says
 * which of them are terminals.
 */
record Console(PrintStream out, PrintStream err) {
  boolean outIsTerminal() {
    return Boolean.getBoolean("lab.terminal.out");
  }

  boolean errIsTerminal() {
    return Boolean.getBoolean("lab.terminal.err");
  }
}
