package dev.preforklab.machine.process;

/**
 * A process of the simulated host: its address space, its CPU time and its counters. Readers are
 * for everyone; what changes a process goes through the kernel, but for {@link #charge} and {@link
 * #setNow}.
 */
@SuppressWarnings("JavaLangClash") // the word of the field; nothing here starts a real process
public final class Process {
  /** How a process stands. */
  public enum State {
    RUNNING,
    /** It has ended by exit. */
    EXITED,
    /** The out-of-memory killer ended it. */
    KILLED
  }

  private final int pid;
  private final int parentPid;
  private final int host;
  private final int slot;
  private final AddressSpace addressSpace;
  private final FaultCounts faults = new FaultCounts();
  private final long startNs;
  private State state = State.RUNNING;
  private long cpuNs;
  private long clockOffsetNs;

  public Process(int pid, int parentPid, int host, int slot, AddressSpace mm, long startNs) {
    this.pid = pid;
    this.parentPid = parentPid;
    this.host = host;
    this.slot = slot;
    this.addressSpace = mm;
    this.startNs = startNs;
    this.clockOffsetNs = startNs;
  }

  public int pid() {
    return pid;
  }

  /** Pid of the process that forked this one; 0 for one that was spawned. */
  public int parentPid() {
    return parentPid;
  }

  /** Index of the host, for probes. */
  public int host() {
    return host;
  }

  /** The worker slot it fills, or {@link dev.preforklab.probe.Probes#MASTER}. */
  public int slot() {
    return slot;
  }

  public AddressSpace addressSpace() {
    return addressSpace;
  }

  public FaultCounts faults() {
    return faults;
  }

  public State state() {
    return state;
  }

  public boolean isRunning() {
    return state == State.RUNNING;
  }

  public void setState(State state) {
    this.state = state;
  }

  /** When it was forked or spawned, in simulated nanoseconds. */
  public long startNs() {
    return startNs;
  }

  /** CPU time used so far, in nanoseconds. */
  public long cpuNs() {
    return cpuNs;
  }

  /** Adds to its CPU time. */
  public void charge(long nanoseconds) {
    cpuNs += nanoseconds;
  }

  /**
   * Tells the process that simulated time is now this; from here it moves on with the CPU time that
   * the process is charged. Call it before each piece of work.
   */
  public void setNow(long nowNs) {
    clockOffsetNs = nowNs - cpuNs;
  }

  /** Simulated time as the process sees it, in nanoseconds. */
  public long nowNs() {
    return clockOffsetNs + cpuNs;
  }

  @Override
  public String toString() {
    return "process " + pid + " (" + state + ")";
  }
}
