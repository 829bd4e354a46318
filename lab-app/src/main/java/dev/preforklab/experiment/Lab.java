package dev.preforklab.experiment;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.prefork.GcPolicy;
import dev.preforklab.prefork.profile.Profile;
import dev.preforklab.prefork.profile.ProfilePair;
import dev.preforklab.probe.Probes;
import dev.preforklab.scenario.InputException;
import dev.preforklab.scenario.Scenario;
import dev.preforklab.sim.EventQueue;
import dev.preforklab.sim.PrngStreams;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A scenario and the profile it names, checked against each other: from here each simulated host
 * can be built. Immutable, so that hosts can be built by several threads.
 */
public final class Lab {
  /** Makes the error about a key of the scenario, naming where its value was written. */
  @FunctionalInterface
  public interface KeyErrors {
    InputException error(String key, String problem);
  }

  private final Scenario scenario;
  private final Profile profile;
  private final @Nullable Profile loadedWithoutCollector;
  private final int[] weights;
  private final List<String> notes;

  /** Whether 3.14's collector takes the place of that of the captured release. */
  private final boolean incremental;

  /**
   * @throws InputException if the scenario asks for what the profile has not
   */
  public Lab(Scenario scenario, ProfilePair profiles, KeyErrors errors) {
    this.scenario = scenario;
    Profile captured = profiles.profile();
    String python = scenario.python();
    incremental = isIncremental(python) && !python.equals(captured.release());
    Profile off =
        scenario.gc().stream().anyMatch(GcPolicy::loadsWithoutCollector)
            ? profiles.loadedWithoutCollector()
            : null;
    this.profile = incremental ? captured.withIncrementalCollector() : captured;
    this.loadedWithoutCollector = incremental && off != null ? off.withIncrementalCollector() : off;
    this.weights = weights(scenario, profile, errors);
    this.notes = notes(scenario.gc(), profiles);
    if (!incremental
        && !python.equals(Scenario.PYTHON_OF_PROFILE)
        && !python.equals(profile.release())) {
      throw errors.error(
          "python",
          "the profile "
              + profile.name()
              + " was captured from CPython "
              + profile.release()
              + " and holds its addresses; "
              + python
              + " needs a profile captured from that release");
    }
  }

  /**
   * A line for each way in which a setting would have acted while the application was loaded and
   * that the captured heap knows nothing of.
   */
  private static List<String> notes(List<GcPolicy> settings, ProfilePair profiles) {
    List<String> off = new ArrayList<>();
    List<String> thresholds = new ArrayList<>();
    Profile captured = profiles.profile();
    int[] own = captured.gc().thresholds();
    for (GcPolicy policy : settings) {
      if (policy.loadsWithoutCollector()) {
        if (captured.gc().enabled() && !profiles.hasImageWithoutCollector()) {
          off.add(policy.name());
        }
      } else if (!captured.knowsLoading()
          && (policy.threshold(0, own[0]) != own[0]
              || policy.threshold(1, own[1]) != own[1]
              || policy.threshold(2, own[2]) != own[2])) {
        thresholds.add(policy.name());
      }
    }
    List<String> notes = new ArrayList<>();
    if (!off.isEmpty()) {
      notes.add(
          String.join(", ", off)
              + ": on a heap that was loaded with the collector on; preforklab_capture.py --gc"
              + " disabled, kept beside the profile as NAME.gc-off.profile.gz, gives the right one");
    }
    if (!thresholds.isEmpty()) {
      notes.add(
          String.join("; ", thresholds)
              + ": on a heap that was loaded with thresholds "
              + own[0]
              + ","
              + own[1]
              + ","
              + own[2]
              + "; a profile captured with --threshold, or anew, gives the right one");
    }
    return List.copyOf(notes);
  }

  /** What a reader of the result should know of the profile, a line each. */
  public List<String> notes() {
    return notes;
  }

  private static boolean isIncremental(String python) {
    try {
      return PythonVersion.parse(python).incremental;
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  private static int[] weights(Scenario scenario, Profile profile, KeyErrors errors) {
    List<Profile.Endpoint> endpoints = profile.endpoints();
    Map<String, Integer> mix = scenario.load().mix();
    if (mix.isEmpty()) {
      return endpoints.stream().mapToInt(Profile.Endpoint::weight).toArray();
    }
    int[] weights = new int[endpoints.size()];
    mix.forEach(
        (name, weight) -> {
          boolean known = false;
          for (int i = 0; i < weights.length; i++) {
            Profile.Endpoint endpoint = endpoints.get(i);
            if (name.equals(endpoint.route())
                || name.equals(endpoint.method() + " " + endpoint.route())) {
              weights[i] = weight;
              known = true;
            }
          }
          if (!known) {
            throw errors.error(
                "load.mix",
                "the profile "
                    + profile.name()
                    + " has no endpoint \""
                    + name
                    + "\"; known: "
                    + String.join(", ", endpoints.stream().map(Profile.Endpoint::route).toList()));
          }
        });
    if (Arrays.stream(weights).sum() == 0) {
      throw errors.error("load.mix", "no endpoint has a weight above 0");
    }
    return weights;
  }

  public Scenario scenario() {
    return scenario;
  }

  public Profile profile() {
    return profile;
  }

  /** The simulated release, such as 3.11, and if it has another's collector, that. */
  public String python() {
    return incremental
        ? profile.release() + " heap, 3.14 collector, " + PythonVersion.NOT_VERIFIED
        : profile.release();
  }

  /**
   * The release as metrics have it: with its micro number, and never without what is unverified.
   */
  String probedPython() {
    return incremental ? python() : profile.python();
  }

  /**
   * Builds and boots the host of one GC setting, by its place in the scenario.
   *
   * @throws InputException if its RAM is too small for the master
   */
  Simulation host(int index) {
    GcPolicy policy = scenario.gc().get(index);
    Profile off = loadedWithoutCollector;
    Profile image = off != null && policy.loadsWithoutCollector() ? off : profile;
    announce(index, policy);
    EventQueue events = new EventQueue();
    PrngStreams streams = new PrngStreams(scenario.seed());
    try {
      PreforkService service = new ArbiterService(scenario, policy, image, index, events, streams);
      return new Simulation(
          scenario, policy.name(), profile.endpoints(), weights, index, events, streams, service);
    } catch (Host.OutOfMemory e) {
      throw new InputException(
          "host.ram: "
              + (scenario.host().ramBytes() >> 20)
              + " MiB are too little to load the profile "
              + profile.name(),
          e);
    }
  }

  private void announce(int index, GcPolicy policy) {
    Probes.hostStarted(
        index,
        scenario.name(),
        policy.name(),
        probedPython(),
        scenario.service().prefork().workers());
    for (int i = 0; i < profile.endpoints().size(); i++) {
      Profile.Endpoint endpoint = profile.endpoints().get(i);
      Probes.endpointNamed(index, i, endpoint.method(), endpoint.route());
    }
  }
}
