package dev.preforklab.experiment;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What one GC setting came to. Memory figures are the mean of a worker at the end, in bytes; counts
 * are sums over all workers since their forks, those that have been replaced included.
 *
 * @param requests answered well
 * @param errors refused, or the worker died
 * @param simulatedNs from the start of the load to the end of the run
 * @param cpuNsPerRequest CPU time of the workers since the load began, for each answered request
 * @param sharedRatio shared over resident bytes, sum over sum
 * @param masterRssBytes the master's own resident memory
 * @param hostUsedBytes RAM of the simulated host that is not available at the end
 * @param minorFaultsPerRequest faults of the workers since the load began
 * @param gcCollections by generation 0, 1, 2
 * @param gcCollected objects that the collector freed
 * @param cowFaults pages copied by cause: refcount, gc_header, allocator, finalize, data
 * @param refcountWrites stores to reference counts
 * @param llcMissRatio last-level cache misses over references, null while the cache is not modelled
 * @param masterGc null if the master has gone
 * @param restarts workers replaced, by reason: rss_limit, max_requests, reload, oom
 */
public record HostResult(
    String gc,
    long requests,
    long errors,
    long simulatedNs,
    double throughputRps,
    Latency latency,
    double cpuNsPerRequest,
    double sharedRatio,
    double rssBytes,
    double pssBytes,
    double ussBytes,
    double masterRssBytes,
    double hostUsedBytes,
    double minorFaultsPerRequest,
    long majorFaults,
    List<Long> gcCollections,
    long gcCollected,
    Latency gcPause,
    long gcPauseTotalNs,
    List<Long> cowFaults,
    long refcountWrites,
    long refcountWritesShared,
    @Nullable Double llcMissRatio,
    @Nullable MasterGc masterGc,
    List<Long> restarts,
    List<EndpointResult> endpoints,
    List<Checkpoint> checkpoints) {

  /** Percentiles in nanoseconds; all 0 if nothing was recorded. */
  public record Latency(long count, long p50Ns, long p95Ns, long p99Ns, long maxNs) {}

  /**
   * The master's collector, which its workers have inherited: when their first full collections
   * come depends on it.
   *
   * @param counts of the three generations
   * @param collections of the three generations
   * @param longLived long_lived_total and long_lived_pending
   */
  public record MasterGc(List<Long> counts, List<Long> collections, List<Long> longLived) {}

  /** One endpoint's answers. */
  public record EndpointResult(String method, String route, Latency latency) {}

  /**
   * The workers' memory at a moment.
   *
   * @param requests answered so far
   * @param faults minor faults of all workers since their forks
   */
  public record Checkpoint(
      long requests,
      long simulatedNs,
      double sharedRatio,
      double rssBytes,
      double pssBytes,
      double ussBytes,
      long faults,
      List<Long> gcCollections) {}
}
