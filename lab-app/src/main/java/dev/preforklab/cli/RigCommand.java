package dev.preforklab.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.obmalloc.DebugMallocStats;
import dev.preforklab.cpython.recipe.ActResult;
import dev.preforklab.cpython.recipe.Addresses;
import dev.preforklab.cpython.recipe.Recipe;
import dev.preforklab.cpython.recipe.RecipeException;
import dev.preforklab.cpython.recipe.RecipeReader;
import dev.preforklab.cpython.recipe.RecipeRunner;
import dev.preforklab.report.Build;
import dev.preforklab.report.RigReport;
import dev.preforklab.scenario.InputException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code lab rig}: a heap recipe in the simulated interpreter. */
@Command(
    name = "rig",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Builds the heap of a recipe in a simulated parent, forks, lets the child act, and tells",
      "which pages were copied. capture/rig.py does the same in a real interpreter."
    })
final class RigCommand extends ConsoleCommand {
  private static final int RECIPE_BYTES_MAX = 4 << 20;

  @Parameters(paramLabel = "RECIPE", description = "The recipe, a JSON file.")
  String recipe = "";

  @Option(
      names = "--python",
      paramLabel = "V",
      description = "CPython release, 2.7 or 3.6 to 3.14; default: 3.11.")
  String python = "3.11";

  @Option(
      names = "--json",
      paramLabel = "F",
      description = "Write the result as JSON; - is standard output.")
  @Nullable String json;

  @Option(
      names = "--fixed-addresses",
      description = {
        "Stand for a process without address randomisation, as capture/rig.py",
        "--fixed-addresses measures one: it has other pages of its libraries in memory."
      })
  boolean fixedAddresses;

  @Option(
      names = "--debugmallocstats",
      description =
          "Tell too what sys._debugmallocstats() says of pymalloc in the parent at the fork.")
  boolean debugMallocStats;

  RigCommand(Console console) {
    super(console);
  }

  @Override
  public Integer call() {
    PythonVersion version = ReplayCommand.version("--python", python);
    OutputFile output = json == null ? null : OutputFile.checked("--json", json);
    List<ActResult> results;
    DebugMallocStats stats = null;
    Recipe read = read(recipe);
    try {
      RecipeRunner runner =
          new RecipeRunner(read, version, fixedAddresses ? Addresses.FIXED : Addresses.RANDOM);
      results = runner.run();
      stats = debugMallocStats ? runner.mallocStats() : null;
    } catch (RecipeException e) {
      throw new InputException(recipe + ": " + e.getMessage(), e);
    } catch (Host.OutOfMemory e) {
      throw new InputException(recipe + ": needs more memory than the simulated 6 GiB", e);
    } catch (OutOfMemoryError e) {
      throw InputFile.tooLarge(recipe, e);
    }
    if (output != null) {
      Build build = new Build(LabVersion.version(), LabVersion.commit());
      ObjectNode answer = RigReport.answer(build, name(recipe), read, version, results);
      if (stats != null) {
        answer.set("debugmallocstats", RigReport.malloc(stats));
      }
      output.write(answer.toPrettyString() + "\n", console.out());
    }
    if (output == null || !output.isStandardOutput()) {
      console.out().print(RigReport.table(recipe, python, version.isVerified(), results));
      if (stats != null) {
        console.out().print("\n" + stats.text());
      }
    }
    return ExitCode.OK;
  }

  /** A recipe's name: that of its file, without the ending. */
  private static String name(String file) {
    String name = String.valueOf(Path.of(file).getFileName());
    int dot = name.lastIndexOf('.');
    return dot > 0 ? name.substring(0, dot) : name;
  }

  /**
   * Reads a recipe.
   *
   * @param name of its file
   * @throws InputException if there is none, or it is not a recipe; the message names it
   */
  static Recipe read(String name) {
    try {
      return InputFile.read(
          name,
          "a recipe",
          RECIPE_BYTES_MAX,
          in -> {
            byte[] bytes = in.readNBytes(RECIPE_BYTES_MAX + 1);
            if (bytes.length > RECIPE_BYTES_MAX) {
              throw new InputException(name + ": is over 4 MiB, too long for a recipe");
            }
            return RecipeReader.read(
                StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString());
          });
    } catch (RecipeException e) {
      throw new InputException(name + ": " + e.getMessage(), e);
    }
  }
}
