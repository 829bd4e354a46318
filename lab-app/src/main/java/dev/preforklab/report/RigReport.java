package dev.preforklab.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.obmalloc.DebugMallocStats;
import dev.preforklab.cpython.recipe.ActResult;
import dev.preforklab.cpython.recipe.Recipe;
import java.util.List;
import java.util.Locale;

/** What the acts of a recipe copied, in the keys that {@code capture/rig.py} writes. */
public final class RigReport {
  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final int ACT_WIDTH = 34;
  private static final String STAND_IN =
      PythonVersion.NOT_VERIFIED + "; the bare interpreter's own memory is that of 3.13";

  private RigReport() {}

  /**
   * The answer that {@code capture/rig.py} gives for a real interpreter, with the same keys: a
   * recipe with {@code act} gives the figures at the top level, one with {@code acts} a list.
   *
   * @param name of the recipe
   */
  public static ObjectNode answer(
      Build build, String name, Recipe recipe, PythonVersion python, List<ActResult> results) {
    ObjectNode root = MAPPER.createObjectNode();
    root.put("tool", "prefork-lab");
    root.put("version", build.version());
    root.put("commit", build.commit());
    root.put("seed", 0);
    root.put("python", python.toString());
    root.put("recipe", name);
    if (!python.isVerified()) {
      root.put("verified", false);
      root.put("note", STAND_IN);
    }
    if (recipe.single()) {
      put(root, results.get(0));
      root.remove("act");
      return root;
    }
    ArrayNode acts = root.putArray("acts");
    for (ActResult result : results) {
      put(acts.addObject(), result);
    }
    return root;
  }

  private static void put(ObjectNode node, ActResult r) {
    try {
      node.set("act", MAPPER.readTree(r.act()));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("an act tells itself in JSON", e);
    }
    if (r.unsupported() != null) {
      node.put("unsupported", r.unsupported());
      return;
    }
    node.put("rss_bytes", r.rssBytes());
    node.put("pages_copied", r.pagesCopied());
    node.put("pages_appeared", r.pagesAppeared());
    node.put("pages_vanished", r.pagesVanished());
    node.put("pages_present_before", r.pagesPresentBefore());
    node.put("minor_faults", r.minorFaults());
    node.put("major_faults", r.majorFaults());
    node.put("share_ratio", r.shareRatio());
    node.put("exit_faults", r.exitFaults());
    if (r.gcCounts().isEmpty()) {
      node.putNull("gc");
    } else {
      ObjectNode gc = node.putObject("gc");
      gc.set("counts", MAPPER.valueToTree(r.gcCounts()));
      ArrayNode stats = gc.putArray("stats");
      for (List<Long> generation : r.gcStats()) {
        stats
            .addObject()
            .put("collections", generation.get(0))
            .put("collected", generation.get(1))
            .put("uncollectable", generation.get(2));
      }
    }
    node.set("gc_counts_at_fork", MAPPER.valueToTree(r.gcCountsAtFork()));
    node.put("rss_bytes_before", r.rssBytesBefore());
    node.put("share_ratio_before", r.shareRatioBefore());
  }

  /** The allocator's statistics, with the keys of {@code capture/rig.py --debugmallocstats}. */
  public static ObjectNode malloc(DebugMallocStats stats) {
    ObjectNode node = MAPPER.createObjectNode();
    ArrayNode classes = node.putArray("classes");
    for (DebugMallocStats.Row row : stats.rows()) {
      classes
          .addObject()
          .put("class", row.index())
          .put("size", row.size())
          .put("pools", row.pools())
          .put("blocks_in_use", row.blocksInUse())
          .put("available_blocks", row.blocksAvailable());
    }
    stats.numbers().forEach(node::put);
    return node;
  }

  /** The figures for people, a line an act. */
  public static String table(
      String recipe, String python, boolean verified, List<ActResult> results) {
    StringBuilder out = new StringBuilder(recipe + " on CPython " + python + "\n");
    if (!verified) {
      out.append(STAND_IN).append('\n');
    }
    out.append(
        String.format(
            Locale.ROOT,
            "%-" + ACT_WIDTH + "s %10s %10s %12s %10s %12s%n",
            "act",
            "copied",
            "appeared",
            "minor faults",
            "shared",
            "RSS, MiB"));
    for (ActResult r : results) {
      String act = r.act().replace("\"", "");
      if (act.length() > ACT_WIDTH) {
        act = act.substring(0, ACT_WIDTH - 3) + "...";
      }
      out.append(
          r.unsupported() != null
              ? String.format(
                  Locale.ROOT,
                  "%-" + ACT_WIDTH + "s this release has no %s%n",
                  act,
                  r.unsupported())
              : String.format(
                  Locale.ROOT,
                  "%-" + ACT_WIDTH + "s %,10d %,10d %,12d %10.4f %12.1f%n",
                  act,
                  r.pagesCopied(),
                  r.pagesAppeared(),
                  r.minorFaults(),
                  r.shareRatio(),
                  r.rssBytes() / 1048576.0));
    }
    return out.toString();
  }
}
