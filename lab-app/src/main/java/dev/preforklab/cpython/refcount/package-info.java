/**
 * Reference counts, deallocation and free lists. Read {@link
 * dev.preforklab.cpython.refcount.RefCounts} first.
 */
@NullMarked
package dev.preforklab.cpython.refcount;

import org.jspecify.annotations.NullMarked;
