/** The lab as it is deployed: its container image, Prometheus beside it, every panel's query. */
@NullMarked
package dev.preforklab.deployment;

import org.jspecify.annotations.NullMarked;
