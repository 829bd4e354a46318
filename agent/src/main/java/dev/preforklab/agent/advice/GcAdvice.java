package dev.preforklab.agent.advice;

import dev.preforklab.agent.metrics.GcMetrics;
import net.bytebuddy.asm.Advice;

/** Advice of the collector's probes. */
public final class GcAdvice {
  private GcAdvice() {}

  /** Copied into {@code Probes.gcDone}. */
  public static final class GcDone {
    private GcDone() {}

    @Advice.OnMethodEnter(suppress = Throwable.class)
    static void enter(
        @Advice.Argument(0) int host,
        @Advice.Argument(1) int slot,
        @Advice.Argument(2) int generation,
        @Advice.Argument(3) long collected,
        @Advice.Argument(5) long timeNs,
        @Advice.Argument(6) long durationNs) {
      GcMetrics.gcDone(host, slot, generation, collected, timeNs, durationNs);
    }
  }

  /** Copied into {@code Probes.gcSample}. */
  public static final class GcSample {
    private GcSample() {}

    @Advice.OnMethodEnter(suppress = Throwable.class)
    static void enter(
        @Advice.Argument(0) int host,
        @Advice.Argument(1) int slot,
        @Advice.Argument(2) int pid,
        @Advice.Argument(4) long count0,
        @Advice.Argument(5) long count1,
        @Advice.Argument(6) long count2,
        @Advice.Argument(7) long threshold0,
        @Advice.Argument(8) long threshold1,
        @Advice.Argument(9) long threshold2,
        @Advice.Argument(10) long tracked0,
        @Advice.Argument(11) long tracked1,
        @Advice.Argument(12) long tracked2,
        @Advice.Argument(13) long permanent) {
      GcMetrics.gcSample(
          host,
          slot,
          pid,
          count0,
          count1,
          count2,
          threshold0,
          threshold1,
          threshold2,
          tracked0,
          tracked1,
          tracked2,
          permanent);
    }
  }

  /** Copied into {@code Probes.gcStatsSample}. */
  public static final class GcStatsSample {
    private GcStatsSample() {}

    @Advice.OnMethodEnter(suppress = Throwable.class)
    static void enter(
        @Advice.Argument(0) int host,
        @Advice.Argument(1) int slot,
        @Advice.Argument(2) int generation,
        @Advice.Argument(4) long collections,
        @Advice.Argument(5) long collected,
        @Advice.Argument(6) long uncollectable) {
      GcMetrics.gcStatsSample(host, slot, generation, collections, collected, uncollectable);
    }
  }
}
