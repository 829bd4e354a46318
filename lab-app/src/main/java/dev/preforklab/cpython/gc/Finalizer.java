package dev.preforklab.cpython.gc;

import dev.preforklab.cpython.Interpreter;

/**
 * A normal exit of the interpreter ({@code Py_FinalizeEx}): a full collection while everything is
 * still there, the modules are dropped, and full collections that free what was reachable only from
 * them. Their number differs by release. {@code os._exit} does nothing of this.
 *
 * <p>What is frozen is not looked at: cycles through it stay, and their pages stay shared.
 */
public final class Finalizer {
  private Finalizer() {}

  /**
   * Takes the process down to where it would return its memory. All stores from now on have the
   * cause finalisation.
   *
   * @param roots objects that the interpreter holds until then, a reference each: its modules
   */
  public static void run(Interpreter interpreter, long[] roots) {
    interpreter.setFinalizing(true);
    boolean enabled = interpreter.gcState.isEnabled();
    int passes = enabled ? interpreter.version.exitPasses : interpreter.version.exitPassesDisabled;
    if (enabled || interpreter.version.major == 2) {
      interpreter.collector.collect(GcState.GENERATIONS - 1);
      passes--;
    }
    for (long root : roots) {
      interpreter.decref(root);
    }
    for (int i = 0; i < passes; i++) {
      interpreter.collector.collect(GcState.GENERATIONS - 1);
    }
    interpreter.freeLists.clear();
  }
}
