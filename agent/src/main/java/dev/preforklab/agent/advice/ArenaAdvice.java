package dev.preforklab.agent.advice;

import dev.preforklab.agent.metrics.PreforkMetrics;
import net.bytebuddy.asm.Advice;

/** Advice of the allocator's probes. */
public final class ArenaAdvice {
  private ArenaAdvice() {}

  /** Copied into {@code Probes.arenaAllocated}. */
  public static final class ArenaAllocated {
    private ArenaAllocated() {}

    @Advice.OnMethodEnter(suppress = Throwable.class)
    static void enter(@Advice.Argument(0) int host, @Advice.Argument(1) int slot) {
      PreforkMetrics.arenaAllocated(host, slot);
    }
  }

  /** Copied into {@code Probes.arenaFreed}. */
  public static final class ArenaFreed {
    private ArenaFreed() {}

    @Advice.OnMethodEnter(suppress = Throwable.class)
    static void enter(@Advice.Argument(0) int host, @Advice.Argument(1) int slot) {
      PreforkMetrics.arenaFreed(host, slot);
    }
  }
}
