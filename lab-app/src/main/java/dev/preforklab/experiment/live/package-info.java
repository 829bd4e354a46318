/** What a live run shows and what may be asked of it. Start with {@link LiveControl}. */
@NullMarked
package dev.preforklab.experiment.live;

import org.jspecify.annotations.NullMarked;
