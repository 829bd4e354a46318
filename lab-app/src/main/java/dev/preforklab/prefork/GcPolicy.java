package dev.preforklab.prefork;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a service does with the collector in its master before it forks: the settings people choose
 * between. Workers inherit whatever the master did.
 *
 * <p>A policy that keeps the collector off while the application loads needs the heap of such a
 * loading; {@link #loadsWithoutCollector} says so.
 */
public final class GcPolicy {
  /** As the interpreter starts: nothing is done. */
  public static final GcPolicy DEFAULT = new GcPolicy("default").build();

  /** {@code gc.disable()} before the application is loaded. */
  public static final GcPolicy DISABLED = new GcPolicy("disabled").disable().build();

  /** {@code gc.set_threshold(0)} before the application is loaded. */
  public static final GcPolicy THRESHOLD0 = new GcPolicy("threshold0").threshold(0, -1, -1).build();

  /** {@code gc.set_threshold(50000, 50, 1000)} before the application is loaded. */
  public static final GcPolicy HIGH_THRESHOLD =
      new GcPolicy("high-threshold").threshold(50_000, 50, 1000).build();

  /** {@code gc.freeze()} before fork. */
  public static final GcPolicy FREEZE = new GcPolicy("freeze").freeze().build();

  /** {@code gc.collect(); gc.freeze()} before fork. */
  public static final GcPolicy COLLECT_FREEZE =
      new GcPolicy("collect-freeze").collect().freeze().build();

  /**
   * {@code gc.freeze()} before fork and every inherited object immortal: no refcount of it is
   * written again. What an interpreter with immortal objects (3.12 on) could reach at best.
   */
  public static final GcPolicy IMMORTAL = new GcPolicy("immortal").freeze().immortalize().build();

  /** {@code gc.disable()} before loading, {@code gc.freeze()} before fork. */
  public static final GcPolicy DISABLED_FREEZE =
      new GcPolicy("disabled-freeze").disable().freeze().build();

  /** {@code gc.disable()} before loading, {@code gc.collect(); gc.freeze()} before fork. */
  public static final GcPolicy DISABLED_COLLECT_FREEZE =
      new GcPolicy("disabled-collect-freeze").disable().collect().freeze().build();

  private static final List<GcPolicy> NAMED =
      List.of(
          DEFAULT,
          DISABLED,
          THRESHOLD0,
          HIGH_THRESHOLD,
          FREEZE,
          COLLECT_FREEZE,
          IMMORTAL,
          DISABLED_FREEZE,
          DISABLED_COLLECT_FREEZE);

  private static final String THRESHOLD_PREFIX = "threshold=";
  private static final int THRESHOLD_MAX = 1_000_000_000;

  private final String name;
  private boolean disables;
  private boolean collects;
  private boolean freezes;
  private boolean immortalizes;
  private int @Nullable [] thresholds;

  private GcPolicy(String name) {
    this.name = name;
  }

  /** The names of the ready-made settings. */
  public static List<String> names() {
    return NAMED.stream().map(GcPolicy::name).toList();
  }

  /**
   * Finds a setting by its name, or reads {@code threshold=a,b,c}.
   *
   * @throws IllegalArgumentException with a message that says what is known
   */
  public static GcPolicy parse(String text) {
    String wanted = text.strip();
    for (GcPolicy policy : NAMED) {
      if (policy.name.equals(wanted)) {
        return policy;
      }
    }
    if (wanted.startsWith(THRESHOLD_PREFIX)) {
      return parseThresholds(wanted);
    }
    throw new IllegalArgumentException(
        "unknown GC setting \""
            + wanted
            + "\"; known: "
            + String.join(", ", names())
            + ", threshold=a,b,c");
  }

  private static GcPolicy parseThresholds(String text) {
    String[] parts = text.substring(THRESHOLD_PREFIX.length()).split(",", -1);
    int[] values = new int[3];
    boolean valid = parts.length == 3;
    for (int i = 0; valid && i < 3; i++) {
      valid = parts[i].matches("\\d{1,10}") && Long.parseLong(parts[i]) <= THRESHOLD_MAX;
      if (valid) {
        values[i] = Integer.parseInt(parts[i]);
      }
    }
    if (!valid) {
      throw new IllegalArgumentException(
          "GC setting \"" + text + "\" must be threshold=a,b,c with numbers from 0 to 1000000000");
    }
    return new GcPolicy(text).threshold(values[0], values[1], values[2]).build();
  }

  public String name() {
    return name;
  }

  /** Whether the collector never ran while the application was loaded. */
  public boolean loadsWithoutCollector() {
    int[] t = thresholds;
    return disables || (t != null && t[0] == 0);
  }

  /** Whether the collector is disabled, in the master and so in its workers. */
  public boolean disables() {
    return disables;
  }

  public boolean collectsBeforeFork() {
    return collects;
  }

  public boolean freezesBeforeFork() {
    return freezes;
  }

  public boolean immortalizes() {
    return immortalizes;
  }

  /**
   * The threshold set for a generation.
   *
   * @param otherwise what holds where the policy sets none
   */
  public int threshold(int generation, int otherwise) {
    int[] t = thresholds;
    return t == null || t[generation] < 0 ? otherwise : t[generation];
  }

  @Override
  public String toString() {
    return name;
  }

  private GcPolicy disable() {
    disables = true;
    return this;
  }

  private GcPolicy collect() {
    collects = true;
    return this;
  }

  private GcPolicy freeze() {
    freezes = true;
    return this;
  }

  private GcPolicy immortalize() {
    immortalizes = true;
    return this;
  }

  private GcPolicy threshold(int t0, int t1, int t2) {
    thresholds = new int[] {t0, t1, t2};
    return this;
  }

  private GcPolicy build() {
    return this;
  }
}
