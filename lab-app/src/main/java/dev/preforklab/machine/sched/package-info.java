/** Cores and their run queue. Start with {@link dev.preforklab.machine.sched.Scheduler}. */
@NullMarked
package dev.preforklab.machine.sched;

import org.jspecify.annotations.NullMarked;
