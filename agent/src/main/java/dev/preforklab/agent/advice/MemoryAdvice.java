package dev.preforklab.agent.advice;

import dev.preforklab.agent.metrics.ProcessMemoryExports;
import net.bytebuddy.asm.Advice;

/** Advice of the sampling probes of processes and hosts. */
public final class MemoryAdvice {
  private MemoryAdvice() {}

  /** Copied into {@code Probes.memorySample}. */
  public static final class MemorySample {
    private MemorySample() {}

    @Advice.OnMethodEnter(suppress = Throwable.class)
    static void enter(
        @Advice.Argument(0) int host,
        @Advice.Argument(1) int slot,
        @Advice.Argument(2) int pid,
        @Advice.Argument(4) long rss,
        @Advice.Argument(5) long pss,
        @Advice.Argument(6) long sharedClean,
        @Advice.Argument(7) long sharedDirty,
        @Advice.Argument(8) long privateClean,
        @Advice.Argument(9) long privateDirty,
        @Advice.Argument(10) long virtualBytes) {
      ProcessMemoryExports.memorySample(
          host,
          slot,
          pid,
          rss,
          pss,
          sharedClean,
          sharedDirty,
          privateClean,
          privateDirty,
          virtualBytes);
    }
  }

  /** Copied into {@code Probes.counterSample}. */
  public static final class CounterSample {
    private CounterSample() {}

    @Advice.OnMethodEnter(suppress = Throwable.class)
    static void enter(
        @Advice.Argument(0) int host,
        @Advice.Argument(1) int slot,
        @Advice.Argument(2) int pid,
        @Advice.Argument(4) long startTimeNs,
        @Advice.Argument(5) long cpuNs,
        @Advice.Argument(6) long minorFaults,
        @Advice.Argument(7) long majorFaults,
        @Advice.Argument(8) long increfShared,
        @Advice.Argument(9) long increfPrivate,
        @Advice.Argument(10) long decrefShared,
        @Advice.Argument(11) long decrefPrivate,
        @Advice.Argument(12) long cowRefcount,
        @Advice.Argument(13) long cowGcHeader,
        @Advice.Argument(14) long cowAllocator,
        @Advice.Argument(15) long cowFinalize,
        @Advice.Argument(16) long cowData) {
      ProcessMemoryExports.counterSample(
          host,
          slot,
          pid,
          startTimeNs,
          cpuNs,
          minorFaults,
          majorFaults,
          increfShared,
          increfPrivate,
          decrefShared,
          decrefPrivate,
          cowRefcount,
          cowGcHeader,
          cowAllocator,
          cowFinalize,
          cowData);
    }
  }

  /** Copied into {@code Probes.hostSample}. */
  public static final class HostSample {
    private HostSample() {}

    @Advice.OnMethodEnter(suppress = Throwable.class)
    static void enter(
        @Advice.Argument(0) int host,
        @Advice.Argument(2) long totalBytes,
        @Advice.Argument(3) long availableBytes) {
      ProcessMemoryExports.hostSample(host, totalBytes, availableBytes);
    }
  }
}
