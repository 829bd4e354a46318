/** Tests of the load package. */
@NullMarked
package dev.preforklab.load;

import org.jspecify.annotations.NullMarked;
