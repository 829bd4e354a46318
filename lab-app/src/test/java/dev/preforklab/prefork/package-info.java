/** Tests of the prefork service. */
@NullMarked
package dev.preforklab.prefork;

import org.jspecify.annotations.NullMarked;
