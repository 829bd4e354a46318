package dev.preforklab.experiment;

import dev.preforklab.machine.SmapsRollup;

/**
 * All that one process tells at one moment; counters run from the process's start.
 *
 * @param slot worker slot, -1 for the master
 * @param requests served by this process
 * @param cowFaults pages copied by cause: refcount, gc_header, allocator, finalize, data
 * @param gcCounts the three generation counts
 * @param longLived long_lived_total and long_lived_pending
 * @param gcStats collections, collected, uncollectable of each generation, as gc.get_stats tells
 * @param gcStatsAtFork the same when the process was forked: a child inherits its parent's
 */
@SuppressWarnings("ArrayRecordComponent") // made for one look, never compared or kept
record ProcessReadout(
    int slot,
    int pid,
    String state,
    long requests,
    SmapsRollup memory,
    long virtualBytes,
    long startNs,
    long cpuNs,
    long minorFaults,
    long majorFaults,
    long[] cowFaults,
    long increfShared,
    long increfPrivate,
    long decrefShared,
    long decrefPrivate,
    long[] gcCounts,
    long[] gcThresholds,
    long[] longLived,
    long[][] gcStats,
    long[][] gcStatsAtFork) {

  long refcountWrites() {
    return increfShared + increfPrivate + decrefShared + decrefPrivate;
  }

  long collectionsSinceFork(int generation) {
    return gcStats[generation][0] - gcStatsAtFork[generation][0];
  }

  long collectedSinceFork(int generation) {
    return gcStats[generation][1] - gcStatsAtFork[generation][1];
  }

  long cowCopies() {
    long sum = 0;
    for (long copies : cowFaults) {
      sum += copies;
    }
    return sum;
  }
}
