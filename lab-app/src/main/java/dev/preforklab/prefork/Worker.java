package dev.preforklab.prefork;

import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.MachineHost;
import dev.preforklab.machine.sched.Scheduler;
import dev.preforklab.prefork.profile.RequestReplayer;
import org.jspecify.annotations.Nullable;

/** One worker process, from its fork to its end; the slot's next worker is another object. */
public final class Worker extends ServerProcess {
  final RequestReplayer.Worker replay;

  /** Requests after which it is replaced, 0 = never. */
  final long requestsMax;

  WorkerState state = WorkerState.BOOTING;
  @Nullable ExitReason leaving;

  /** It serves no more and is on its way out. */
  boolean exiting;

  Scheduler.@Nullable Burst burst;

  // the request being served
  long requestId;
  int endpoint;
  long intendedNs;
  long minorFaultsBefore;
  long cowCopiesBefore;
  long gcPauseBefore;

  Worker(
      MachineHost host,
      Interpreter interpreter,
      int slot,
      RequestReplayer.Worker replay,
      long requestsMax,
      GcPauses pauses) {
    super(host, interpreter, slot, pauses);
    this.replay = replay;
    this.requestsMax = requestsMax;
  }

  public WorkerState state() {
    return state;
  }

  /** Requests taken so far, the one being served included. */
  public long requests() {
    return replay.requests();
  }
}
