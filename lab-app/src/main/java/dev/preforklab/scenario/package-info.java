/**
 * An experiment as data. Start with {@link dev.preforklab.scenario.Scenario}; {@code
 * reference.yaml}, the resource beside these classes, names every key.
 */
@NullMarked
package dev.preforklab.scenario;

import org.jspecify.annotations.NullMarked;
