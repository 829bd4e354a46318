package dev.preforklab.experiment.verify;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeMap;

/** Random collector traces of both families, each a pure function of its seed. */
final class TraceGenerator {
  static final int SLOTS = 40;
  private static final int[][] THRESHOLDS = {
    {700, 10, 10}, {100, 5, 5}, {50, 3, 3}, {200, 10, 2}, {20, 2, 2}, {2000, 10, 10}, {0, 10, 10}
  };
  private static final int[] BURSTS = {5, 50, 200, 800};

  private final SplittableRandom random;
  private final boolean mixed;
  private final List<String> operations = new ArrayList<>();

  /** What each slot in use holds. */
  private final TreeMap<Integer, String> held = new TreeMap<>();

  private final int slots;

  private TraceGenerator(long seed, boolean mixed, int slots) {
    random = new SplittableRandom(seed);
    this.mixed = mixed;
    this.slots = slots;
  }

  /** The trace's operations, each a JSON list; the same for the same arguments. */
  static List<String> generate(long seed, boolean mixed, int length) {
    return generate(seed, mixed, length, SLOTS);
  }

  /** The same with an array of so many slots. */
  static List<String> generate(long seed, boolean mixed, int length, int slots) {
    TraceGenerator generator = new TraceGenerator(seed, mixed, slots);
    generator.operations.add("[\"nop\"]");
    generator.operations.add("[\"collect\",2]");
    while (generator.operations.size() < length) {
      generator.add();
    }
    return generator.operations;
  }

  /** The trace with these operations, JSON. */
  static String trace(boolean mixed, List<String> operations) {
    return trace(mixed, SLOTS, String.join(",", operations));
  }

  /** The trace with these operations, which commas separate, JSON. */
  static String trace(boolean mixed, int slots, String operations) {
    return "{\"family\":\"%s\",\"seed\":0,\"slots\":%d,\"ops\":[%s]}"
        .formatted(mixed ? "mixed" : "pure", slots, operations);
  }

  private void add() {
    int what = random.nextInt(100);
    if (what < 5) {
      control();
    } else if (what < 30 && held.size() < slots) {
      create();
    } else if (what < 58 && !held.isEmpty()) {
      link();
    } else if (what < 80 && !held.isEmpty()) {
      int slot = occupied();
      held.remove(slot);
      operation("drop", slot);
    } else if (what < 97) {
      String kind = mixed ? pick("lcycle", "dcycle", "icycle") : "cycle";
      operation(kind, 1 + random.nextInt(5), 1 + random.nextInt(4));
    } else {
      operation(mixed ? "lburst" : "burst", BURSTS[random.nextInt(BURSTS.length)]);
    }
  }

  private void control() {
    switch (random.nextInt(8)) {
      case 0, 1, 2 -> operation("collect", random.nextInt(3));
      case 3, 4 -> {
        int[] t = THRESHOLDS[random.nextInt(THRESHOLDS.length)];
        operation("thr", t[0], t[1], t[2]);
      }
      case 5 -> operation(pick("freeze", "unfreeze"));
      case 6 -> operation("disable");
      default -> operation("enable");
    }
  }

  private void create() {
    int slot = random.nextInt(slots);
    while (held.containsKey(slot)) {
      slot = (slot + 1) % slots;
    }
    if (!mixed) {
      if (random.nextInt(4) == 0) {
        operation("chain", slot, 2 + random.nextInt(39));
      } else {
        operation("new", slot);
      }
      held.put(slot, "new");
      return;
    }
    if (held.size() > 1 && random.nextInt(5) == 0) {
      operation("tuple", slot, occupied(), occupied());
      held.put(slot, "tuple");
      return;
    }
    String kind = pick("list", "dict", "inst");
    operation(kind, slot);
    held.put(slot, kind);
  }

  private void link() {
    int slot = occupied();
    int place = random.nextInt(4);
    switch (held.getOrDefault(slot, "")) {
      case "new" -> {
        if (random.nextInt(5) == 0) {
          operation("unlink", slot, place);
        } else {
          operation("link", slot, place, occupied());
        }
      }
      case "list" -> operation("lset", slot, place, occupied());
      case "dict" -> operation("dset", slot, place, occupied());
      case "inst" -> operation("aset", slot, place, occupied());
      default -> operation("nop");
    }
  }

  private int occupied() {
    List<Integer> slots = List.copyOf(held.keySet());
    return slots.get(random.nextInt(slots.size()));
  }

  private String pick(String... words) {
    return words[random.nextInt(words.length)];
  }

  private void operation(String name, int... arguments) {
    StringBuilder text = new StringBuilder("[\"").append(name).append('"');
    for (int argument : arguments) {
      text.append(',').append(argument);
    }
    operations.add(text.append(']').toString());
  }
}
