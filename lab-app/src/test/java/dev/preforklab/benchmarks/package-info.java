/**
 * JMH benchmarks; not part of the test suite. Start with {@link
 * dev.preforklab.benchmarks.FullCollectionBenchmark}.
 */
@NullMarked
package dev.preforklab.benchmarks;

import org.jspecify.annotations.NullMarked;
