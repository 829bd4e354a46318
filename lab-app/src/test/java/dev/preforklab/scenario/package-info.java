/** Tests of the scenario package. */
@NullMarked
package dev.preforklab.scenario;

import org.jspecify.annotations.NullMarked;
