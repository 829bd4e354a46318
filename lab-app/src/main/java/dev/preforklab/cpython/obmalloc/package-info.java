/**
 * The small-object allocator, arena by pool by block in simulated memory, and the C library's heap
 * behind it. Read {@link dev.preforklab.cpython.obmalloc.PyMalloc} first.
 */
@NullMarked
package dev.preforklab.cpython.obmalloc;

import org.jspecify.annotations.NullMarked;
