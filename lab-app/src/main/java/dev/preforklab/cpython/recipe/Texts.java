package dev.preforklab.cpython.recipe;

import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.layout.ObjectHead;

/** Makes formatted texts ({@code Objects/unicodeobject.c}, on 2.7 {@code stringobject.c}). */
final class Texts {
  /** Characters that 2.7's PyString_Format has room for at first: the format's four and 100. */
  private static final int OLD_FORMAT_ROOM = 104;

  /** Of an int of two digits, as many as one of a single digit takes to another base. */
  private static final int CONVERTED_BYTES = ObjectHead.VAR_BYTES + 2 * 4;

  private final Mutator mutator;
  private final Interpreter interpreter;
  private final PythonVersion version;
  private final Builtins types;

  Texts(Mutator mutator) {
    this.mutator = mutator;
    interpreter = mutator.interpreter;
    version = mutator.version;
    types = mutator.types;
  }

  /**
   * The value of {@code "%0*d" % (length, i)}: the tuple, the digits, the writer's buffer, then the
   * text in a block of its own size. In 3.x one of a single character, too, is made anew each time.
   *
   * @param index i, whose reference goes
   * @param i its value
   */
  long format(int length, long index, long i) {
    int digits = Long.toString(i).length();
    // The length is an int; where it is not counted, it is left out.
    long arguments = mutator.newTuple(version.hasImmortalObjects ? types.smallInt() : 0, index);
    long text;
    long bytes = version.asciiHeaderBytes + (long) Math.max(length, digits);
    if (version.major == 2) {
      long buffer = interpreter.newObject(types.str(), version.asciiHeaderBytes + OLD_FORMAT_ROOM);
      if (length > OLD_FORMAT_ROOM) {
        // Too short for the width: PyString_Format wants that and 100 more. A buffer that left
        // pymalloc so stays in the C library's heap, however short it becomes.
        buffer = resized(buffer, version.asciiHeaderBytes + length + 100L);
      }
      mutator.fill(buffer, bytes);
      text = resized(buffer, bytes);
    } else {
      // long_to_decimal_string() puts the digits to another base into an int first.
      long converted = interpreter.newObject(types.int_(), CONVERTED_BYTES);
      if (i != 0) {
        // Each digit, and 0 has none, asks for signals, and so for a collection that is due.
        interpreter.evalBreaker();
      }
      long number = interpreter.newObject(types.str(), version.asciiHeaderBytes + (long) digits);
      mutator.freeScratch(converted);
      long buffer =
          interpreter.newObject(
              types.str(), version.asciiHeaderBytes + (long) Math.max(length, 105));
      interpreter.decref(number);
      mutator.fill(buffer, bytes);
      text = resized(buffer, bytes);
    }
    interpreter.decref(arguments);
    return text;
  }

  private long resized(long buffer, long bytes) {
    return interpreter.malloc.reallocate(buffer, bytes);
  }
}
