package dev.preforklab.machine.memory;

/**
 * No memory: the host has no frame left, or a process no room in its address space. The kernel says
 * which process, if any, it had to kill.
 */
public final class OutOfMemory extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** {@link #victimPid} when nothing was killed. */
  public static final int NO_VICTIM = 0;

  private final int victimPid;

  public OutOfMemory(String message, int victimPid) {
    super(message);
    this.victimPid = victimPid;
  }

  /** Pid of the process that was killed, or {@link #NO_VICTIM}. */
  public int victimPid() {
    return victimPid;
  }
}
