@NullMarked
package dev.preforklab.agent.metrics;

import org.jspecify.annotations.NullMarked;
