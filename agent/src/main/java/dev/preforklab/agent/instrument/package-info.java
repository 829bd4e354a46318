/**
 * Which advice goes onto which probe. Start with {@link
 * dev.preforklab.agent.instrument.ProbeContract}.
 */
@NullMarked
package dev.preforklab.agent.instrument;

import org.jspecify.annotations.NullMarked;
