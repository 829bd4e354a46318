/** The page fault handler. Start with {@link dev.preforklab.machine.paging.FaultHandler}. */
@NullMarked
package dev.preforklab.machine.paging;

import org.jspecify.annotations.NullMarked;
