/** Tests of the profile reader, the heap loader and the replayer. */
@NullMarked
package dev.preforklab.prefork.profile;

import org.jspecify.annotations.NullMarked;
