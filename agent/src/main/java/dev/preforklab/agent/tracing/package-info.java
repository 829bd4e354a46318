/**
 * OpenTelemetry: spans of requests and the OTel form of the metrics, only where an exporter is
 * configured. Start with {@link dev.preforklab.agent.tracing.TracingSetup}.
 */
@NullMarked
package dev.preforklab.agent.tracing;

import org.jspecify.annotations.NullMarked;
