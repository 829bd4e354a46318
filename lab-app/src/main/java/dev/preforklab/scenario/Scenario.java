package dev.preforklab.scenario;

import dev.preforklab.prefork.GcPolicy;
import dev.preforklab.prefork.PreforkSettings;
import java.util.List;
import java.util.Map;

/**
 * One experiment, complete and checked: nothing that runs it needs to doubt a value again.
 *
 * @param profile name or path of the captured application, as written
 * @param python CPython release, or {@link #PYTHON_OF_PROFILE}
 * @param gc the GC settings, one simulated host each, in the order of reports
 */
public record Scenario(
    String name,
    String profile,
    String python,
    List<GcPolicy> gc,
    long seed,
    HostSpec host,
    ServiceSpec service,
    LoadSpec load,
    RunSpec run) {

  /** Stands for the release that the profile was captured from. */
  public static final String PYTHON_OF_PROFILE = "profile";

  public Scenario {
    gc = List.copyOf(gc);
  }

  /** The machine that each GC setting gets one of. */
  public record HostSpec(long ramBytes, int cores) {}

  /**
   * The prefork service.
   *
   * @param backlog requests that may wait for a worker
   */
  public record ServiceSpec(PreforkSettings prefork, int backlog, Dispatch dispatch) {}

  /** Which idle worker takes a request. */
  public enum Dispatch {
    LONGEST_IDLE,
    LAST_IDLE,
    LOWEST_SLOT,
    RANDOM
  }

  /**
   * The offered load.
   *
   * @param rate requests a simulated second (open loop)
   * @param thinkTimeNs between an answer and the user's next request (closed loop)
   * @param mix weight by endpoint as written, empty = the profile's own weights
   */
  public record LoadSpec(
      Arrivals arrivals,
      double rate,
      int burstSize,
      int users,
      long thinkTimeNs,
      Order order,
      Map<String, Integer> mix) {
    public LoadSpec {
      mix = java.util.Collections.unmodifiableMap(new java.util.LinkedHashMap<>(mix));
    }
  }

  /** The arrival process. */
  public enum Arrivals {
    POISSON,
    CONSTANT,
    BURSTS,
    CLOSED
  }

  /** The order of endpoints. */
  public enum Order {
    IN_TURN,
    RANDOM
  }

  /**
   * How far and how fast.
   *
   * @param requests answered requests after which a host ends, 0 = no limit
   * @param durationNs simulated time after which a host ends, 0 = no limit
   * @param speed simulated seconds in a second of wall time, live runs only
   */
  public record RunSpec(long requests, long durationNs, long sampleEveryNs, double speed) {}
}
