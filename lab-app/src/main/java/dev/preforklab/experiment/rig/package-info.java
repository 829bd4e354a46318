/** Runs heap recipes for the command line; start at {@link dev.preforklab.experiment.rig.Rig}. */
@NullMarked
package dev.preforklab.experiment.rig;

import org.jspecify.annotations.NullMarked;
