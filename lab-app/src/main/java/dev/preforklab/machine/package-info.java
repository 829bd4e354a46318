@NullMarked
package dev.preforklab.machine;

import org.jspecify.annotations.NullMarked;
