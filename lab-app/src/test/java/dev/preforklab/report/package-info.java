/** Tests of the report package. */
@NullMarked
package dev.preforklab.report;

import org.jspecify.annotations.NullMarked;
