/**
 * One static class a probe, one line each. Byte Buddy copies these bodies into the probe methods,
 * so nothing here may be anything but a call of a public static method.
 */
@NullMarked
package dev.preforklab.agent.advice;

import org.jspecify.annotations.NullMarked;
