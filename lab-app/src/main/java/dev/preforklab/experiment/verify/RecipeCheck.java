package dev.preforklab.experiment.verify;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.preforklab.cpython.recipe.ActResult;
import dev.preforklab.cpython.recipe.Recipe;
import dev.preforklab.cpython.recipe.RecipeReader;
import dev.preforklab.cpython.recipe.RecipeRunner;
import java.io.IOException;
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

  private RecipeCheck() {}

  /** An act and what it did on both sides. */
  record Outcome(String act, boolean agrees, String detail) {}

  /**
   * Runs a recipe with rig.py on a real interpreter and in the simulated one.
   *
   * @param rigRunner the Python that runs rig.py itself
   */
  static List<Outcome> run(
      RealPython python, String rigRunner, Path rig, String text, Duration limit)
      throws Command.Failure {
    Recipe recipe = RecipeReader.read(text);
    JsonNode acts;
    Path file = null;
    try {
      file = Files.createTempFile("lab-recipe", ".json");
      Files.writeString(file, text);
      acts =
          new ObjectMapper()
              .readTree(
                  Command.output(
                      List.of(
                          rigRunner, rig.toString(), file.toString(), "--python", python.path()),
                      limit))
              .get("acts");
    } catch (IOException e) {
      throw new Command.Failure(String.valueOf(e.getMessage()));
    } finally {
      if (file != null) {
        file.toFile().delete();
      }
    }
    RecipeRunner runner = new RecipeRunner(recipe, python.version());
    List<Outcome> outcomes = new ArrayList<>();
    for (int i = 0; i < recipe.acts().size(); i++) {
      outcomes.add(compare(runner.run(recipe.acts().get(i)), acts.get(i)));
    }
    return outcomes;
  }

  private static Outcome compare(ActResult simulated, JsonNode real) {
    String act = simulated.act();
    if (simulated.unsupported() != null || real.has("unsupported")) {
      boolean both = real.path("unsupported").asText().equals(simulated.unsupported());
      return new Outcome(act, both, "has no " + real.path("unsupported").asText());
    }
    if (act.contains("exit\"") || act.equals("\"drop\"")) {
      int faults = real.get("minor_faults").asInt();
      boolean near =
          Math.abs(simulated.minorFaults() - faults) <= Math.max(PAGES, faults * FAULTS_PART);
      return new Outcome(
          act, near, "faults %d, real %d".formatted(simulated.minorFaults(), faults));
    }
    int copied = real.get("pages_copied").asInt();
    double share = real.get("share_ratio").asDouble();
    boolean near =
        Math.abs(simulated.pagesCopied() - copied) <= Math.max(PAGES, copied * PART)
            && Math.abs(simulated.shareRatio() - share) <= SHARE;
    return new Outcome(
        act,
        near,
        "copied %d, real %d; shared %.4f, real %.4f"
            .formatted(simulated.pagesCopied(), copied, simulated.shareRatio(), share));
  }

  /** The text of a shipped recipe, or null. */
  static @Nullable String shipped(String name) {
    try (java.io.InputStream in =
        RecipeCheck.class.getResourceAsStream("/recipes/" + name + ".json")) {
      return in == null
          ? null
          : new String(in.readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
    } catch (IOException e) {
      return null;
    }
  }
}
