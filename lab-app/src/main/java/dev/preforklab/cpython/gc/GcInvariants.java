package dev.preforklab.cpython.gc;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.layout.GcHead;
import dev.preforklab.cpython.layout.ObjectHead;

/**
 * What must hold of the collector's lists between collections ({@code validate_list} and friends):
 * each list is doubly linked and closed, no object carries a mark of a collection under way, every
 * object is tracked, of a GC type and referred to.
 */
public final class GcInvariants {
  private GcInvariants() {}

  /**
   * Checks all generations and the permanent one.
   *
   * @throws IllegalStateException that names the first object that is wrong, and how
   */
  public static void check(Interpreter interpreter) {
    for (int generation = 0; generation < GcState.GENERATIONS; generation++) {
      checkList(interpreter, interpreter.gcState.head(generation), "generation " + generation);
    }
    checkList(interpreter, interpreter.gcState.permanentHead(), "permanent generation");
  }

  private static void checkList(Interpreter interpreter, long list, String name) {
    Host host = interpreter.host;
    long previous = list;
    for (long gc = host.load(list + GcHead.NEXT); gc != list; gc = host.load(gc + GcHead.NEXT)) {
      require((gc & 7) == 0, name, gc, "is marked unreachable");
      long prevWord = host.load(gc + GcHead.PREV);
      require((prevWord & GcHead.PREV_MASK) == previous, name, gc, "has a wrong prev");
      require((prevWord & GcHead.PREV_COLLECTING) == 0, name, gc, "is marked collecting");
      if (interpreter.version.separateGcRefs) {
        require(
            host.load(gc + GcHead.REFS) >> interpreter.version.gcRefsShift == GcHead.OLD_REACHABLE,
            name,
            gc,
            "is not in the state reachable");
      }
      long object = gc + interpreter.version.gcHeadBytes;
      require(interpreter.isGc(object), name, gc, "is not of a GC type");
      long refCount = host.load(object + ObjectHead.REF_COUNT);
      require(refCount > 0, name, gc, "has the reference count " + refCount);
      previous = gc;
    }
    require(
        (host.load(list + GcHead.PREV) & GcHead.PREV_MASK) == previous,
        name,
        list,
        "(the list's head) has a wrong prev");
  }

  private static void require(boolean holds, String list, long gc, String fault) {
    if (!holds) {
      throw new IllegalStateException(
          list + ": the GC head at 0x" + Long.toHexString(gc) + " " + fault);
    }
  }
}
