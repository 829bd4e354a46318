package dev.preforklab.cli;

/** What the process's exit code says. */
final class ExitCode {
  static final int OK = 0;

  /** The run went well, but an expectation was missed. */
  static final int MISSED = 1;

  /** The command line, a file, a port or the memory given does not do. */
  static final int BAD_INPUT = 2;

  /** A fault of the lab's own. */
  static final int INTERNAL = 3;

  private ExitCode() {}
}
