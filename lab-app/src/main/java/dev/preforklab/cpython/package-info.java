/**
 * The interpreter's memory: object heads, reference counts, allocator and collector as words in
 * simulated memory. Read {@code gc.Collector} first, then {@code obmalloc.PyMalloc}.
 *
 * <p>The interpreter knows its machine only as {@link dev.preforklab.cpython.Host}.
 */
@NullMarked
package dev.preforklab.cpython;

import org.jspecify.annotations.NullMarked;
