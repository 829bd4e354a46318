package dev.preforklab.cpython.recipe;

import static dev.preforklab.cpython.Host.CAUSE_DATA;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.layout.ObjectHead;
import dev.preforklab.cpython.layout.TypeSpec;
import dev.preforklab.cpython.recipe.Recipe.Expression;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What calls allocate besides their values: bound methods to 3.6, frames to 3.10, and for a list
 * comprehension of 3.6 to 3.11 a function with its closure. All of it moves the collector's count,
 * and some waits on free lists that a full collection empties. Sources: {@code Python/ceval.c},
 * {@code Objects/*object.c}; states of the free lists were read off real processes with a debugger,
 * or follow from their counts.
 */
final class Calls {
  static final Object ACT = new Object();

  /** Those of the function that waits and of the act, after that of build. */
  private static final int OWN_FRAMES = 2;

  static final int ITERATOR_BYTES = 32;

  /** What frames have room for where the code is not known. */
  static final int PLACES = 6;

  private static final int CELL_BYTES = 24;
  private static final int OLD_BUILTIN_BYTES = 40;

  private static final int OLD_METHOD_BYTES = 48;
  static final int BUILTIN_BYTES = 48;
  private static final int METHOD_BYTES = 40;

  private final Mutator mutator;
  private final Interpreter interpreter;
  private final Host host;
  private final PythonVersion version;
  private final boolean isOld;
  private final long type;

  /** The frame that each code object keeps from its last call on ({@code co_zombieframe}). */
  private final IdentityHashMap<Object, Long> frames = new IdentityHashMap<>();

  private final ReaderFrames readers;

  /** Code that has had a frame, from 3.7 on; its memory is that of {@link CodeObjects}. */
  private final Set<Object> hadFrames = Collections.newSetFromMap(new IdentityHashMap<>());

  /** The call sites of classes that have learnt to call without a tuple of arguments. */
  private final Set<Object> specialised = Collections.newSetFromMap(new IdentityHashMap<>());

  /** The frames that wait for code that has none, and how many full collections there were then. */
  private int freeFrames;

  private long fullCollections;

  /** Whether the frames of the script's own functions were such; they are the baseline's. */
  private boolean hadFreeFrames;

  private boolean actHadFreeFrame;

  /** Whether calls bind methods, and all of them is simulated. */
  final boolean areSimulated;

  /**
   * Whether the frames of the function that waits and of the act, which code keeps from its first
   * call on, are counted; their memory is the baseline's.
   */
  final boolean countsFrames;

  Calls(Mutator mutator) {
    this(
        mutator,
        mutator.interpreter.addStaticType(TypeSpec.blocks("call", 16, 16, 0, false)),
        null);
  }

  private Calls(Mutator mutator, long type, @Nullable ReaderFrames parents) {
    CStack stack = new CStack(mutator.interpreter.host, mutator.version);
    mutator.interpreter.deallocator.setNestingListener(stack::deallocate);
    readers =
        parents == null ? new ReaderFrames(mutator, type, stack) : parents.forked(mutator, stack);
    this.mutator = mutator;
    this.type = type;
    interpreter = mutator.interpreter;
    host = interpreter.host;
    version = mutator.version;
    isOld = version.major == 2;
    areSimulated = !version.atLeast(3, 7);
    countsFrames = !areSimulated && !version.atLeast(3, 11);
  }

  /** The calls of a forked process. */
  Calls forked(Mutator child) {
    Calls copy = new Calls(child, type, readers);
    copy.frames.putAll(frames);
    copy.hadFrames.addAll(hadFrames);
    copy.specialised.addAll(specialised);
    copy.freeFrames = freeFrames;
    copy.hadFreeFrames = hadFreeFrames;
    copy.fullCollections = fullCollections;
    return copy;
  }

  // Methods

  /** {@code out.append}, while the call's argument is evaluated. */
  long bindBuiltin() {
    return bind(true, isOld ? OLD_BUILTIN_BYTES : BUILTIN_BYTES);
  }

  /** {@code self.__init__}, looked up by the type. */
  long bindMethod() {
    return bind(false, isOld ? OLD_METHOD_BYTES : METHOD_BYTES);
  }

  private long bind(boolean builtin, int bytes) {
    if (!areSimulated) {
      return 0;
    }
    long bound = interpreter.freeLists.takeBound(builtin);
    if (bound == 0) {
      bound = interpreter.newGcObject(type, bytes);
    } else {
      mutator.writeHead(bound, type);
    }
    interpreter.track(bound);
    return bound;
  }

  void release(long bound, boolean builtin) {
    if (bound != 0) {
      interpreter.untrack(bound);
      if (!interpreter.freeLists.putBound(builtin, bound)) {
        interpreter.gcDelete(bound);
      }
    }
  }

  // Functions

  /** A call under way; {@code frame} is 0 where it is only counted. */
  record Call(long method, long arguments, long frame, List<Long> cells, long function) {}

  /**
   * The tuple in which a class is called with one argument, or 0: from 3.13 on a call of a class
   * whose instances have a dict does without from its second time on, when it has learnt to enter
   * {@code __init__} by itself ({@code CALL_ALLOC_AND_ENTER_INIT}).
   */
  long passArgument(Recipe.InstanceValue place, long argument) {
    boolean learns = version.atLeast(3, 13) && !place.slots();
    return learns && !specialised.add(place) ? 0 : mutator.newTuple(new long[] {argument});
  }

  /**
   * {@code __init__(self, i)} begins.
   *
   * @param place the class
   * @param places that its frame has
   */
  @Nullable Call enterInit(
      Expression place, long object, long index, boolean capturesIndex, int places) {
    if (!areSimulated) {
      return enter(place, capturesIndex ? 1 : 0, 0);
    }
    long method = bindMethod();
    long arguments = 0;
    if (isOld) {
      interpreter.incref(object);
      interpreter.incref(index);
      arguments = mutator.newTuple(new long[] {object, index});
    }
    return new Call(method, arguments, frame(place, places), cells(capturesIndex ? 1 : 0), 0);
  }

  /**
   * A function without arguments begins.
   *
   * @param place of its code; null if it has its frame already
   * @param captured its variables that comprehensions use
   * @param places that its frame has
   */
  @Nullable Call enterFunction(@Nullable Object place, int captured, int places) {
    return areSimulated
        ? new Call(0, 0, place == null ? 0 : frame(place, places), cells(captured), 0)
        : enter(place, captured, 0);
  }

  /** The function of the act begins. */
  @Nullable Call enterAct(int places) {
    if (countsFrames) {
      actHadFreeFrame = countNewFrame();
    }
    return areSimulated ? enterFunction(ACT, 0, places) : null;
  }

  /**
   * A list comprehension begins.
   *
   * @param function what {@link #makeFunction} returned
   * @param capturesIndex whether another comprehension in it uses its variable
   * @param places that its frame has
   */
  @Nullable Call enterComprehension(
      Expression place, long function, boolean capturesIndex, int places) {
    if (function == 0) {
      return null;
    }
    int captured = capturesIndex ? 1 : 0;
    return areSimulated
        ? new Call(0, 0, frame(place, places), cells(captured), function)
        : enter(place, captured, function);
  }

  /** A call from 3.7 on. */
  private @Nullable Call enter(@Nullable Object place, int captured, long function) {
    if (version.atLeast(3, 12)) {
      return null;
    }
    if (place != null && !version.atLeast(3, 11) && hadFrames.add(place)) {
      countNewFrame();
    }
    return new Call(0, 0, 0, cells(captured), function);
  }

  /**
   * Counts the frame of a code object's first call from 3.7 to 3.10, which the code keeps ({@code
   * co_zombieframe}): a new one, or one that waits on the free list.
   *
   * @return whether it has waited
   */
  private boolean countNewFrame() {
    boolean waits = takeFreeFrame();
    if (!waits) {
      interpreter.collector.objectAllocated();
    }
    return waits;
  }

  /** Takes one of the frames that wait, if there is one, for code that runs for the first time. */
  boolean takeFreeFrame() {
    forgetClearedFrames();
    if (freeFrames == 0) {
      return false;
    }
    freeFrames--;
    return true;
  }

  /** Whether the frame of a function, build or act, is among what the baseline holds. */
  boolean isFrameCaptured(String function) {
    return function.equals("act") ? actHadFreeFrame : hadFreeFrames;
  }

  /** A full collection frees the frames that wait. */
  private void forgetClearedFrames() {
    long now = interpreter.gcState.collections(2);
    if (now != fullCollections) {
      fullCollections = now;
      freeFrames = 0;
    }
  }

  /** The function of a comprehension, which holds its closure; 0 where there is none. */
  long makeFunction(int freeVariables) {
    if (isOld || version.atLeast(3, 12)) {
      return 0;
    }
    long closure = freeVariables == 0 ? 0 : mutator.newTuple(new long[freeVariables]);
    long function = interpreter.newGcObject(type, CodeObjects.functionBytes(version));
    host.store(function + ObjectHead.BYTES, closure, CAUSE_DATA);
    interpreter.track(function);
    return function;
  }

  void leave(@Nullable Call call) {
    if (call == null) {
      return;
    }
    if (call.frame != 0) {
      interpreter.untrack(call.frame);
    }
    call.cells.forEach(interpreter::deleteTracked);
    if (call.function != 0) {
      long closure = host.load(call.function + ObjectHead.BYTES);
      interpreter.deleteTracked(call.function);
      interpreter.decref(closure);
    }
    interpreter.decref(call.arguments);
    release(call.method, false);
  }

  private long frame(Object place, int places) {
    Long kept = frames.get(place);
    long frame = kept == null ? newFrame(frameBytes(places)) : kept;
    frames.put(place, frame);
    mutator.writeHead(frame, type);
    interpreter.track(frame);
    return frame;
  }

  /** The block of the frame that the code of a place keeps; 0 if it has none of these. */
  long keptFrame(Object place) {
    Long frame = frames.get(place);
    return frame == null ? 0 : frame - version.gcHeadBytes;
  }

  /** The block of the frame that the code of read_deep's function keeps, or 0. */
  long keptReaderFrame() {
    return readers.keptBlock();
  }

  private long newFrame(int bytes) {
    long waiting = interpreter.freeLists.takeFrame();
    return waiting == 0
        ? interpreter.newGcObject(type, bytes)
        : CodeRuns.resized(interpreter, waiting, bytes);
  }

  private int frameBytes(int places) {
    return ReaderFrames.emptyBytes(version) + 8 * places;
  }

  private List<Long> cells(int count) {
    List<Long> cells = new ArrayList<>();
    for (int i = 0; i < count && !isOld; i++) {
      cells.add(interpreter.newTracked(type, CELL_BYTES));
    }
    return cells;
  }

  // What the code before the recipe's heap leaves

  /**
   * Fills the free lists as the script has left them where the recipe's code begins.
   *
   * @param array whether the module array has been imported
   * @param baseline what the real interpreter had there, for the releases that tell
   */
  void fillFreeLists(boolean array, Baseline baseline, BaselineLoader loader) {
    if (!areSimulated) {
      mutator.fillFreeLists(baseline.freeLists, baseline.leftovers.restoreDead(mutator, loader));
      hadFreeFrames = interpreter.freeLists.hasFrames();
      if (hadFreeFrames) {
        // They come off the list in the order of first calls: whoever comes before the script's own
        // functions takes from these, too.
        freeFrames = baseline.leftovers.others() + OWN_FRAMES;
        fullCollections = interpreter.gcState.collections(2);
      }
      return;
    }
    baseline.restoreDead(interpreter, loader);
    int count = interpreter.gcState.count(0);
    if (!isOld) {
      Baseline.FreeLists there = baseline.leftovers.restoreDead(mutator, loader);
      mutator.fillFreeLists(baseline.freeLists.without(RecipeRunner.SCRIPTS_ARGUMENTS), there);
    } else if (array) {
      hold(new int[] {0, 1, 0, 0, 1}, 1).release();
    }
    interpreter.gcState.setCount(0, count);
  }

  /** What one class statement of 2.7 needs for a time, all of it at once. */
  Held holdForClass() {
    return hold(new int[] {0, 0, 0, 1}, 0);
  }

  /** The text of the counts is encoded and written. */
  void encodeCounts() {
    release(bindBuiltin(), true);
    write();
  }

  /** {@code posix.write(1, text)}, whose arguments are a tuple up to 3.6. */
  void write() {
    if (areSimulated) {
      interpreter.decref(mutator.newTuple(new long[] {mutator.none(), mutator.none()}));
    }
  }

  /**
   * The names of {@code str.encode}'s parameters, which it keeps from its first call on.
   *
   * @return the block of their tuple
   */
  long keepKeywords() {
    return mutator.newTuple(new long[] {mutator.none(), mutator.none()}) - version.gcHeadBytes;
  }

  /** The function that reads a word is called for the first time. */
  void waitForWord() {
    if (!version.atLeast(3, 11)) {
      countNewFrame();
    }
  }

  /** {@code gc.get_count()}: its result is a tuple, which then waits on the free list. */
  void returnCounts() {
    long counts = mutator.newTuple(new long[] {mutator.none(), mutator.none(), mutator.none()});
    interpreter.evalBreaker();
    interpreter.decref(counts);
  }

  private Held hold(int[] tuples, int builtins) {
    return new Held(mutator, this, tuples, builtins);
  }

  // Reading

  /**
   * A call of the recursive function of read_deep begins, and asks for the type of its argument.
   */
  void enterReader(long argument) {
    if (!version.atLeast(3, 11)) {
      forgetClearedFrames();
      freeFrames -= readers.enter(argument) ? 1 : 0;
    }
    if (!version.atLeast(3, 10)) {
      interpreter.incref(argument);
      interpreter.decref(mutator.newTuple(new long[] {argument}));
    }
  }

  void leaveReader() {
    if (!version.atLeast(3, 11)) {
      forgetClearedFrames();
      freeFrames += readers.leave() ? 1 : 0;
    }
  }

  /**
   * The iterator over a container that read_deep's function goes through.
   *
   * @param traversal of the container's type
   */
  long iterateDeep(int traversal) {
    return interpreter.newTracked(type, ReaderFrames.iteratorBytes(traversal));
  }

  /** The iterator over a list; where it is only counted 0, its memory is the baseline's. */
  long iterate() {
    if (areSimulated) {
      return interpreter.newTracked(type, ITERATOR_BYTES);
    }
    interpreter.collector.objectAllocated();
    interpreter.collector.enterUnseen();
    return 0;
  }

  void endIteration(long iterator) {
    if (iterator == 0) {
      interpreter.collector.leaveUnseen();
      interpreter.collector.objectFreed();
    } else {
      interpreter.deleteTracked(iterator);
    }
  }
}
