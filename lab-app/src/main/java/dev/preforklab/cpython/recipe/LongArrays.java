package dev.preforklab.cpython.recipe;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.layout.ObjectHead;
import dev.preforklab.cpython.layout.TypeSpec;

/** Objects of {@code array.array("l")}: size and buffer as in a list, the buffer just as large. */
final class LongArrays {
  private static final int ARRAY_BYTES = 64;
  private static final int OLD_ARRAY_BYTES = 56;
  private static final int ITEMS = ObjectHead.VAR_BYTES;

  private final Mutator mutator;
  private final Interpreter interpreter;
  private final PythonVersion version;
  private final long type;

  LongArrays(Mutator mutator, long type) {
    this.mutator = mutator;
    this.type = type;
    interpreter = mutator.interpreter;
    version = interpreter.version;
  }

  static TypeSpec type(PythonVersion version) {
    boolean gc = isGc(version);
    return new TypeSpec(
        "array",
        gc ? TypeSpec.BLOCKS : TypeSpec.ATOMIC,
        gc,
        ARRAY_BYTES,
        8,
        ObjectHead.BYTES,
        0,
        false,
        TypeSpec.Exact.ARRAY);
  }

  private static boolean isGc(PythonVersion version) {
    return version.atLeast(3, 10);
  }

  /**
   * The value of {@code array.array("l", [0]) * length}: the list, the call's arguments, the array
   * of one item, then the long one.
   */
  long create(int length) {
    long list = mutator.newList(new long[] {mutator.newInt(0)});
    long arguments = mutator.newTuple(0, list);
    long one = object(1);
    interpreter.decref(arguments);
    interpreter.evalBreaker();
    long object = object(length);
    interpreter.decref(one);
    return object;
  }

  private long items(long bytes) {
    long items = mutator.allocateMemory(bytes);
    for (long offset = 0; offset < bytes; offset += Host.BYTES_IN_PAGE) {
      mutator.set(items + offset, 0);
    }
    mutator.set(items + bytes - 8, 0);
    return items;
  }

  /** An array whose items are 0; a GC object from 3.10 on. */
  private long object(int length) {
    long object =
        isGc(version)
            ? interpreter.newGcObject(type, ARRAY_BYTES)
            : interpreter.newObject(type, version.major == 2 ? OLD_ARRAY_BYTES : ARRAY_BYTES);
    mutator.set(object + ObjectHead.SIZE, length);
    mutator.set(object + ITEMS, length == 0 ? 0 : items(8L * length));
    if (isGc(version)) {
      interpreter.track(object);
    }
    return object;
  }
}
