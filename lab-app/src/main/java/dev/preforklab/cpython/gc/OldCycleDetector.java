package dev.preforklab.cpython.gc;

import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.layout.GcHead;
import dev.preforklab.cpython.layout.ObjectHead;
import dev.preforklab.cpython.layout.Traversal;
import dev.preforklab.cpython.layout.TypeSpec;

/**
 * The algorithm of the releases to 3.7: gc_refs is a word of its own in the head, with negative
 * values for the states reachable and tentatively unreachable; the lists stay doubly linked.
 */
final class OldCycleDetector extends Detector {
  private final int headBytes;
  private final int shift;
  private final long refsUnit;
  private final boolean untracksAtOnce;
  private final Traversal traversal;

  OldCycleDetector(Interpreter interpreter) {
    super(interpreter);
    headBytes = interpreter.version.gcHeadBytes;
    shift = interpreter.version.gcRefsShift;
    refsUnit = 1L << shift;
    untracksAtOnce = !interpreter.version.untracksTuplesInOwnPass;
    traversal = new Traversal(host, interpreter.version);
  }

  @Override
  void deduceUnreachable(long base, long unreachable) {
    updateRefs(base);
    subtractRefs(base);
    interpreter.lists.init(unreachable);
    moveUnreachable(base, unreachable);
  }

  private void updateRefs(long base) {
    for (long gc = interpreter.lists.next(base); gc != base; gc = interpreter.lists.next(gc)) {
      setRefs(gc, host.load(gc + headBytes + ObjectHead.REF_COUNT));
      objects++;
    }
  }

  private void subtractRefs(long base) {
    for (long gc = interpreter.lists.next(base); gc != base; gc = interpreter.lists.next(gc)) {
      visitReferences(gc, false, base);
    }
  }

  private void moveUnreachable(long young, long unreachable) {
    long gc = interpreter.lists.next(young);
    while (gc != young) {
      long next;
      if (refs(gc) != 0) {
        setRefs(gc, GcHead.OLD_REACHABLE);
        int code = visitReferences(gc, true, young);
        reachable++;
        next = interpreter.lists.next(gc);
        long object = gc + headBytes;
        if ((code & TypeSpec.CODE_DICT) != 0) {
          rememberDict(object);
        } else if ((code & TypeSpec.CODE_TUPLE) != 0) {
          if (!untracksAtOnce) {
            rememberTuple(object);
          } else if (Untracking.maybeUntrackTuple(interpreter, object)) {
            reachable--;
          }
        }
      } else {
        next = interpreter.lists.next(gc);
        interpreter.lists.move(gc, unreachable);
        setRefs(gc, GcHead.OLD_TENTATIVELY_UNREACHABLE);
      }
      gc = next;
    }
  }

  private int visitReferences(long gc, boolean reach, long young) {
    long object = gc + headBytes;
    int code = interpreter.types.code(host.load(object + ObjectHead.TYPE));
    if ((code & TypeSpec.CODE_TRAVERSAL) == TypeSpec.OPAQUE) {
      int index = (int) Math.max(0, host.load(object + TypeSpec.OPAQUE_INDEX));
      int count = interpreter.referents.referentCount(index);
      for (int i = 0; i < count; i++) {
        visit(interpreter.referents.referent(index, i), reach, young);
      }
      return code;
    }
    traversal.locate(object, interpreter.types.specOfCode(code));
    for (long k = 0; k < traversal.count; k++) {
      visit(host.load(traversal.address + k * traversal.stride), reach, young);
    }
    for (long k = 0; k < traversal.keyCount; k++) {
      visit(host.load(traversal.keyAddress + k * traversal.keyStride), reach, young);
    }
    if (traversal.single != 0) {
      visit(host.load(traversal.single), reach, young);
    }
    return code;
  }

  private void visit(long object, boolean reach, long young) {
    if (object == 0) {
      return;
    }
    references++;
    if (!interpreter.isGc(object)) {
      return;
    }
    long gc = object - headBytes;
    long refs = refs(gc);
    if (!reach) {
      if (refs > 0) {
        host.store(
            gc + GcHead.REFS, host.load(gc + GcHead.REFS) - refsUnit, interpreter.gcHeadCause());
      }
    } else if (refs == 0) {
      setRefs(gc, 1);
    } else if (refs == GcHead.OLD_TENTATIVELY_UNREACHABLE) {
      interpreter.lists.move(gc, young);
      setRefs(gc, 1);
    }
  }

  private long refs(long gc) {
    return host.load(gc + GcHead.REFS) >> shift;
  }

  private void setRefs(long gc, long refs) {
    long flags = host.load(gc + GcHead.REFS) & refsUnit - 1;
    host.store(gc + GcHead.REFS, refs << shift | flags, interpreter.gcHeadCause());
  }
}
