/** Tests of the cli package. */
@NullMarked
package dev.preforklab.cli;

import org.jspecify.annotations.NullMarked;
