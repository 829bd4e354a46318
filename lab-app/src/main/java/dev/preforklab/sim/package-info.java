/**
 * The deterministic kernel of a run: simulated time, the event queue, seeded random streams and the
 * cost model. Start with {@link dev.preforklab.sim.EventQueue}.
 */
@NullMarked
package dev.preforklab.sim;

import org.jspecify.annotations.NullMarked;
