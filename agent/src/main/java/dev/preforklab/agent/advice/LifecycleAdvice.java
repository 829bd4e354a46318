package dev.preforklab.agent.advice;

import dev.preforklab.agent.metrics.PreforkMetrics;
import net.bytebuddy.asm.Advice;

/** Advice of the probes of fork and exit. */
public final class LifecycleAdvice {
  private LifecycleAdvice() {}

  /** Copied into {@code Probes.processForked}. */
  public static final class ProcessForked {
    private ProcessForked() {}

    @Advice.OnMethodEnter(suppress = Throwable.class)
    static void enter(
        @Advice.Argument(0) int host,
        @Advice.Argument(1) int slot,
        @Advice.Argument(2) int pid,
        @Advice.Argument(4) long timeNs) {
      PreforkMetrics.processForked(host, slot, pid, timeNs);
    }
  }

  /** Copied into {@code Probes.processExited}. */
  public static final class ProcessExited {
    private ProcessExited() {}

    @Advice.OnMethodEnter(suppress = Throwable.class)
    static void enter(
        @Advice.Argument(0) int host,
        @Advice.Argument(1) int slot,
        @Advice.Argument(2) int pid,
        @Advice.Argument(3) int reason,
        @Advice.Argument(4) long timeNs,
        @Advice.Argument(5) long respawnNs) {
      PreforkMetrics.processExited(host, slot, pid, reason, timeNs, respawnNs);
    }
  }
}
