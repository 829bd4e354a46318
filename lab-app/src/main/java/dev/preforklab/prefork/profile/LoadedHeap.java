package dev.preforklab.prefork.profile;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.MachineHost;
import dev.preforklab.cpython.gc.GcState;
import dev.preforklab.cpython.layout.ObjectHead;

/** A captured heap in a running simulated process: the master of a prefork service. */
public final class LoadedHeap {
  private final Profile profile;
  private final AddressMap map;
  private final MachineHost host;
  private final Interpreter interpreter;
  private final long[] objects;

  LoadedHeap(
      Profile profile, AddressMap map, MachineHost host, Interpreter interpreter, long[] objects) {
    this.profile = profile;
    this.map = map;
    this.host = host;
    this.interpreter = interpreter;
    this.objects = objects;
  }

  public Profile profile() {
    return profile;
  }

  AddressMap map() {
    return map;
  }

  /** The process. */
  public MachineHost host() {
    return host;
  }

  /** The interpreter in it. */
  public Interpreter interpreter() {
    return interpreter;
  }

  /** Gives every captured object the reference count of an immortal one. */
  public void immortalize() {
    for (long object : objects) {
      host.store(object, ObjectHead.IMMORTAL_REF_COUNT, Host.CAUSE_DATA);
    }
  }

  /**
   * A normal exit of a process that has this heap, as {@code Py_FinalizeEx} goes about it: a
   * collection, the contents of all modules dropped, and the further collections of the release.
   * What is still referred to, for example by the interpreter itself, or frozen, stays.
   */
  public void finalizeInterpreter(Interpreter process) {
    process.setFinalizing(true);
    int passes =
        process.gcState.isEnabled()
            ? process.version.exitPasses
            : process.version.exitPassesDisabled;
    process.collector.collect(GcState.GENERATIONS - 1);
    clearModules(process);
    for (int pass = 1; pass < passes; pass++) {
      process.collector.collect(GcState.GENERATIONS - 1);
    }
  }

  /** Clears each module's dict. */
  private void clearModules(Interpreter process) {
    HeapImage image = profile.heap;
    for (int k = 0; k < image.objects(); k++) {
      if (!profile.types().get(image.type[k]).name().equals("module")) {
        continue;
      }
      for (int i = image.refStart[k]; i < image.refStart[k + 1]; i++) {
        int referent = image.refs[i];
        if (profile.types().get(image.type[referent]).name().equals("dict")) {
          process.deallocator.clear(objects[referent]);
          break;
        }
      }
    }
  }
}
