package dev.preforklab.machine.paging;

import dev.preforklab.machine.process.Process;

/** Makes room when no frame is free. */
@FunctionalInterface
public interface Reclaimer {
  /**
   * Frees at least one frame, killing a process if nothing less helps.
   *
   * @throws dev.preforklab.machine.memory.OutOfMemory if the asking process was killed itself
   */
  void makeRoom(Process asking);
}
