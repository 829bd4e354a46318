/**
 * The generational collector. Read {@link dev.preforklab.cpython.gc.Collector#collect} first, then
 * {@link dev.preforklab.cpython.gc.CycleDetector}.
 */
@NullMarked
package dev.preforklab.cpython.gc;

import org.jspecify.annotations.NullMarked;
