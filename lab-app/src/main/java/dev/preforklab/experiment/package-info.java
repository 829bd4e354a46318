/**
 * Runs one simulated host for each GC setting of a scenario. Start with {@link
 * dev.preforklab.experiment.Simulation}.
 */
@NullMarked
package dev.preforklab.experiment;

import org.jspecify.annotations.NullMarked;
