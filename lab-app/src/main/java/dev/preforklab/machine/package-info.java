/**
 * The simulated Linux host: physical memory, page tables, processes, page faults and what {@code
 * /proc} says of them. Start with {@link dev.preforklab.machine.Kernel}, the only door for system
 * calls; then read {@link dev.preforklab.machine.paging.FaultHandler}.
 */
@NullMarked
package dev.preforklab.machine;

import org.jspecify.annotations.NullMarked;
