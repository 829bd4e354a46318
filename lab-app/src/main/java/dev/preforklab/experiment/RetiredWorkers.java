package dev.preforklab.experiment;

import java.util.Arrays;

/** What ended workers had come to since their forks, summed, so that totals never fall. */
final class RetiredWorkers {
  long cpuNs;
  long minorFaults;
  long majorFaults;
  long refcountWrites;
  long refcountWritesShared;
  final long[] cowFaults = new long[5];
  final long[] gcCollections = new long[3];
  long gcCollected;

  /** Adds one process's counters. */
  void add(ProcessReadout p) {
    cpuNs += p.cpuNs();
    minorFaults += p.minorFaults();
    majorFaults += p.majorFaults();
    refcountWrites += p.refcountWrites();
    refcountWritesShared += p.increfShared() + p.decrefShared();
    for (int i = 0; i < cowFaults.length; i++) {
      cowFaults[i] += p.cowFaults()[i];
    }
    for (int generation = 0; generation < gcCollections.length; generation++) {
      gcCollections[generation] += p.collectionsSinceFork(generation);
      gcCollected += p.collectedSinceFork(generation);
    }
  }

  /** A copy to which running workers can be added. */
  RetiredWorkers copy() {
    RetiredWorkers copy = new RetiredWorkers();
    copy.cpuNs = cpuNs;
    copy.minorFaults = minorFaults;
    copy.majorFaults = majorFaults;
    copy.refcountWrites = refcountWrites;
    copy.refcountWritesShared = refcountWritesShared;
    System.arraycopy(cowFaults, 0, copy.cowFaults, 0, cowFaults.length);
    System.arraycopy(gcCollections, 0, copy.gcCollections, 0, gcCollections.length);
    copy.gcCollected = gcCollected;
    return copy;
  }

  long cowCopies() {
    return Arrays.stream(cowFaults).sum();
  }
}
