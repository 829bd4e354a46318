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
   * Checks all generations and the permanent one; for 3.14, that next names the old space too.
   *
   * @throws IllegalStateException that names the first object that is wrong, and how
   */
  public static void check(Interpreter interpreter) {
    GcState state = interpreter.gcState;
    if (interpreter.version.incremental) {
      int visited = state.visitedSpace();
      checkList(interpreter, state.head(0), "young list", visited ^ 1);
      checkList(interpreter, state.spaceHead(0), "old space 0", 0);
      checkList(interpreter, state.spaceHead(1), "old space 1", 1);
      checkList(interpreter, state.permanentHead(), "permanent generation", visited);
      return;
    }
    for (int generation = 0; generation < GcState.GENERATIONS; generation++) {
      checkList(interpreter, state.head(generation), "generation " + generation, 0);
    }
    checkList(interpreter, state.permanentHead(), "permanent generation", 0);
  }

  private static void checkList(Interpreter interpreter, long list, String name, int tags) {
    Host host = interpreter.host;
    long previous = list;
    long gc = interpreter.lists.next(list);
    for (; gc != list; gc = interpreter.lists.next(gc)) {
      require((gc & 7) == 0, name, gc, "is marked unreachable");
      long nextTags = host.load(gc + GcHead.NEXT) & 7;
      require(
          !interpreter.version.incremental || nextTags == tags,
          name,
          gc,
          "has the tag bits " + nextTags + " in next, not " + tags);
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
