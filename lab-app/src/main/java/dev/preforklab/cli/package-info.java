@NullMarked
package dev.preforklab.cli;

import org.jspecify.annotations.NullMarked;
