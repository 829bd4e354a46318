package dev.preforklab.agent.advice;

import dev.preforklab.agent.metrics.PageFaultMetrics;
import net.bytebuddy.asm.Advice;

/** Advice of the page fault probe. */
public final class FaultAdvice {
  private FaultAdvice() {}

  /** Copied into {@code Probes.pageFault}. */
  public static final class PageFault {
    private PageFault() {}

    @Advice.OnMethodEnter(suppress = Throwable.class)
    static void enter(
        @Advice.Argument(0) int host, @Advice.Argument(1) int slot, @Advice.Argument(2) int kind) {
      PageFaultMetrics.pageFault(host, slot, kind);
    }
  }
}
