/**
 * Captured applications: the profile file and how it becomes a simulated heap and simulated
 * requests. Read {@link dev.preforklab.prefork.profile.Profile} first, then {@code HeapLoader} and
 * {@code RequestReplayer}.
 */
@NullMarked
package dev.preforklab.prefork.profile;

import org.jspecify.annotations.NullMarked;
