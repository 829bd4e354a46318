/** A copy of the lab's probes, so that the agent is tested without the lab. */
@NullMarked
package dev.preforklab.probe;

import org.jspecify.annotations.NullMarked;
