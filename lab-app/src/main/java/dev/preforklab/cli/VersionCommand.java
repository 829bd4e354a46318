package dev.preforklab.cli;

import picocli.CommandLine.Command;

/** {@code lab version}. */
@Command(name = "version", description = "Says which build this is and what it runs on.")
final class VersionCommand extends ConsoleCommand {
  VersionCommand(Console console) {
    super(console);
  }

  @Override
  public Integer call() {
    console.out().println(String.join("\n", new LabVersion().getVersion()));
    console.out().println("Java " + Runtime.version());
    return ExitCode.OK;
  }
}
