package dev.preforklab.agent.metrics;

/** What an exemplar says of the sampled span it stands for: both in lower-case hex. */
public record SpanIdentity(String traceId, String spanId) {}
