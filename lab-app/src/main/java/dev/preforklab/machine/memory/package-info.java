/**
 * Frames of physical memory: who owns them, which are free, what they hold. Start with {@link
 * dev.preforklab.machine.memory.FrameTable}.
 */
@NullMarked
package dev.preforklab.machine.memory;

import org.jspecify.annotations.NullMarked;
