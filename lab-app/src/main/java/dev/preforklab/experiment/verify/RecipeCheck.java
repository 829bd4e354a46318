package dev.preforklab.experiment.verify;

import com.fasterxml.jackson.databind.JsonNode;
import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.recipe.ActResult;
import dev.preforklab.cpython.recipe.Addresses;
import dev.preforklab.cpython.recipe.Recipe;
import dev.preforklab.cpython.recipe.RecipeReader;
import dev.preforklab.cpython.recipe.RecipeRunner;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One recipe on both sides, act by act. */
final class RecipeCheck {
  private static final int PAGES = 15;
  private static final double PART = 0.01;
  private static final double FAULTS_PART = 0.05;
  private static final double SHARE = 0.01;
  private static final int RUNS = 9;

  private RecipeCheck() {}

  /** An act and what it did on both sides. */
  record Outcome(String act, boolean agrees, String real, String lab, String difference) {
    private Outcome ofMedian() {
      return new Outcome(act, agrees, real, lab, difference + " (median of " + RUNS + ")");
    }
  }

  /**
   * Runs a recipe with rig.py on a real interpreter and in the simulated one. With fixed addresses
   * each real run is like the other. With random ones the median of {@value #RUNS} others decides
   * where one differs from the lab: how many pools an arena has, and how much of its libraries a
   * process has in memory, depends on addresses.
   *
   * @param rigRunner the Python that runs rig.py itself
   * @param addresses of the real process
   */
  static List<Outcome> run(
      RealPython python,
      String rigRunner,
      Path rig,
      String text,
      Addresses addresses,
      Duration limit)
      throws Command.Failure {
    Recipe recipe = RecipeReader.read(text);
    Path file = null;
    try {
      file = Files.createTempFile("lab-recipe", ".json");
      Files.writeString(file, text);
      List<String> command =
          new ArrayList<>(
              List.of(rigRunner, rig.toString(), file.toString(), "--python", python.path()));
      if (addresses == Addresses.FIXED) {
        command.add("--fixed-addresses");
      }
      JsonNode answer = Command.json(command, limit);
      List<ActResult> lab = simulate(new RecipeRunner(recipe, python.version(), addresses));
      List<Outcome> outcomes = compare(recipe, answer, lab);
      if (addresses == Addresses.FIXED || outcomes.stream().allMatch(Outcome::agrees)) {
        return outcomes;
      }
      command.addAll(List.of("--repeat", Integer.toString(RUNS)));
      List<Outcome> again = compare(recipe, Command.json(command, limit.multipliedBy(RUNS)), lab);
      return again.stream().map(Outcome::ofMedian).toList();
    } catch (IOException e) {
      throw new Command.Failure(String.valueOf(e.getMessage()));
    } finally {
      if (file != null) {
        file.toFile().delete();
      }
    }
  }

  /** What the acts of a recipe do in the simulated interpreter. */
  static List<ActResult> simulate(RecipeRunner runner) throws Command.Failure {
    try {
      return runner.run();
    } catch (Host.OutOfMemory e) {
      throw new Command.Failure("the lab has no memory for it: " + e.getMessage());
    }
  }

  /** rig.py's answer against the lab's, one result an act. */
  static List<Outcome> compare(Recipe recipe, JsonNode answer, List<ActResult> lab)
      throws Command.Failure {
    // A recipe with one `act` has its figures at the top.
    JsonNode acts = answer.path("acts");
    boolean alone = recipe.single();
    if (!alone && (!acts.isArray() || acts.size() != recipe.acts().size())) {
      throw new Command.Failure(
          "its answer has no `acts` for the recipe's " + recipe.acts().size());
    }
    List<Outcome> outcomes = new ArrayList<>();
    for (int i = 0; i < lab.size(); i++) {
      outcomes.add(compare(lab.get(i), alone ? answer : acts.get(i)));
    }
    return outcomes;
  }

  private static Outcome compare(ActResult simulated, JsonNode real) throws Command.Failure {
    String act = simulated.act();
    if (simulated.unsupported() != null || real.has("unsupported")) {
      String lacks = real.path("unsupported").asText("");
      boolean both = lacks.equals(simulated.unsupported());
      return new Outcome(
          act, both, lacking(lacks), lacking(simulated.unsupported()), both ? "0" : "one has it");
    }
    boolean leaves = act.contains("exit\"");
    boolean byFaults = leaves || act.equals("\"drop\"");
    String unit = byFaults ? "faults" : "pages";
    int measured = (int) number(real, byFaults ? "minor_faults" : "pages_copied");
    int lab = byFaults ? simulated.minorFaults() : simulated.pagesCopied();
    double part = act.equals("\"_exit\"") ? 0 : byFaults ? FAULTS_PART : PART;
    double bound = Math.max(PAGES, measured * part);
    int apart = lab - measured;
    boolean agrees = Math.abs(apart) <= bound;
    if (leaves) {
      return new Outcome(
          act,
          agrees,
          measured + " faults",
          lab + " faults",
          "%+d of %.0f".formatted(apart, bound));
    }
    double share = number(real, "share_ratio");
    double shareApart = simulated.shareRatio() - share;
    return new Outcome(
        act,
        agrees && Math.abs(shareApart) <= SHARE,
        "%d %s, shared %.4f".formatted(measured, unit, share),
        "%d %s, shared %.4f".formatted(lab, unit, simulated.shareRatio()),
        "%+d of %.0f, %+.4f of %.2f".formatted(apart, bound, shareApart, SHARE));
  }

  private static String lacking(@Nullable String action) {
    return action == null || action.isEmpty() ? "" : "has no " + action;
  }

  private static double number(JsonNode real, String name) throws Command.Failure {
    JsonNode value = real.path(name);
    if (!value.isNumber()) {
      throw new Command.Failure("its answer has no " + name + " for " + real.path("act"));
    }
    return value.doubleValue();
  }

  /** The text of a shipped recipe, or null. */
  static @Nullable String shipped(String name) {
    try (InputStream in = RecipeCheck.class.getResourceAsStream("/recipes/" + name + ".json")) {
      return in == null ? null : new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      return null;
    }
  }
}
