package dev.preforklab.cli;

import dev.preforklab.prefork.profile.ProfileException;
import dev.preforklab.scenario.InputException;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** The command line: subcommands only parse, call the experiment and hand to the report. */
@Command(
    name = "lab",
    synopsisSubcommandLabel = "COMMAND",
    description = "A CPython prefork service on a simulated Linux machine, for each GC setting.",
    versionProvider = LabVersion.class,
    mixinStandardHelpOptions = true,
    subcommands = {
      RunCommand.class,
      CompareCommand.class,
      ReplayCommand.class,
      RigCommand.class,
      VerifyCommand.class,
      VersionCommand.class
    },
    footer = {
      "",
      "Exit codes: 0 ok, 1 an expectation was missed, 2 bad usage or input, 3 internal fault.",
      "`lab COMMAND --help` tells a command's options."
    })
public final class Main {
  private Main() {}

  public static void main(String[] args) {
    PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    PrintStream err = new PrintStream(System.err, true, StandardCharsets.UTF_8);
    int code = run(args, out, err);
    out.flush();
    System.exit(code);
  }

  /** Runs one command; never throws. */
  static int run(String[] args, PrintStream out, PrintStream err) {
    Console console = new Console(out, err);
    CommandLine line =
        new CommandLine(
                new Main(),
                new CommandLine.IFactory() {
                  @Override
                  public <K> K create(Class<K> type) throws Exception {
                    if (ConsoleCommand.class.isAssignableFrom(type)) {
                      return type.getDeclaredConstructor(Console.class).newInstance(console);
                    }
                    return CommandLine.defaultFactory().create(type);
                  }
                })
            .setOut(new PrintWriter(out, true, StandardCharsets.UTF_8))
            .setErr(new PrintWriter(err, true, StandardCharsets.UTF_8))
            .setUsageHelpWidth(100)
            .setExecutionExceptionHandler((e, c, r) -> report(e, err))
            .setParameterExceptionHandler((e, a) -> usageError(e, err));
    if (args.length == 0) {
      line.usage(err);
      return ExitCode.BAD_INPUT;
    }
    try {
      return line.execute(args);
    } catch (OutOfMemoryError e) {
      return report(e, err);
    }
  }

  private static int usageError(ParameterException e, PrintStream err) {
    String message = oneLine(String.valueOf(e.getMessage()));
    if (e instanceof UnmatchedArgumentException unmatched) {
      List<String> suggestions = unmatched.getSuggestions();
      if (!suggestions.isEmpty()) {
        message += "; did you mean " + suggestions.get(0) + "?";
      }
    }
    err.println("lab: " + message);
    return ExitCode.BAD_INPUT;
  }

  /** Says in one line what went wrong. */
  static int report(Throwable failure, PrintStream err) {
    Throwable cause = failure;
    while (cause instanceof java.util.concurrent.ExecutionException && cause.getCause() != null) {
      cause = cause.getCause();
    }
    if (cause instanceof InputException || cause instanceof ProfileException) {
      err.println("lab: " + oneLine(String.valueOf(cause.getMessage())));
      return ExitCode.BAD_INPUT;
    }
    if (cause instanceof OutOfMemoryError) {
      err.println(
          "lab: no memory left: the simulated hosts do not fit into a Java heap of "
              + (Runtime.getRuntime().maxMemory() >> 20)
              + " MiB; choose a smaller --ram, fewer GC settings or --jobs 1, or allow more with"
              + " LAB_HEAP=4g");
      return ExitCode.BAD_INPUT;
    }
    err.println("lab: internal fault: " + oneLine(String.valueOf(cause)) + debugReport(cause));
    return ExitCode.INTERNAL;
  }

  private static String debugReport(Throwable cause) {
    if (!Boolean.getBoolean("lab.debug")) {
      return " (LAB_DEBUG=1 writes a full report)";
    }
    StringWriter trace = new StringWriter();
    cause.printStackTrace(new PrintWriter(trace));
    try {
      Path file = Files.createTempFile("prefork-lab-fault-", ".txt");
      Files.writeString(file, trace.toString());
      return " (full report: " + file + ")";
    } catch (IOException e) {
      return " (the full report could not be written: " + oneLine(e.toString()) + ")";
    }
  }

  private static String oneLine(@Nullable String text) {
    return String.valueOf(text)
        .strip()
        .replaceAll("\\s*\\R\\s*", "; ")
        .replaceAll("\\p{Cntrl}", "?");
  }
}
