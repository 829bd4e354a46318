@NullMarked
package dev.preforklab.scenario;

import org.jspecify.annotations.NullMarked;
