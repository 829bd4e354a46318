/**
 * Processes and their address spaces. Start with {@link
 * dev.preforklab.machine.process.AddressSpace}.
 */
@NullMarked
package dev.preforklab.machine.process;

import org.jspecify.annotations.NullMarked;
