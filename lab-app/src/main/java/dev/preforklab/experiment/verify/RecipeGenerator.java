package dev.preforklab.experiment.verify;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Random heap recipes, each a pure function of its seed: every kind of expression, nested, at sizes
 * around the edges of the allocator's size classes, with holes, garbage and all parent modes.
 */
public final class RecipeGenerator {
  /** A heap holds at most about so many objects, so that an act takes a second or two. */
  private static final int OBJECTS_MAX = 400_000;

  private static final int RECORDS_MIN = 100;
  private static final int RECORDS_MAX = 30_000;
  private static final int DEPTH_MAX = 4;
  private static final int NEST_MAX = 30;

  /** Around the edges of size classes: a str's head is 37 to 49 bytes, by release. */
  private static final int[] LENGTHS = {
    0, 1, 6, 7, 8, 14, 15, 16, 22, 23, 24, 31, 32, 40, 63, 64, 75, 100, 200, 400, 462, 463, 464,
    475, 600
  };

  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private final SplittableRandom random;

  /** Objects that one evaluation of the expression under construction makes. */
  private long weight;

  private RecipeGenerator(long seed) {
    random = new SplittableRandom(seed);
  }

  /** The recipe's text; the same for the same seed. */
  public static String generate(long seed) {
    return new RecipeGenerator(seed).recipe().toString();
  }

  private ObjectNode recipe() {
    ObjectNode recipe = JSON.objectNode();
    ArrayNode heap = recipe.putArray("heap");
    boolean numbers = chance(10);
    boolean arrays = !numbers && chance(10);
    int statements = numbers || arrays ? 1 : 1 + random.nextInt(3);
    for (int i = 0; i < statements; i++) {
      if (numbers) {
        heap.add(statement(number(), RECORDS_MAX, true));
      } else if (arrays) {
        heap.add(statement(one("array", 1 + random.nextInt(2_000)), 300, true));
      } else {
        heap.add(statement(OBJECTS_MAX / statements));
      }
    }
    parent(recipe.putObject("parent"));
    ArrayNode acts = recipe.putArray("acts");
    List<JsonNode> choice = acts(numbers || arrays);
    for (int i = 0; i < 3; i++) {
      acts.add(choice.remove(random.nextInt(choice.size())));
    }
    return recipe;
  }

  private ObjectNode statement(int budget) {
    weight = 0;
    JsonNode make = expression(0);
    int most = (int) Math.max(RECORDS_MIN, Math.min(RECORDS_MAX, budget / Math.max(1, weight)));
    ObjectNode statement = statement(make, most, !chance(12));
    if (chance(45)) {
      weight = 0;
      statement.put("every", 1 + random.nextInt(chance(50) ? 4 : 40));
      int repeat = 1 + random.nextInt(3);
      JsonNode value = chance(35) ? cycle() : expression(2);
      ObjectNode also = JSON.objectNode();
      also.put("repeat", repeat).set("make", value);
      also.put("keep", chance(40));
      statement.set("also", also);
    }
    return statement;
  }

  private ObjectNode statement(JsonNode make, int most, boolean keep) {
    ObjectNode statement = JSON.objectNode();
    // The logarithm is uniform: small heaps are as frequent as large ones.
    double ratio = (double) most / RECORDS_MIN;
    statement.put("repeat", (int) (RECORDS_MIN * Math.pow(ratio, random.nextDouble())));
    statement.set("make", make);
    if (!keep) {
      statement.put("keep", false);
    }
    return statement;
  }

  private JsonNode expression(int depth) {
    weight++;
    int kind = random.nextInt(depth >= DEPTH_MAX ? 40 : 100);
    if (kind < 40) {
      return kind < 36 ? atom() : other();
    }
    return switch (kind / 10) {
      case 4 -> items("list", depth, random.nextInt(7), false);
      case 5 -> items("tuple", depth, random.nextInt(chance(15) ? 24 : 5), false);
      case 6 -> items("set", depth, random.nextInt(chance(15) ? 24 : 5), true);
      case 7 -> named("dict", "k", depth, random.nextInt(chance(20) ? 24 : 6));
      case 8 -> chance(15) ? nest(depth) : times(depth);
      default -> {
        int count = random.nextInt(chance(15) ? 40 : 7);
        ObjectNode instance = named("instance", "a", depth, count);
        yield chance(35) ? instance.put("slots", true) : instance;
      }
    };
  }

  /** What a set can hold. */
  private JsonNode atom() {
    return switch (random.nextInt(10)) {
      case 0 -> JSON.textNode("none");
      case 1, 2, 3 -> number();
      case 4, 5, 6, 7 -> one("str", LENGTHS[random.nextInt(LENGTHS.length)]);
      default -> one("bytes", LENGTHS[random.nextInt(LENGTHS.length)]);
    };
  }

  private JsonNode number() {
    if (chance(30)) {
      ObjectNode number = JSON.objectNode();
      return number.put("float", random.nextInt(1_000) / 4.0);
    }
    ObjectNode number = JSON.objectNode();
    return number.put(
        "int",
        switch (random.nextInt(6)) {
          case 0 -> 0L;
          case 1 -> -random.nextInt(1_000);
          case 2 -> (1L << 30) - random.nextInt(2_000);
          case 3 -> (1L << 60) - random.nextInt(2_000);
          default -> (long) random.nextInt(10_000_000);
        });
  }

  private JsonNode other() {
    if (chance(50)) {
      return cycle();
    }
    return one("array", random.nextInt(chance(20) ? 1_000 : 60));
  }

  private JsonNode cycle() {
    int length = 1 + random.nextInt(4);
    weight += length;
    return one("cycle", length);
  }

  private JsonNode items(String kind, int depth, int count, boolean hashable) {
    ObjectNode node = JSON.objectNode();
    ArrayNode items = node.putArray(kind);
    for (int i = 0; i < count; i++) {
      if (hashable || count > 6) {
        weight++;
        items.add(hashable && chance(20) ? tupleOfAtoms() : atom());
      } else {
        items.add(expression(depth + 1));
      }
    }
    return node;
  }

  private JsonNode tupleOfAtoms() {
    ObjectNode node = JSON.objectNode();
    ArrayNode items = node.putArray("tuple");
    int count = 1 + random.nextInt(3);
    for (int i = 0; i < count; i++) {
      weight++;
      items.add(atom());
    }
    return node;
  }

  private ObjectNode named(String kind, String prefix, int depth, int count) {
    ObjectNode node = JSON.objectNode();
    ObjectNode values = node.putObject(kind);
    for (int i = 0; i < count; i++) {
      if (count > 6) {
        weight++;
      }
      values.set(prefix + i, count > 6 ? atom() : expression(depth + 1));
    }
    return node;
  }

  /** Containers in containers, far deeper than the rest of a recipe. */
  private JsonNode nest(int depth) {
    JsonNode inner = atom();
    int levels = 3 + random.nextInt(NEST_MAX);
    for (int i = 0; i < levels; i++) {
      weight++;
      ObjectNode outer = JSON.objectNode();
      int kind = random.nextInt(3);
      if (kind == 2) {
        outer.putObject("dict").set("k" + depth, inner);
      } else {
        outer.putArray(kind == 0 ? "list" : "tuple").add(inner).add(atom());
      }
      inner = outer;
    }
    return inner;
  }

  private JsonNode times(int depth) {
    int times = random.nextInt(chance(20) ? 120 : 9);
    long outside = weight;
    weight = 0;
    JsonNode of = times > 10 ? atom() : expression(depth + 1);
    weight = outside + times * Math.max(1, weight);
    ObjectNode node = JSON.objectNode();
    node.put("times", times).set("of", of);
    return node;
  }

  private void parent(ObjectNode parent) {
    ArrayNode beforeHeap = parent.putArray("before_heap");
    ArrayNode beforeFork = parent.putArray("before_fork");
    switch (random.nextInt(6)) {
      case 0, 1 -> {
        // as it comes
      }
      case 2, 3 -> beforeHeap.add("gc.disable");
      default -> {
        ArrayNode thresholds = beforeHeap.addObject().putArray("threshold");
        int[] first = {0, 1, 50, 700, 2_000, 10_000};
        thresholds.add(first[random.nextInt(first.length)]);
        thresholds.add(1 + random.nextInt(12)).add(1 + random.nextInt(12));
      }
    }
    switch (random.nextInt(7)) {
      case 0, 1, 2 -> {
        // as it comes
      }
      case 3 -> beforeFork.add("gc.freeze");
      case 4 -> beforeFork.add("gc.collect");
      case 5 -> beforeFork.add("gc.collect").add("gc.freeze");
      default -> beforeFork.add("gc.freeze").add("gc.unfreeze").add("gc.enable");
    }
  }

  private List<JsonNode> acts(boolean summable) {
    List<JsonNode> acts = new ArrayList<>();
    for (String simple : List.of("nothing", "iterate", "read_deep", "gc.collect", "drop", "exit")) {
      acts.add(JSON.textNode(simple));
    }
    if (summable) {
      acts.add(JSON.textNode("sum"));
    }
    acts.add(one("gc.collect", random.nextInt(3)));
    ObjectNode part = JSON.objectNode();
    part.putObject("iterate")
        .put("part", chance(50) ? 0.01 : 0.1)
        .put("stride", random.nextBoolean());
    acts.add(part);
    weight = 0;
    ObjectNode allocate = JSON.objectNode();
    allocate.set("allocate", statement(expression(1), 2_000, true));
    acts.add(allocate);
    acts.add(JSON.arrayNode().add("iterate").add("gc.collect").add("nothing"));
    return acts;
  }

  private static ObjectNode one(String kind, int number) {
    ObjectNode node = JSON.objectNode();
    return node.put(kind, number);
  }

  private boolean chance(int percent) {
    return random.nextInt(100) < percent;
  }
}
