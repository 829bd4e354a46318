package dev.preforklab.cli;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.replay.ReplayEngine;
import dev.preforklab.cpython.replay.Trace;
import dev.preforklab.cpython.replay.TraceException;
import dev.preforklab.report.Build;
import dev.preforklab.report.ReplayReport;
import dev.preforklab.scenario.InputException;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code lab replay}: a trace of GC operations in the simulated interpreter. */
@Command(
    name = "replay",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Runs a trace of collector operations in the simulated interpreter and tells the collector's",
      "counters after each operation."
    })
final class ReplayCommand extends ConsoleCommand {
  private static final long TRACE_BYTES_MAX = 256L << 20;

  @Parameters(paramLabel = "TRACE", description = "The trace, a JSON file.")
  String trace = "";

  @Option(
      names = "--python",
      paramLabel = "V",
      description = "CPython release, 2.7 or 3.6 to 3.14; default: 3.11.")
  String python = "3.11";

  @Option(
      names = "--baseline-frozen",
      paramLabel = "N",
      description = "The interpreter's own objects, frozen at the start; default: 0.")
  String baselineFrozen = "0";

  @Option(
      names = "--baseline-live",
      paramLabel = "N",
      description = "The replaying program's own objects, not frozen; default: 2.")
  String baselineLive = "2";

  @Option(
      names = "--json",
      paramLabel = "F",
      description = "Write all rows as JSON; - is standard output.")
  @Nullable String json;

  ReplayCommand(Console console) {
    super(console);
  }

  @Override
  public Integer call() {
    PythonVersion version = version("--python", python);
    int frozen = count("--baseline-frozen", baselineFrozen);
    int live = count("--baseline-live", baselineLive);
    OutputFile output = json == null ? null : OutputFile.checked("--json", json);
    Build build = new Build(LabVersion.version(), LabVersion.commit());
    List<long[]> rows;
    try {
      rows = ReplayEngine.run(read(trace), version, frozen, live);
    } catch (TraceException e) {
      throw new InputException(String.valueOf(e.getMessage()), e);
    } catch (Host.OutOfMemory e) {
      throw new InputException(trace + ": needs more memory than is simulated for a trace", e);
    } catch (OutOfMemoryError e) {
      throw InputFile.tooLarge(trace, e);
    }
    if (output != null) {
      output.write(
          ReplayReport.json(build, python, version.isVerified(), frozen, live, rows),
          console.out());
    }
    if (output == null || !output.isStandardOutput()) {
      console.out().print(ReplayReport.table(trace, python, version.isVerified(), rows));
    }
    return ExitCode.OK;
  }

  /** The trace in a file. */
  static Trace read(String name) {
    try {
      return InputFile.read(name, "a trace", TRACE_BYTES_MAX, in -> Trace.read(name, in));
    } catch (TraceException e) {
      throw new InputException(String.valueOf(e.getMessage()), e);
    }
  }

  /** The release of that name. */
  static PythonVersion version(String option, String text) {
    try {
      return PythonVersion.parse(text);
    } catch (IllegalArgumentException e) {
      throw new InputException(option + ": " + e.getMessage(), e);
    }
  }

  private static int count(String option, String text) {
    if (!text.matches("[0-9]{1,7}") || Integer.parseInt(text) > ReplayEngine.MAX_BASELINE) {
      throw new InputException(
          option
              + ": must be a whole number from 0 to "
              + ReplayEngine.MAX_BASELINE
              + ", not \""
              + text
              + "\"");
    }
    return Integer.parseInt(text);
  }
}
