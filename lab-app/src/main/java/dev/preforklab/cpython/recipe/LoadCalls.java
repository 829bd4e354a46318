package dev.preforklab.cpython.recipe;

import com.fasterxml.jackson.databind.JsonNode;
import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.layout.ObjectHead;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.stream.IntStream;

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

  /** The tuple of the collector's three counts, unless one is on the free list; from 3.12 on. */
  static final String COUNTS = "counts";

  /** The names of {@code str.encode}'s parameters get a tuple, unless there is one to be had. */
  static final String KEYWORDS = "keywords";

  private static final int COUNTERS = 3;

  /** Before the recipe's code. */
  final CapturedPools pools;

  private final int[] calls;
  private final long[] freed;

  /** By the numbers of the allocations that are still in use in the end, their addresses. */
  private final Map<Integer, Long> kept = new HashMap<>();

  private final Map<String, Integer> marks = new HashMap<>();

  private LoadCalls(JsonNode node, PythonVersion version) {
    pools = CapturedPools.read(node, version.arenaBytes);
    calls = Baseline.ints(node.path("calls"));
    freed = Baseline.sums(Baseline.longs(node.path("calls_freed")));
    long[] numbers = Baseline.sums(Baseline.longs(node.path("kept").path(0)));
    long[] addresses = Baseline.sums(Baseline.longs(node.path("kept").path(1)));
    for (int i = 0; i < numbers.length; i++) {
      kept.put((int) numbers[i], addresses[i]);
    }
    node.path("marks").properties().forEach(e -> marks.put(e.getKey(), e.getValue().asInt()));
    if (version.collectsAtEvalBreaker) {
      // The first tuple of this length after the list: all that is done by then is counting.
      int bytes = version.gcHeadBytes + ObjectHead.VAR_BYTES + 8 * COUNTERS;
      IntStream.range(marks.getOrDefault(OUT, calls.length), calls.length)
          .filter(at -> calls[at] == bytes)
          .findFirst()
          .ifPresent(at -> marks.put(COUNTS, at));
    }
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
    int before = marks.getOrDefault(BUILD, 0);
    int number = (int) Arrays.stream(calls, 0, before).filter(call -> call > 0).count();
    return kept.getOrDefault(number, 0L);
  }

  /** The calls, made in a process of another recipe. */
  final class Replay {
    private final Interpreter interpreter;
    private final long[] blocks = new long[calls.length];

    /** The blocks that stand for captured ones: 0 if there is none, or not yet. */
    private final NavigableMap<Long, Block> places = new TreeMap<>();

    private int next;
    private int made;
    private int nextFreed;

    Replay(Interpreter interpreter) {
      this.interpreter = interpreter;
      int number = 0;
      for (int call : calls) {
        if (call > 0) {
          Long captured = kept.get(number++);
          if (captured != null) {
            places.put(captured, new Block(call, 0));
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

    /** The tuple of two that is allocated at a mark is one from the free list, if there is any. */
    void takePair(String mark) {
      Integer at = marks.get(mark);
      if (at == null) {
        return;
      }
      until(mark);
      long pair = interpreter.freeLists.takeTuple(2);
      if (pair != 0) {
        place(calls[next++], pair - interpreter.version.gcHeadBytes);
      }
    }

    /** Leaves out the calls from here to a mark. */
    void skipTo(String mark) {
      to(marks.getOrDefault(mark, next), false);
    }

    private void to(int end, boolean real) {
      for (; next < end; next++) {
        int call = calls[next];
        if (call > 0) {
          allocate(call, real);
        } else {
          long block =
              call == 0 ? BaselineLoader.lowerHalf(freed[nextFreed++]) : blocks[made + call];
          if (block != 0) {
            interpreter.malloc.free(block);
          }
        }
      }
    }

    private void allocate(int bytes, boolean real) {
      if (real) {
        place(bytes, interpreter.malloc.allocate(bytes));
      } else {
        made++;
      }
    }

    private void place(int bytes, long block) {
      blocks[made] = block;
      Long captured = kept.get(made++);
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
