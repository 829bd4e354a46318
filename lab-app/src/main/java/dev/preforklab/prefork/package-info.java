@NullMarked
package dev.preforklab.prefork;

import org.jspecify.annotations.NullMarked;
