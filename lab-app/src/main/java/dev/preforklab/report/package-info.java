@NullMarked
package dev.preforklab.report;

import org.jspecify.annotations.NullMarked;
