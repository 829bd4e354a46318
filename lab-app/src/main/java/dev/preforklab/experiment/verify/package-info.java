/**
 * Holds the simulated interpreter against the real ones of this machine, with traces and recipes.
 * Start at {@link dev.preforklab.experiment.verify.Verification}.
 */
@NullMarked
package dev.preforklab.experiment.verify;

import org.jspecify.annotations.NullMarked;
