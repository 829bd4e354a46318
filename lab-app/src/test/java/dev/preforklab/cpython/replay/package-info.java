/** Tests of trace replay against real interpreters. */
@NullMarked
package dev.preforklab.cpython.replay;

import org.jspecify.annotations.NullMarked;
