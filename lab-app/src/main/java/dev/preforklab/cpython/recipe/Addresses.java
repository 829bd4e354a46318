package dev.preforklab.cpython.recipe;

/**
 * How the real process that a simulated one stands for has its addresses chosen. Simulated
 * addresses are always those of a process without randomisation; what differs is how many pages of
 * its libraries such a process has in memory, as fault-around maps the 16 aligned pages around a
 * fault.
 */
public enum Addresses {
  /** At random, as everywhere by default: as many library pages as the median process has. */
  RANDOM,
  /** By {@code ADDR_NO_RANDOMIZE}: each run is the same as the one before. */
  FIXED
}
