/** Tests of the agent; those named IT run the built jar in a JVM of its own. */
@NullMarked
package dev.preforklab.agent;

import org.jspecify.annotations.NullMarked;
