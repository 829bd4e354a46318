package dev.preforklab.cpython.recipe;

import static dev.preforklab.cpython.Host.CAUSE_DATA;

import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.layout.TypeSpec;
import java.util.Arrays;

/**
 * The frames of read_deep's function, which calls itself: an object for each call under way, up to
 * 3.10. The first to return stays with the code ({@code co_zombieframe}), the others wait on a free
 * list for whichever code comes next; {@code Objects/frameobject.c}.
 */
final class ReaderFrames {
  /** Its variables, and the deepest that its stack gets. */
  static final int VARIABLES = 3;

  static final int STACK = 4;

  private static final int SET_ITERATOR_BYTES = 48;
  private static final int DICT_ITERATOR_BYTES = 56;

  private final Mutator mutator;
  private final Interpreter interpreter;
  private final long type;
  private final long bytes;
  private final int firstVariable;

  /** Of calls under way, the innermost last. */
  private long[] used = new long[64];

  private int calls;

  private final CStack stack;
  private int deepest;
  private long kept;

  /**
   * @param type of what calls allocate
   */
  ReaderFrames(Mutator mutator, long type, CStack stack) {
    this.stack = stack;
    this.mutator = mutator;
    this.type = type;
    interpreter = mutator.interpreter;
    int emptyBytes = emptyBytes(mutator.version);
    firstVariable = emptyBytes - 8;
    bytes = emptyBytes + 8L * (VARIABLES + STACK);
  }

  /** Of a frame without variables, cells and stack; its type's size has room for one of these. */
  static int emptyBytes(PythonVersion version) {
    return version.atLeast(3, 10) ? 360 : version.atLeast(3, 7) ? 368 : 384;
  }

  /** Of the iterator over a container, by its type's traversal. */
  static int iteratorBytes(int traversal) {
    return switch (traversal) {
      case TypeSpec.DICT -> DICT_ITERATOR_BYTES;
      case TypeSpec.SET -> SET_ITERATOR_BYTES;
      default -> Calls.ITERATOR_BYTES;
    };
  }

  /** The same frames in a forked process. */
  ReaderFrames forked(Mutator child, CStack childStack) {
    ReaderFrames copy = new ReaderFrames(child, type, childStack);
    copy.kept = kept;
    return copy;
  }

  /**
   * A call begins.
   *
   * @param argument of the call
   * @return whether the frame was on the free list
   */
  boolean enter(long argument) {
    long waiting = kept == 0 ? interpreter.freeLists.takeFrame() : 0;
    long frame = kept;
    kept = 0;
    if (waiting != 0) {
      frame = CodeRuns.resized(interpreter, waiting, bytes);
    }
    if (frame == 0) {
      frame = interpreter.newGcObject(type, bytes);
    } else {
      mutator.writeHead(frame, type);
    }
    interpreter.host.store(frame + firstVariable, argument, CAUSE_DATA);
    if (isTracked()) {
      interpreter.track(frame);
    }
    if (calls == used.length) {
      used = Arrays.copyOf(used, 2 * calls);
    }
    used[calls++] = frame;
    if (calls > deepest) {
      deepest = calls;
      stack.enter(deepest);
    }
    return waiting != 0;
  }

  /** From 3.7 on the collector does not know frames as long as they run. */
  private boolean isTracked() {
    return !interpreter.version.atLeast(3, 7);
  }

  /** The block of the frame that stays with the code, or 0. */
  long keptBlock() {
    return kept == 0 ? 0 : kept - interpreter.version.gcHeadBytes;
  }

  /**
   * The innermost call returns.
   *
   * @return whether its frame is now on the free list
   */
  boolean leave() {
    long frame = used[--calls];
    if (isTracked()) {
      interpreter.untrack(frame);
    }
    if (kept == 0) {
      kept = frame;
      return false;
    }
    if (interpreter.freeLists.putFrame(frame)) {
      return true;
    }
    interpreter.gcDelete(frame);
    return false;
  }
}
