package dev.preforklab.experiment.live;

import java.util.List;

/**
 * One simulated host. Rates are per simulated second over the last snapshot interval; memory
 * figures are the mean of a worker, in bytes; latencies are milliseconds over the last ten seconds.
 *
 * @param gcCounts the three generation counts, mean of a worker
 * @param gcCollections collections of generations 0, 1, 2 since start, over all workers
 * @param cowFaults copies since start by cause: refcount, gc_header, allocator, finalize, data
 * @param cowPerSecond the same as rates
 * @param refcountWritesShared refcount stores a second that hit a shared page
 * @param queued requests that wait for a worker
 */
public record HostSnapshot(
    String gc,
    long requests,
    long errors,
    double requestsPerSecond,
    double latencyP50Ms,
    double latencyP95Ms,
    double latencyP99Ms,
    double sharedRatio,
    double rssBytes,
    double pssBytes,
    double ussBytes,
    double hostUsedBytes,
    double hostTotalBytes,
    List<Double> gcCounts,
    List<Integer> gcThresholds,
    List<Long> gcCollections,
    double gcPauseMsTotal,
    double refcountWritesPerSecond,
    double refcountWritesShared,
    double minorFaultsPerSecond,
    double majorFaultsPerSecond,
    long minorFaults,
    long majorFaults,
    List<Long> cowFaults,
    List<Double> cowPerSecond,
    int queued,
    long restarts,
    WorkerSnapshot master,
    List<WorkerSnapshot> workers) {}
