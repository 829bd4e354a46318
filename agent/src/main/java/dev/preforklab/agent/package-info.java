/**
 * The instrumentation agent: attaches to the lab's static probes by name and publishes what they
 * tell. Start with {@link dev.preforklab.agent.PreforkAgent}, then {@link
 * dev.preforklab.agent.Installer}.
 */
@NullMarked
package dev.preforklab.agent;

import org.jspecify.annotations.NullMarked;
