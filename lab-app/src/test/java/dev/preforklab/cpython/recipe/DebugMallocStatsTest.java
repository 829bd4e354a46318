package dev.preforklab.cpython.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.obmalloc.DebugMallocStats;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The allocator's statistics after a heap of 30,000 records was built, collected and had holes,
 * against what {@code sys._debugmallocstats()} told in real interpreters.
 */
class DebugMallocStatsTest {
  /** The function that builds, and that asks, are themselves some dozen objects. */
  private static final int BLOCKS = 20;

  /** The same two functions alone. */
  private static final int CODE_BLOCKS = 10;

  @ParameterizedTest
  @ValueSource(
      strings = {"3.6.15", "3.7.16", "3.8.18", "3.9.18", "3.10.13", "3.11.7", "3.12.1", "3.13.0"})
  void poolsAndBlocksAreTheRealOnes(String interpreter) throws IOException {
    JsonNode real = new ObjectMapper().readTree(resource(interpreter + ".json"));
    PythonVersion version = PythonVersion.parse(interpreter);
    DebugMallocStats stats =
        new RecipeRunner(RecipeReader.read(resource("recipe.json")), version).mallocStats();

    Map<Integer, DebugMallocStats.Row> rows = new HashMap<>();
    stats.rows().forEach(row -> rows.put(row.index(), row));
    for (JsonNode expected : real.get("classes")) {
      String name = "class " + expected.get("class");
      DebugMallocStats.Row row = rows.remove(expected.get("class").asInt());
      assertThat(row).as(name).isNotNull();
      assertThat(row.size()).as(name).isEqualTo(expected.get("size").asInt());
      assertThat(row.pools())
          .as("pools of " + name)
          .isCloseTo(expected.get("pools").asLong(), within(1L));
      assertThat(row.blocksInUse())
          .as("blocks of " + name)
          .isCloseTo(expected.get("blocks_in_use").asLong(), within((long) BLOCKS));
      assertThat(row.blocksInUse() + row.blocksAvailable())
          .as("all blocks are in pools: " + name)
          .isEqualTo(row.pools() * ((version.poolBytes - 48) / row.size()));
    }
    assertThat(rows).as("classes that the real one has not").isEmpty();

    Map<String, Long> numbers = stats.numbers();
    // from 3.10 on an arena begins at any page, by chance: one more or less may be needed
    assertClose(numbers, real, "arenas_allocated_current", 1);
    assertClose(numbers, real, "arenas_highwater_mark", 1);
    if (version.keepsLastArena) {
      // before 3.9 a single block can map an arena and give it back again and again
      assertClose(numbers, real, "arenas_reclaimed", 1);
    }
    assertClose(numbers, real, "bytes_in_allocated_blocks", 10_000);
    assertClose(numbers, real, "bytes_lost_to_pool_headers", 4 * 48);
    assertThat(numbers).containsEntry("total", stats.arenas() * version.arenaBytes);
  }

  /**
   * A full collection before the fork gives back what waits on free lists, from 3.10 on some 270
   * dead tuples and dicts that the import of array leaves, and 3.13's garbage. Allocations come out
   * of the holes from then on: class by class they are as many as in the real interpreter.
   */
  @ParameterizedTest
  @ValueSource(strings = {"3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13"})
  void aCollectionFreesAsManyBlocks(String release) throws IOException {
    JsonNode recorded = new ObjectMapper().readTree(resource("array_collected.json"));
    DebugMallocStats stats =
        new RecipeRunner(
                RecipeReader.read(recorded.get("recipe").toString()), PythonVersion.parse(release))
            .mallocStats();

    JsonNode real = recorded.get("blocks_in_use").get(release);
    assertThat(stats.rows()).hasSize(real.size());
    for (DebugMallocStats.Row row : stats.rows()) {
      assertThat(row.blocksInUse())
          .as("blocks of class " + row.index())
          .isCloseTo(real.get(Integer.toString(row.index())).asLong(), within((long) CODE_BLOCKS));
    }
  }

  /**
   * A text of one character that a format makes is none of those that exist once for all: 1,200 of
   * them take 1,200 blocks in each release.
   */
  @ParameterizedTest
  @ValueSource(strings = {"3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13"})
  void formattedTextsOfOneCharacterTakeBlocks(String release) throws IOException {
    JsonNode recorded = new ObjectMapper().readTree(resource("single_characters.json"));
    DebugMallocStats stats =
        new RecipeRunner(
                RecipeReader.read(recorded.get("recipe").toString()), PythonVersion.parse(release))
            .mallocStats();

    JsonNode real = recorded.get("blocks_in_use").get(release);
    for (DebugMallocStats.Row row : stats.rows()) {
      assertThat(row.blocksInUse())
          .as("blocks of class " + row.index())
          .isCloseTo(real.get(Integer.toString(row.index())).asLong(), within((long) BLOCKS));
    }
  }

  private static void assertClose(
      Map<String, Long> numbers, JsonNode real, String name, long apart) {
    assertThat(numbers.get(name)).as(name).isCloseTo(real.get(name).asLong(), within(apart));
  }

  /** To the character: parsed as rig.py does, and its sums agree with the classes. */
  @Test
  void theTableIsWrittenAsAReleaseWritesIt() throws IOException {
    String text =
        new RecipeRunner(RecipeReader.read(resource("recipe.json")), PythonVersion.V3_8)
            .mallocStats()
            .text();
    assertThat(text)
        .startsWith(
            """
            Small block threshold = 512, in 32 size classes.

            class   size   num pools   blocks in use  avail blocks
            -----   ----   ---------   -------------  ------------
            """)
        .containsPattern("\n    1     32 {5,10}\\d+ {8,14}\\d+ {7,13}\\d+\n")
        .containsPattern("\n# arenas allocated total           = {15,20}\\d+\n")
        .containsPattern("\n\\d+ arenas \\* 262144 bytes/arena     = {5,15}[\\d,]+\n\n# bytes in")
        .containsPattern("\n\\d+ unused pools \\* 4096 bytes")
        .containsPattern("\nTotal                              = {5,15}[\\d,]+\n$");
  }

  private static String resource(String name) throws IOException {
    try (InputStream in =
        Objects.requireNonNull(
            DebugMallocStatsTest.class.getResourceAsStream("/debugmallocstats/" + name))) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }
}
