/** The instrumentation agent. Start with {@code PreforkAgent}. */
@NullMarked
package dev.preforklab.agent;

import org.jspecify.annotations.NullMarked;
