package dev.preforklab.machine;

import dev.preforklab.machine.process.Process;
import org.jspecify.annotations.Nullable;

/**
 * Chooses whom to kill when no frame is left, as {@code mm/oom_kill.c} does: the process with the
 * most resident pages; among equals the youngest.
 */
final class OomKiller {
  private OomKiller() {}

  /** The victim, or null if no process is left. */
  static @Nullable Process select(Iterable<Process> processes) {
    Process victim = null;
    for (Process process : processes) {
      if (victim == null || badness(process) >= badness(victim)) {
        victim = process;
      }
    }
    return victim;
  }

  /** What killing it may give back, in pages. */
  static long badness(Process process) {
    return process.addressSpace().residentPages();
  }
}
