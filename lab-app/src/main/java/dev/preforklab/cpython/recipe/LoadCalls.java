package dev.preforklab.cpython.recipe;

import com.fasterxml.jackson.databind.JsonNode;
import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.layout.ObjectHead;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * How the captured process came to its heap: what it asked of pymalloc from where it was about to
 * read its recipe's code to where its child waited. Its own recipe was empty; another recipe's code
 * takes the blocks that are free at that time, and all that comes after it takes others than in the
 * captured process.
 */
final class LoadCalls {
  /** The bytes of the recipe's file are allocated, if pymalloc has blocks for so many. */
  static final String FILE = "file";

  /** What {@code marshal.loads} makes of them; the last of these calls frees the bytes. */
  static final String CODE = "code";

  static final String CODE_END = "code_end";

  /** The module's code begins to run and gets a frame; to 3.10. */
  static final String MODULE_FRAME = "frame_module";

  /** The first function of the module is made, {@code build}, after all classes. */
  static final String BUILD = "build";

  /** The frame of {@code build}, to 3.10. */
  static final String BUILD_FRAME = "frame_build";

  /** The list is to be made that holds the recipe's heap. */
  static final String OUT = "out";

  /** Its allocation, unless it is from the free list. */
  static final String LIST = "list";

  /** The tuple of the collector's three counts, unless one is on the free list. */
  static final String COUNTS = "counts";

  /** The bound method {@code encode} of their text, on 3.6, unless one is on the free list. */
  static final String ENCODE = "encode";

  /** The names of {@code str.encode}'s parameters get a tuple, unless there is one to be had. */
  static final String KEYWORDS = "keywords";

  /** The child's own begin. */
  static final String FORK = "fork";

  /** As many more names, and the module's dict gets a larger table. */
  private static final int NAMES_THAT_GROW_GLOBALS = 3;

  /** Of a bytes object of one character, with what ends it. */
  static final int WORD_BYTES = 34;

  /** A dict's table of 64 places, in every release. */
  private static final int GLOBALS_BYTES_LEAST = 700;

  private static final int GLOBALS_BYTES_MOST = 1200;

  private static final int COUNTERS = 3;

  private static final int LOCK_BYTES = 32;

  /** By release, how many locks of the runtime a child makes anew. */
  private static final Map<Integer, Integer> RUNTIMES_LOCKS =
      Map.of(6, 0, 7, 1, 8, 3, 9, 2, 10, 3, 11, 3, 12, 9, 13, 0);

  /** Before the recipe's code. */
  final CapturedPools pools;

  /** The C library's heap then, and calls to it among the others; null if they are not known. */
  final Baseline.@Nullable CHeap cHeap;

  private final int[] calls;

  /** Those of the parent since the fork; {@link #calls} has the child's. */
  final int[] parents;

  private final long[] freed;

  /**
   * The call before which a child makes the runtime's locks anew; -1 if none is known. They come
   * from the allocator that the interpreter began with, whose calls were not logged ({@code
   * _PyRuntimeState_ReInitThreads} in {@code Python/pystate.c}; of 3.7 {@code _PyGILState_Reinit}).
   */
  private final int runtimesLocksAt;

  private final int runtimesLocks;

  /** The call for the larger table of the module's dict, which the next call gives up; or -1. */
  private final int growing;

  /** By the numbers of the allocations that are still in use in the end, their addresses. */
  private final Map<Integer, Long> kept = new HashMap<>();

  private final Map<String, Integer> marks = new HashMap<>();

  /** Texts that exist then, as names or because there is one of each character. */
  private final Map<String, Long> names = new HashMap<>();

  /** By their length, the tuples on free lists then, the next to be taken first. */
  private final Map<Integer, long[]> deadTuples = new HashMap<>();

  private LoadCalls(JsonNode node, PythonVersion version) {
    cHeap = node.has("malloc") ? Baseline.cHeap(node.path("malloc")) : null;
    String[] texts = node.path("names").path(0).asText("").split(" ", -1);
    long[] places = Baseline.sums(Baseline.longs(node.path("names").path(1)));
    for (int i = 0; i < places.length; i++) {
      names.put(texts[i], BaselineLoader.lowerHalf(places[i]));
    }
    for (JsonNode row : node.path("dead_tuples")) {
      deadTuples.put(row.get(0).asInt(), Baseline.longs(row.get(1)));
    }
    pools = CapturedPools.read(node, version.arenaBytes);
    calls = Baseline.ints(node.path("calls"));
    parents = Baseline.ints(node.path("parents"));
    freed = Baseline.sums(Baseline.longs(node.path("calls_freed")));
    int[] locks =
        IntStream.range(0, calls.length)
            .filter(i -> calls[i] == AllocatorCall.RAW + LOCK_BYTES)
            .toArray();
    runtimesLocksAt = runtimesLocksAt(locks, version);
    runtimesLocks = RUNTIMES_LOCKS.getOrDefault(version.minor, 0);
    long[] numbers = Baseline.sums(Baseline.longs(node.path("kept").path(0)));
    long[] addresses = Baseline.sums(Baseline.longs(node.path("kept").path(1)));
    for (int i = 0; i < numbers.length; i++) {
      kept.put((int) numbers[i], addresses[i]);
    }
    node.path("marks").properties().forEach(e -> marks.put(e.getKey(), e.getValue().asInt()));
    // The first tuple of this length after the list: all that is done by then is counting.
    int bytes = version.gcHeadBytes + ObjectHead.VAR_BYTES + 8 * COUNTERS;
    mark(COUNTS, bytes, marks.getOrDefault(OUT, calls.length));
    if (!version.atLeast(3, 7) && marks.containsKey(COUNTS)) {
      mark(ENCODE, version.gcHeadBytes + Calls.BUILTIN_BYTES, marks.get(COUNTS) + 1);
    }
    growing = growing();
  }

  /**
   * From 3.9 on they come before the lock of the main interpreter, which is the last that was
   * logged, from 3.12 on the third last; on 3.8 behind the one for imports, the last, and on 3.7
   * before all others, which are two.
   */
  private static int runtimesLocksAt(int[] logged, PythonVersion version) {
    if (logged.length == 0) {
      return -1;
    }
    int fromEnd = version.atLeast(3, 12) ? 3 : version.atLeast(3, 9) ? 1 : 2;
    boolean behindAll = version.atLeast(3, 8) && !version.atLeast(3, 9);
    return behindAll ? logged[logged.length - 1] + 1 : logged[Math.max(0, logged.length - fromEnd)];
  }

  private int growing() {
    int at = marks.getOrDefault(BUILD, calls.length);
    while (at < calls.length
        && (calls[at] < GLOBALS_BYTES_LEAST || calls[at] > GLOBALS_BYTES_MOST)) {
      at++;
    }
    return at + 1 < calls.length && calls[at + 1] == 0 ? at : -1;
  }

  /** Marks the first allocation of so many bytes from somewhere on, if there is one. */
  private void mark(String name, int bytes, int start) {
    IntStream.range(start, calls.length)
        .filter(at -> calls[at] == bytes)
        .findFirst()
        .ifPresent(at -> marks.put(name, at));
  }

  /** Reads them; of 2.7 there are none. */
  static LoadCalls read(JsonNode node, PythonVersion version) {
    return new LoadCalls(node, version);
  }

  boolean isEmpty() {
    return calls.length == 0;
  }

  /** The captured block of the first function of the module, {@code build}. */
  long firstFunction() {
    return keptBlock(marks.getOrDefault(BUILD, 0));
  }

  /** The captured block of the last function of the module, {@code act}. */
  long lastFunction() {
    return keptBlock(marks.getOrDefault(BUILD, 0) + 1);
  }

  /** The captured block of the table that the module's dict has in the end; 0 if not known. */
  long globalsTable() {
    return growing < 0 ? 0 : keptBlock(growing);
  }

  private long keptBlock(int call) {
    int number = (int) Arrays.stream(calls, 0, call).filter(c -> c > 0).count();
    return kept.getOrDefault(number, 0L);
  }

  /** The calls, made in a process of another recipe. */
  final class Replay {
    private final Interpreter interpreter;
    private final long[] blocks = new long[calls.length];

    /** The blocks that stand for captured ones: 0 if there is none, or not yet. */
    private final NavigableMap<Long, Block> places = new TreeMap<>();

    /** Of the dead tuples of each length, how many the recipe's code has taken. */
    private final Map<Integer, Integer> taken = new HashMap<>();

    /** Those that the recipe's code has taken, where the empty one has not. */
    private final Set<Long> revived = new HashSet<>();

    private final List<Long> locks = new ArrayList<>();
    private int next;
    private int made;
    private int nextFreed;
    private boolean listsCleared;
    private int namesDefined;

    Replay(Interpreter interpreter) {
      this.interpreter = interpreter;
      int number = 0;
      for (int call : calls) {
        if (call > 0) {
          Long captured = kept.get(number++);
          if (captured != null) {
            places.put(captured, new Block(AllocatorCall.asked(call), 0));
          }
        }
      }
    }

    /** Makes the calls before a mark. */
    void until(String mark) {
      to(marks.getOrDefault(mark, next), true);
    }

    /** Makes all calls that are left. */
    void finish() {
      to(calls.length, true);
    }

    /** Leaves out the call at a mark: the recipe makes one of its own instead. */
    boolean skip(String mark) {
      Integer at = marks.get(mark);
      if (at == null) {
        return false;
      }
      until(mark);
      to(at + 1, false);
      return true;
    }

    /**
     * What the recipe has made instead of the call just left out stands for what that one made.
     *
     * @param block of its own
     */
    void standIn(long block) {
      place(made - 1, calls[next - 1], block);
    }

    /**
     * Takes the block of the last allocation for the recipe's own: the captured process has used it
     * for something else since.
     */
    long takeLast() {
      Long captured = kept.get(made - 1);
      if (captured != null) {
        places.put(captured, new Block(Objects.requireNonNull(places.get(captured)).bytes(), 0));
      }
      return blocks[made - 1];
    }

    /** The interpreter's own blocks that no captured one stands for. */
    List<Long> locks() {
      return locks;
    }

    /** Leaves out the calls from here to a mark. */
    void skipTo(String mark) {
      to(marks.getOrDefault(mark, next), false);
    }

    /**
     * The block that the process reads its next word into while it waits, the last that it has
     * allocated; 0 if none is known. The word has gone before the child acts.
     */
    long waitingWord() {
      int[] allocations = Arrays.stream(calls).filter(call -> call > 0).toArray();
      int number = allocations.length - 1;
      Long captured = kept.get(number);
      if (captured == null || allocations[number] != WORD_BYTES) {
        return 0;
      }
      places.put(captured, new Block(WORD_BYTES, 0));
      return blocks[number];
    }

    /** The module has one more name, a class, a function or the list that holds the heap. */
    void defineName() {
      if (++namesDefined != NAMES_THAT_GROW_GLOBALS || growing < 0) {
        return;
      }
      int number = (int) Arrays.stream(calls, 0, growing).filter(call -> call > 0).count();
      int old = (int) Arrays.stream(calls, 0, growing).filter(call -> call == 0).count();
      place(number, calls[growing], interpreter.malloc.allocate(calls[growing]));
      interpreter.malloc.free(BaselineLoader.lowerHalf(freed[old]));
    }

    /**
     * The module makes its functions, in the order of the calls.
     *
     * @param between makes another one between them
     */
    void defineFunctions(Runnable between) {
      until(BUILD);
      for (int i = 0; i < (isEmpty() ? 0 : 2); i++) {
        to(next + 1, true);
        defineName();
        if (i == 0) {
          between.run();
        }
      }
    }

    private void to(int end, boolean real) {
      for (; next < end; next++) {
        int call = calls[next];
        for (int i = 0; next == runtimesLocksAt && i < runtimesLocks; i++) {
          locks.add(interpreter.raw.allocate(LOCK_BYTES));
        }
        boolean done =
            growing >= 0
                && namesDefined >= NAMES_THAT_GROW_GLOBALS
                && (next == growing || next == growing + 1);
        if (done) {
          made += call > 0 ? 1 : 0;
          nextFreed += call > 0 ? 0 : 1;
        } else if (call >= AllocatorCall.RAW && (call & AllocatorCall.RESIZED) != 0) {
          resize(AllocatorCall.asked(call), real);
        } else if (call > 0) {
          allocate(call, real);
        } else {
          long block = call == 0 ? nextFreed(real) : blocks[made + call];
          if (block != 0) {
            interpreter.malloc.free(block);
          }
        }
      }
    }

    /** The next captured block that is freed, or 0 if the recipe's code lives in it. */
    private long nextFreed(boolean real) {
      long captured = freed[nextFreed++];
      if (real && !listsCleared && isDeadTuple(captured)) {
        listsCleared = true;
        keepParameterOfCollect();
        freeWhatOnlyTheEmptyRecipeTook();
      }
      return revived.contains(captured) ? 0 : BaselineLoader.lowerHalf(captured);
    }

    private boolean isDeadTuple(long captured) {
      return deadTuples.values().stream()
          .anyMatch(blocks -> Arrays.stream(blocks).anyMatch(block -> block == captured));
    }

    /** The collection clears the free lists, with the tuples that this recipe's code left there. */
    private void freeWhatOnlyTheEmptyRecipeTook() {
      deadTuples.forEach(
          (length, blocks) -> {
            int end = takenByTheEmptyRecipe(blocks);
            for (int i = taken.getOrDefault(length, 0); i < end; i++) {
              places.put(blocks[i], new Block(16, 0));
              interpreter.malloc.free(BaselineLoader.lowerHalf(blocks[i]));
            }
          });
    }

    /**
     * On 3.7 {@code gc.collect} keeps a tuple of its parameter's name from its first call on, which
     * is the one that clears the lists.
     */
    private void keepParameterOfCollect() {
      if (takenByCollecting(1) > 0 && takeDeadTuple(1) == 0) {
        interpreter.malloc.allocate(interpreter.version.gcHeadBytes + ObjectHead.VAR_BYTES + 8);
      }
    }

    /** How many dead tuples of a length it takes so. */
    private int takenByCollecting(int length) {
      boolean is37 = interpreter.version.atLeast(3, 7) && !interpreter.version.atLeast(3, 8);
      return is37 && length == 1 ? 1 : 0;
    }

    /** Takes the dead tuples that the captured process's own, empty recipe took. */
    void loadEmptyRecipe() {
      deadTuples.forEach(
          (length, blocks) ->
              taken.put(length, takenByTheEmptyRecipe(blocks) - takenByCollecting(length)));
    }

    /** How many of the dead tuples the collection did not find in the captured process. */
    private int takenByTheEmptyRecipe(long[] blocks) {
      int count = 0;
      while (count < blocks.length && !isFreedLater(blocks[count])) {
        count++;
      }
      return count;
    }

    private boolean isFreedLater(long captured) {
      return Arrays.stream(freed).anyMatch(block -> block == captured);
    }

    /** Where the interpreter has a text as a name before it reads the recipe's code, or 0. */
    long nameOf(String text) {
      return names.getOrDefault(text, 0L);
    }

    /**
     * The block of a dead tuple of a length, for one of the recipe's code.
     *
     * @return 0 if there is none left
     */
    long takeDeadTuple(int length) {
      long[] blocks = deadTuples.getOrDefault(length, new long[0]);
      int number = taken.getOrDefault(length, 0);
      if (number == blocks.length) {
        return 0;
      }
      taken.put(length, number + 1);
      revived.add(blocks[number]);
      return BaselineLoader.lowerHalf(blocks[number]);
    }

    /** The call and the one behind it. */
    private void resize(int bytes, boolean real) {
      int from = calls[++next];
      long block = from == 0 ? nextFreed(real) : blocks[made + 1 + from];
      if (block == 0) {
        made++;
      } else {
        place(bytes, real ? interpreter.raw.reallocate(block, bytes) : block);
      }
    }

    private void allocate(int call, boolean real) {
      if (real) {
        place(AllocatorCall.asked(call), AllocatorCall.allocate(interpreter, call));
      } else {
        made++;
      }
    }

    private void place(int bytes, long block) {
      place(made++, bytes, block);
    }

    private void place(int number, int bytes, long block) {
      blocks[number] = block;
      Long captured = kept.get(number);
      if (captured != null) {
        places.put(captured, new Block(bytes, block));
      }
    }

    /**
     * Where a captured address is now: elsewhere, if it lies in a block that has been allocated in
     * these calls, and nowhere, 0, if that is still to come or belongs to the empty recipe's code.
     */
    long place(long captured) {
      Map.Entry<Long, Block> entry = places.floorEntry(captured);
      if (entry == null || captured >= entry.getKey() + entry.getValue().bytes()) {
        return BaselineLoader.lowerHalf(captured);
      }
      long block = entry.getValue().place();
      return block == 0 ? 0 : block + captured - entry.getKey();
    }
  }

  private record Block(int bytes, long place) {}
}
