package dev.preforklab.experiment.live;

/**
 * One process of a host.
 *
 * @param slot worker slot, -1 for the master
 * @param state BOOTING, IDLE, BUSY, DRAINING or DEAD
 * @param sharedBytes Shared_Clean + Shared_Dirty
 * @param privateBytes Private_Clean + Private_Dirty
 */
public record WorkerSnapshot(
    int slot,
    int pid,
    String state,
    long requests,
    long rssBytes,
    long pssBytes,
    long sharedBytes,
    long privateBytes,
    long minorFaults,
    long majorFaults,
    long cowCopies,
    long gcCount0,
    long gcCount1,
    long gcCount2) {}
