package dev.preforklab.cpython.gc;

import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.layout.ObjectHead;
import dev.preforklab.cpython.layout.Traversal;
import dev.preforklab.cpython.layout.TypeSpec;

/**
 * Takes tuples and dicts out of the collector's sight whose content can never be part of a cycle
 * ({@code _PyTuple_MaybeUntrack}, {@code _PyDict_MaybeUntrack}).
 */
public final class Untracking {
  private Untracking() {}

  /** Whether an object may be tracked now or later ({@code _PyObject_GC_MAY_BE_TRACKED}). */
  public static boolean mayBeTracked(Interpreter interpreter, long object) {
    int code = interpreter.types.code(interpreter.host.load(object + ObjectHead.TYPE));
    return interpreter.isGc(object, code)
        && ((code & TypeSpec.CODE_TUPLE) == 0 || interpreter.isTracked(object));
  }

  /** Untracks a tuple if all its items are there and none may be tracked. */
  static boolean maybeUntrackTuple(Interpreter interpreter, long object) {
    return untrackIfAtomic(interpreter, object, true);
  }

  /** Untracks a dict if none of its keys and values may be tracked. */
  static boolean maybeUntrackDict(Interpreter interpreter, long object) {
    return untrackIfAtomic(interpreter, object, false);
  }

  private static boolean untrackIfAtomic(
      Interpreter interpreter, long object, boolean emptySlotsForbid) {
    if (!interpreter.isTracked(object)) {
      return false;
    }
    TypeSpec spec = interpreter.spec(object);
    if (spec.traversal() == TypeSpec.OPAQUE) {
      int index = (int) Math.max(0, interpreter.host.load(object + TypeSpec.OPAQUE_INDEX));
      for (int i = 0; i < interpreter.referents.referentCount(index); i++) {
        if (mayBeTracked(interpreter, interpreter.referents.referent(index, i))) {
          return false;
        }
      }
    } else {
      Traversal traversal = new Traversal(interpreter.host, interpreter.version);
      traversal.locate(object, spec);
      if (anyMayBeTracked(
              interpreter, traversal.address, traversal.stride, traversal.count, emptySlotsForbid)
          || anyMayBeTracked(
              interpreter, traversal.keyAddress, traversal.keyStride, traversal.keyCount, false)) {
        return false;
      }
    }
    interpreter.untrack(object);
    return true;
  }

  private static boolean anyMayBeTracked(
      Interpreter interpreter, long address, long stride, long count, boolean emptySlotsCount) {
    for (long i = 0; i < count; i++) {
      long item = interpreter.host.load(address + i * stride);
      if (item == 0 ? emptySlotsCount : mayBeTracked(interpreter, item)) {
        return true;
      }
    }
    return false;
  }
}
