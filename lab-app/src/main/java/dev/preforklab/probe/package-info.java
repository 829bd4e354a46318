/**
 * The lab's static probes: the agent's attach points. Start with {@link
 * dev.preforklab.probe.Probes}.
 *
 * <p>The package depends on nothing; everything from the machine to the experiment may call it.
 */
@NullMarked
package dev.preforklab.probe;

import org.jspecify.annotations.NullMarked;
