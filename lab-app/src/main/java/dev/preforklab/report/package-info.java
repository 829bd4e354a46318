/** Results as text, JSON, CSV, HTML and OpenMetrics. Start with {@code Columns}. */
@NullMarked
package dev.preforklab.report;

import org.jspecify.annotations.NullMarked;
