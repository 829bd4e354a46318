/**
 * What stands in an object's memory: heads, the collector's intrusive lists, types and where their
 * references are. Start with {@link dev.preforklab.cpython.layout.TypeSpec}.
 */
@NullMarked
package dev.preforklab.cpython.layout;

import org.jspecify.annotations.NullMarked;
