/** Tests of the allocator against logs of real ones and against a plain model. */
@NullMarked
package dev.preforklab.cpython.obmalloc;

import org.jspecify.annotations.NullMarked;
