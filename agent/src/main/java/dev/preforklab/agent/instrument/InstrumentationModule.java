package dev.preforklab.agent.instrument;

import java.util.Locale;

/** A group of probes that is switched on and off together by the agent argument {@code modules}. */
public enum InstrumentationModule {
  /** Hosts come and go; always on, since every label comes from it. */
  HOSTS,
  /** Fork, exit, restart of workers. */
  LIFECYCLE,
  /** Each page fault by kind; the probe that fires most often. */
  FAULTS,
  /** Collections, generation counts, thresholds, statistics. */
  GC,
  /** pymalloc arenas mapped and returned. */
  ARENAS,
  /** Requests: durations and spans. */
  REQUESTS,
  /** Sampled memory, fault, refcount and CPU figures of each process and of the host. */
  MEMORY;

  /** The name by which {@code modules=} knows it. */
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }
}
