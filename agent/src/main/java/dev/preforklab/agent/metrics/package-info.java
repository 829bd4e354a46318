/**
 * What the probes told, kept in flat arrays by host and worker slot, and the collectors that turn
 * it into Prometheus series at scrape time. Start with {@link
 * dev.preforklab.agent.metrics.HostSeries}.
 */
@NullMarked
package dev.preforklab.agent.metrics;

import org.jspecify.annotations.NullMarked;
