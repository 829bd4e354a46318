package dev.preforklab.sim;

/** What happens at a moment of simulated time. */
@FunctionalInterface
public interface Event {
  /** Runs the event; {@code nowNs} is its time, in nanoseconds since the start of the run. */
  void run(long nowNs);
}
