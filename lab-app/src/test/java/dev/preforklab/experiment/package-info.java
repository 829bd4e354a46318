/** Tests of the experiment package. */
@NullMarked
package dev.preforklab.experiment;

import org.jspecify.annotations.NullMarked;
