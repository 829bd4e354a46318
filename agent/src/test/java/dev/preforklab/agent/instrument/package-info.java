@NullMarked
package dev.preforklab.agent.instrument;

import org.jspecify.annotations.NullMarked;
