package dev.preforklab.prefork;

import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.MachineHost;
import dev.preforklab.cpython.gc.GcState;
import dev.preforklab.machine.Kernel;
import dev.preforklab.prefork.profile.HeapLoader;
import dev.preforklab.prefork.profile.LoadedHeap;
import dev.preforklab.prefork.profile.Profile;
import dev.preforklab.prefork.profile.RequestReplayer;
import dev.preforklab.probe.Probes;

/** The process that loads the application and is forked. */
final class Master extends ServerProcess {
  /** {@code io.DEFAULT_BUFFER_SIZE}. */
  private static final long FILE_BUFFER_BYTES = 8192;

  private final LoadedHeap heap;
  private final RequestReplayer replayer;

  private Master(LoadedHeap heap, RequestReplayer replayer) {
    super(heap.host(), heap.interpreter(), Probes.MASTER, (generation, durationNs) -> {});
    this.heap = heap;
    this.replayer = replayer;
  }

  /** Loads the application under a policy, up to the first fork. */
  static Master load(Profile profile, GcPolicy policy, Kernel kernel, long nowNs) {
    LoadedHeap heap = HeapLoader.load(loaded(profile, policy), kernel, nowNs);
    Master master = new Master(heap, new RequestReplayer(heap));
    Interpreter interpreter = heap.interpreter();
    GcState state = interpreter.gcState;
    state.setThresholds(
        policy.threshold(0, state.threshold(0)),
        policy.threshold(1, state.threshold(1)),
        policy.threshold(2, state.threshold(2)));
    state.setEnabled(!policy.disables());
    if (policy.collectsBeforeFork()) {
      interpreter.collector.collect(GcState.GENERATIONS - 1);
      openFile(interpreter);
    }
    if (policy.freezesBeforeFork()) {
      interpreter.collector.freeze();
    }
    if (policy.immortalizes()) {
      heap.immortalize();
    }
    return master;
  }

  /**
   * A server opens files between loading its application and the first fork: sockets, logs, a pid
   * file. The buffer of the first is too large for the C heap's small bins, so {@code malloc} sorts
   * what the collection has freed. Were that left to the workers, each would write to all of it.
   */
  private static void openFile(Interpreter interpreter) {
    interpreter.raw.free(interpreter.raw.allocate(FILE_BUFFER_BYTES));
  }

  /** The application as it loads under the policy's thresholds. */
  private static Profile loaded(Profile profile, GcPolicy policy) {
    int[] thresholds = profile.gc().thresholds().clone();
    for (int generation = 0; generation < thresholds.length; generation++) {
      thresholds[generation] = policy.threshold(generation, thresholds[generation]);
    }
    return profile.loadedUnder(thresholds);
  }

  LoadedHeap heap() {
    return heap;
  }

  RequestReplayer replayer() {
    return replayer;
  }

  /** Forks a worker process; the master pays for the fork. */
  MachineHost fork(int slot) {
    return host().fork(slot);
  }
}
