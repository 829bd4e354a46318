package dev.preforklab.experiment.rig;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.recipe.ActResult;
import dev.preforklab.cpython.recipe.Recipe;
import dev.preforklab.cpython.recipe.RecipeRunner;
import java.io.UncheckedIOException;
import java.util.List;

/** A heap recipe in the simulated interpreter, its answer as JSON or as text. */
public final class Rig {
  private static final ObjectMapper JSON = new ObjectMapper();

  private Rig() {}

  /**
   * Runs all acts of a recipe.
   *
   * @param name of the recipe, for the answer
   * @param version of the lab, and its commit
   * @return the answer that {@code capture/rig.py} gives for a real interpreter, with the same keys
   */
  public static ObjectNode run(
      String name, Recipe recipe, PythonVersion python, String version, String commit, long seed) {
    List<ActResult> results = new RecipeRunner(recipe, python).run();
    ObjectNode answer = JSON.createObjectNode();
    answer.put("tool", "prefork-lab");
    answer.put("version", version);
    answer.put("commit", commit);
    answer.put("seed", seed);
    answer.put("python", python.toString());
    answer.put("recipe", name);
    if (recipe.single()) {
      answer.setAll(json(results.get(0)));
      return answer;
    }
    ArrayNode acts = answer.putArray("acts");
    results.forEach(result -> acts.add(json(result)));
    return answer;
  }

  private static ObjectNode json(ActResult result) {
    ObjectNode node = JSON.createObjectNode();
    try {
      node.set("act", JSON.readTree(result.act()));
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException(e);
    }
    if (result.unsupported() != null) {
      return node.put("unsupported", result.unsupported());
    }
    node.put("rss_bytes", result.rssBytes());
    node.put("pages_copied", result.pagesCopied());
    node.put("pages_appeared", result.pagesAppeared());
    node.put("minor_faults", result.minorFaults());
    node.put("major_faults", result.majorFaults());
    node.put("share_ratio", result.shareRatio());
    node.put("exit_faults", result.exitFaults());
    if (result.gcCounts().isEmpty()) {
      node.putNull("gc");
    } else {
      ObjectNode gc = node.putObject("gc");
      ArrayNode counts = gc.putArray("counts");
      result.gcCounts().forEach(counts::add);
      ArrayNode stats = gc.putArray("stats");
      for (List<Long> generation : result.gcStats()) {
        stats
            .addObject()
            .put("collections", generation.get(0))
            .put("collected", generation.get(1))
            .put("uncollectable", generation.get(2));
      }
    }
    ArrayNode atFork = node.putArray("gc_counts_at_fork");
    result.gcCountsAtFork().forEach(atFork::add);
    node.put("pages_vanished", result.pagesVanished());
    node.put("pages_present_before", result.pagesPresentBefore());
    node.put("rss_bytes_before", result.rssBytesBefore());
    node.put("share_ratio_before", result.shareRatioBefore());
    return node;
  }

  /** The answer as a table, a line an act. */
  public static String table(ObjectNode answer) {
    StringBuilder text = new StringBuilder();
    text.append(
        "%-40s %12s %9s %9s %7s %14s%n"
            .formatted("act", "rss bytes", "copied", "faults", "shared", "counts at fork"));
    Iterable<com.fasterxml.jackson.databind.JsonNode> acts =
        answer.has("acts") ? answer.get("acts") : List.of(answer);
    for (com.fasterxml.jackson.databind.JsonNode act : acts) {
      String name = act.get("act").toString();
      String shown = name.length() > 40 ? name.substring(0, 37) + "..." : name;
      if (act.has("unsupported")) {
        text.append("%-40s has no %s%n".formatted(shown, act.get("unsupported").asText()));
        continue;
      }
      text.append(
          "%-40s %12d %9d %9d %7.4f %14s%n"
              .formatted(
                  shown,
                  act.get("rss_bytes").asLong(),
                  act.get("pages_copied").asInt(),
                  act.get("minor_faults").asInt(),
                  act.get("share_ratio").asDouble(),
                  act.get("gc_counts_at_fork")));
    }
    return text.toString();
  }
}
