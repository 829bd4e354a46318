package dev.preforklab.agent.advice;

import dev.preforklab.agent.metrics.RequestMetrics;
import net.bytebuddy.asm.Advice;

/** Advice of the request probes. */
public final class RequestAdvice {
  private RequestAdvice() {}

  /** Copied into {@code Probes.endpointNamed}. */
  public static final class EndpointNamed {
    private EndpointNamed() {}

    @Advice.OnMethodEnter(suppress = Throwable.class)
    static void enter(
        @Advice.Argument(0) int host,
        @Advice.Argument(1) int endpoint,
        @Advice.Argument(2) String method,
        @Advice.Argument(3) String route) {
      RequestMetrics.endpointNamed(host, endpoint, method, route);
    }
  }

  /** Copied into {@code Probes.requestStart}. */
  public static final class RequestStart {
    private RequestStart() {}

    @Advice.OnMethodEnter(suppress = Throwable.class)
    static void enter(
        @Advice.Argument(0) int host,
        @Advice.Argument(1) int slot,
        @Advice.Argument(3) long requestId,
        @Advice.Argument(5) long timeNs) {
      RequestMetrics.requestStart(host, slot, requestId, timeNs);
    }
  }

  /** Copied into {@code Probes.requestEnd}. */
  public static final class RequestEnd {
    private RequestEnd() {}

    @Advice.OnMethodEnter(suppress = Throwable.class)
    static void enter(
        @Advice.Argument(0) int host,
        @Advice.Argument(1) int slot,
        @Advice.Argument(2) int endpoint,
        @Advice.Argument(3) long requestId,
        @Advice.Argument(4) long intendedNs,
        @Advice.Argument(5) long timeNs,
        @Advice.Argument(6) int status,
        @Advice.Argument(7) long minorFaults,
        @Advice.Argument(8) long cowCopies,
        @Advice.Argument(9) long gcPauseNs) {
      RequestMetrics.requestEnd(
          host,
          slot,
          endpoint,
          requestId,
          intendedNs,
          timeNs,
          status,
          minorFaults,
          cowCopies,
          gcPauseNs);
    }
  }
}
