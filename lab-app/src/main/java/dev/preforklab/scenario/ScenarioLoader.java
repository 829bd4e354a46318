package dev.preforklab.scenario;

import dev.preforklab.prefork.ExitMode;
import dev.preforklab.prefork.GcPolicy;
import dev.preforklab.prefork.PreforkSettings;
import dev.preforklab.scenario.Scenario.Arrivals;
import dev.preforklab.scenario.Scenario.Dispatch;
import dev.preforklab.scenario.Scenario.HostSpec;
import dev.preforklab.scenario.Scenario.LoadSpec;
import dev.preforklab.scenario.Scenario.Order;
import dev.preforklab.scenario.Scenario.RunSpec;
import dev.preforklab.scenario.Scenario.ServiceSpec;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.io.StringReader;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Builds a {@link Scenario} in layers: the reference, what a command presumes, a file, options. A
 * later layer wins key by key.
 */
public final class ScenarioLoader {
  private static final long FILE_BYTES_MAX = 1 << 20;
  private static final long MIB = 1L << 20;
  private static final long DAY_NS = 86_400_000_000_000L;
  private static final long MILLISECOND_NS = 1_000_000L;

  private final Map<String, Setting> merged = new LinkedHashMap<>();

  public ScenarioLoader() {
    InputStream in = ScenarioLoader.class.getResourceAsStream("reference.yaml");
    if (in == null) {
      throw new IllegalStateException("reference.yaml is not on the class path");
    }
    try (Reader reader = new InputStreamReader(in, StandardCharsets.UTF_8)) {
      merged.putAll(YamlSettings.read("reference.yaml", reader));
    } catch (IOException e) {
      throw new IllegalStateException("reference.yaml cannot be read", e);
    }
  }

  /**
   * Lays a scenario file over what is there.
   *
   * @throws InputException if the file cannot be read or names an unknown key
   */
  public ScenarioLoader file(Path file) {
    String text;
    try {
      if (!Files.exists(file)) {
        throw new InputException(file + ": no such file");
      }
      if (!Files.isRegularFile(file)) {
        throw new InputException(file + ": is not a file");
      }
      if (Files.size(file) > FILE_BYTES_MAX) {
        throw new InputException(file + ": is over 1 MiB, too long for a scenario");
      }
      text = Files.readString(file);
    } catch (CharacterCodingException e) {
      throw new InputException(file + ": is not UTF-8 text", e);
    } catch (IOException e) {
      throw new InputException(file + ": cannot be read (" + e.getMessage() + ")", e);
    }
    Map<String, Setting> read = YamlSettings.read(file.toString(), new StringReader(text));
    read.forEach(
        (key, setting) -> {
          requireKnown(key, setting.origin());
          merged.put(key, key.equals("profile") ? besideFile(file, setting) : setting);
        });
    return this;
  }

  /** A profile's path in a file is relative to that file. */
  private static Setting besideFile(Path file, Setting setting) {
    String text = setting.text();
    Path parent = file.getParent();
    if (text == null || parent == null || !isPath(text)) {
      return setting;
    }
    try {
      return Setting.ofText(setting.origin(), parent.resolve(text).toString());
    } catch (InvalidPathException e) {
      throw setting.error("a path");
    }
  }

  /** Whether a profile is named by its path rather than by its name. */
  public static boolean isPath(String profile) {
    return profile.indexOf('/') >= 0 || profile.endsWith(".gz");
  }

  /**
   * Lays one value over what is there.
   *
   * @param origin how an error names it, such as {@code --rate}
   */
  public ScenarioLoader set(String key, String value, String origin) {
    requireKnown(key, origin);
    merged.put(key, Setting.ofText(origin, value));
    return this;
  }

  /** Lays {@code KEY=VALUE} over what is there, as {@code --set} gives it. */
  public ScenarioLoader set(String assignment) {
    int equals = assignment.indexOf('=');
    if (equals < 1) {
      throw new InputException("--set " + assignment + ": must be KEY=VALUE");
    }
    String key = assignment.substring(0, equals).strip();
    return set(key, assignment.substring(equals + 1), "--set " + key);
  }

  /** Whether a key has this value so far. */
  public boolean isSetTo(String key, String value) {
    Setting setting = merged.get(key);
    return setting != null && value.equals(setting.text());
  }

  private void requireKnown(String key, String origin) {
    if (!merged.containsKey(key)) {
      throw new InputException(
          origin + ": there is no such key" + Suggestions.didYouMean(key, merged.keySet()));
    }
  }

  /**
   * Checks everything.
   *
   * @throws InputException at the first value that cannot be used
   */
  public Scenario load() {
    ScenarioSettings s = new ScenarioSettings(merged);
    return new Scenario(
        s.text("name", 80),
        s.text("profile", 4096),
        s.text("python", 20),
        gcPolicies(s),
        s.integer("seed", Long.MIN_VALUE, Long.MAX_VALUE, "a whole number"),
        new HostSpec(
            s.bytes("host.ram", 16 * MIB, 8192 * MIB, false),
            (int) s.integer("host.cores", 1, 256, "a whole number")),
        new ServiceSpec(
            new PreforkSettings(
                (int) s.integer("service.workers", 1, 128, "a whole number"),
                (int) s.integer("service.max-requests", 0, 1_000_000_000, "a whole number"),
                (int) s.integer("service.max-requests-jitter", 0, 1_000_000_000, "a whole number"),
                s.bytes("service.reload-on-rss", MIB, 8192 * MIB, true),
                s.choice("service.exit", ExitMode.values())),
            (int) s.integer("service.backlog", 0, 65_535, "a whole number"),
            s.choice("service.dispatch", Dispatch.values())),
        new LoadSpec(
            s.choice("load.arrivals", Arrivals.values()),
            s.number("load.rate", 0.001, 100_000, "a number of requests a second"),
            (int) s.integer("load.burst-size", 1, 100_000, "a whole number"),
            (int) s.integer("load.users", 1, 100_000, "a whole number"),
            s.nanoseconds("load.think-time", 0, DAY_NS),
            s.choice("load.order", Order.values()),
            s.weights("load.mix", 1_000)),
        new RunSpec(
            s.integer("run.requests", 0, 100_000_000, "a whole number"),
            s.isNone("run.duration")
                ? 0
                : s.nanoseconds("run.duration", MILLISECOND_NS, 365 * DAY_NS),
            s.nanoseconds("run.sample-every", MILLISECOND_NS, DAY_NS),
            s.number("run.speed", 0.001, 1_000, "a number of simulated seconds a second")));
  }

  private static List<GcPolicy> gcPolicies(ScenarioSettings s) {
    List<GcPolicy> policies = new ArrayList<>();
    for (String name : s.list("gc", 16)) {
      try {
        policies.add(GcPolicy.parse(name));
      } catch (IllegalArgumentException e) {
        throw new InputException(
            s.origin("gc") + ": " + e.getMessage() + Suggestions.didYouMean(name, GcPolicy.names()),
            e);
      }
    }
    return policies;
  }

  /** An error about a key's value that only its user can find, such as an unknown endpoint. */
  public InputException error(String key, String problem) {
    return new InputException(new ScenarioSettings(merged).origin(key) + ": " + problem);
  }
}
