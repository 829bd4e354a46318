/**
 * The prefork service: a master that loads a captured application and the workers forked from it.
 * Read {@link dev.preforklab.prefork.Arbiter} first.
 */
@NullMarked
package dev.preforklab.prefork;

import org.jspecify.annotations.NullMarked;
