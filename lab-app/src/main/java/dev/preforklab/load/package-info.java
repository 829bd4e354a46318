/**
 * Traffic: when requests arrive, what they ask for, which worker takes them, how long they took.
 * Start with {@link dev.preforklab.load.LoadGenerator}.
 */
@NullMarked
package dev.preforklab.load;

import org.jspecify.annotations.NullMarked;
