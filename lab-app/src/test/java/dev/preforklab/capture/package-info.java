/** The Python side of a capture, run in the interpreters that are found. */
@NullMarked
package dev.preforklab.capture;

import org.jspecify.annotations.NullMarked;
