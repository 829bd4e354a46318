package dev.preforklab.cli;

import java.util.concurrent.Callable;

/** A subcommand that writes to a console; it has a constructor that takes one. */
abstract class ConsoleCommand implements Callable<Integer> {
  final Console console;

  ConsoleCommand(Console console) {
    this.console = console;
  }
}
