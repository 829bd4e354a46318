/**
 * Replays recorded collector operations in the simulated interpreter. Read {@link
 * dev.preforklab.cpython.replay.ReplayEngine} first.
 */
@NullMarked
package dev.preforklab.cpython.replay;

import org.jspecify.annotations.NullMarked;
