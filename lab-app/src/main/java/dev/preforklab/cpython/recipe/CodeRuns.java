package dev.preforklab.cpython.recipe;

import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.PythonVersion;
import java.util.IdentityHashMap;

/**
 * What code of 3.7 to 3.10 gets as it is called again and again, all of which stays with it.
 *
 * <p>The first call's frame waits for the next call ({@code co_zombieframe}). After 1,024 calls, in
 * 3.8 to 3.10, there is a cache of the names that the code looks up: a map from instructions to
 * entries and the entries ({@code _PyCode_InitOpcache}). Such blocks come to lie among the heap's
 * objects, in an arena that outlives a dropped heap because of them.
 */
final class CodeRuns {
  private static final int RUNS_BEFORE_CACHE = 1024;
  private static final int ENTRY_BYTES = 32;

  /** An entry's number is a byte, and 0 stands for none. */
  private static final int MAX_ENTRIES = 255;

  private final boolean keepsFrames;

  /** Whether only what runs once has its frame here, the rest having one of {@link Calls}. */
  private final boolean keepsFramesOfOneRun;

  private final boolean hasCaches;

  private final int frameBytes;

  /** Code that has run. */
  private final IdentityHashMap<CodeUnit, Runs> runs = new IdentityHashMap<>();

  private static final class Runs {
    int count;

    /** The blocks of the frame and of the cache's entries and map; 0 for none. */
    long frame;

    long entries;
    long map;
  }

  CodeRuns(PythonVersion version) {
    keepsFrames = version.atLeast(3, 7) && !version.atLeast(3, 11);
    keepsFramesOfOneRun = !version.atLeast(3, 7);
    hasCaches = keepsFrames && version.atLeast(3, 8);
    frameBytes = ReaderFrames.emptyBytes(version);
  }

  private CodeRuns(CodeRuns parent) {
    keepsFrames = parent.keepsFrames;
    keepsFramesOfOneRun = parent.keepsFramesOfOneRun;
    hasCaches = parent.hasCaches;
    frameBytes = parent.frameBytes;
    parent.runs.forEach(
        (unit, own) -> {
          Runs copy = runsOf(unit);
          copy.count = own.count;
          copy.frame = own.frame;
          copy.entries = own.entries;
          copy.map = own.map;
        });
  }

  /** What a forked process has of it. */
  CodeRuns forked() {
    return new CodeRuns(this);
  }

  private Runs runsOf(CodeUnit unit) {
    return runs.computeIfAbsent(unit, missing -> new Runs());
  }

  /** A call of code begins. */
  void enter(Mutator mutator, CodeUnit unit) {
    if (keepsFrames) {
      if (runsOf(unit).count == 0) {
        newFrame(mutator, unit, unit.places());
      }
      run(mutator, unit);
    }
  }

  /** A call of code has its frame. */
  void run(Mutator mutator, CodeUnit unit) {
    Runs own = runsOf(unit);
    if (own.count < RUNS_BEFORE_CACHE && ++own.count == RUNS_BEFORE_CACHE && hasCaches) {
      newCache(mutator, unit);
    }
  }

  /** Whether the function of the act has its frame here. */
  boolean keepsFrameOfAct() {
    return keepsFrames;
  }

  /**
   * A frame's memory; {@link Calls} counts it. One that waits on the free list is taken first, and
   * gives way to a larger one where it is too small ({@code PyObject_GC_Resize}).
   *
   * @param unit the code
   * @param places of variables and on the stack
   */
  void newFrame(Mutator mutator, CodeUnit unit, int places) {
    if (keepsFrames || keepsFramesOfOneRun) {
      int head = mutator.version.gcHeadBytes;
      long bytes = frameBytes + 8L * places;
      long waiting = mutator.interpreter.freeLists.takeFrame();
      if (waiting == 0) {
        keepFrame(unit, mutator.scratch(head + bytes));
      } else {
        long frame = resized(mutator.interpreter, waiting, bytes);
        mutator.set(frame, 1);
        keepFrame(unit, frame - head);
      }
    }
  }

  /** Notes the block of the frame that stays with code. */
  void keepFrame(CodeUnit unit, long block) {
    runsOf(unit).frame = block;
  }

  /** Frees the frame that has stayed with code, which goes. */
  void freeFrame(Interpreter interpreter, CodeUnit unit) {
    Runs own = runsOf(unit);
    own.frame = freed(interpreter, own.frame);
  }

  /** Frees the cache of code that goes. */
  void freeCaches(Interpreter interpreter, CodeUnit unit) {
    Runs own = runsOf(unit);
    own.entries = freed(interpreter, own.entries);
    own.map = freed(interpreter, own.map);
  }

  private static long freed(Interpreter interpreter, long block) {
    if (block != 0) {
      interpreter.malloc.free(block);
    }
    return 0;
  }

  /** A frame off the free list, which may be too small ({@code PyObject_GC_Resize}). */
  static long resized(Interpreter interpreter, long frame, long bytes) {
    int head = interpreter.version.gcHeadBytes;
    boolean fits = interpreter.malloc.blockBytes(frame - head) >= head + bytes;
    return fits ? frame : interpreter.malloc.reallocate(frame - head, head + bytes) + head;
  }

  private void newCache(Mutator mutator, CodeUnit unit) {
    int entries = Math.min(unit.lookUps, MAX_ENTRIES);
    long map = zeroed(mutator, unit.instructions);
    if (entries == 0) {
      mutator.freeScratch(map);
    } else {
      runsOf(unit).map = map;
      runsOf(unit).entries = zeroed(mutator, (long) entries * ENTRY_BYTES);
    }
  }

  private static long zeroed(Mutator mutator, long bytes) {
    long block = mutator.scratch(bytes);
    mutator.set(block, 0);
    mutator.fill(block, bytes);
    return block;
  }
}
