@NullMarked
package dev.preforklab.sim;

import org.jspecify.annotations.NullMarked;
