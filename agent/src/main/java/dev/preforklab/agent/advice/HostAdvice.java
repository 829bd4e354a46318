package dev.preforklab.agent.advice;

import dev.preforklab.agent.metrics.HostMetrics;
import net.bytebuddy.asm.Advice;

/** Advice of the probes that register hosts. */
public final class HostAdvice {
  private HostAdvice() {}

  /** Copied into {@code Probes.hostStarted}. */
  public static final class HostStarted {
    private HostStarted() {}

    @Advice.OnMethodEnter(suppress = Throwable.class)
    static void enter(
        @Advice.Argument(0) int host,
        @Advice.Argument(1) String scenario,
        @Advice.Argument(2) String gcSetting,
        @Advice.Argument(3) String pythonVersion,
        @Advice.Argument(4) int workers) {
      HostMetrics.hostStarted(host, scenario, gcSetting, pythonVersion, workers);
    }
  }

  /** Copied into {@code Probes.hostStopped}. */
  public static final class HostStopped {
    private HostStopped() {}

    @Advice.OnMethodEnter(suppress = Throwable.class)
    static void enter(@Advice.Argument(0) int host) {
      HostMetrics.hostStopped(host);
    }
  }
}
