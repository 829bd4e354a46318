/** Tests of the collector against reachability and reference counts computed independently. */
@NullMarked
package dev.preforklab.cpython.gc;

import org.jspecify.annotations.NullMarked;
