package dev.preforklab.cpython.gc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.PlainHost;
import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.RuntimeState;
import dev.preforklab.cpython.layout.ObjectHead;
import dev.preforklab.cpython.layout.Traversal;
import dev.preforklab.cpython.layout.TypeSpec;
import dev.preforklab.cpython.obmalloc.DebugMallocStats;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Random graphs under random operations. Oracle: what is reachable from the program's own
 * references, found by a plain search through simulated memory, is what a full collection leaves;
 * every reference count is the number of references that exist; at the end nothing is left.
 */
class CollectorOracleTest {
  private static final int STEPS = 3_000;

  private final Map<Long, Integer> held = new HashMap<>();
  private final List<Long> heldList = new ArrayList<>();

  @ParameterizedTest
  @CsvSource({
    "2.7, 1",
    "3.6, 2",
    "3.7, 3",
    "3.8, 4",
    "3.9, 5",
    "3.10, 6",
    "3.11, 7",
    "3.12, 8",
    "3.13, 9",
    "3.7, 10",
    "3.11, 11",
    "3.13, 12",
    "3.14, 13",
    "3.14, 14"
  })
  void aFullCollectionLeavesExactlyWhatIsReachable(String release, long seed) {
    Interpreter interpreter = Interpreter.boot(new PlainHost(), PythonVersion.parse(release));
    Random random = new Random(seed);
    long node = interpreter.addStaticType(TypeSpec.blocks("Node", 40, 16, 3, true));
    long list =
        interpreter.addStaticType(
            new TypeSpec("list", TypeSpec.LIST, true, 40, 8, 0, 0, false, TypeSpec.Exact.LIST));
    long tuple =
        interpreter.addStaticType(
            new TypeSpec("tuple", TypeSpec.TUPLE, true, 24, 8, 0, 0, false, TypeSpec.Exact.TUPLE));
    interpreter.gcState.setThresholds(50, 3, 3);
    for (int step = 0; step < STEPS; step++) {
      int action = random.nextInt(100);
      if (action < 30 || heldList.isEmpty()) {
        hold(newNode(interpreter, node));
      } else if (action < 40) {
        hold(newList(interpreter, list, some(random), some(random)));
      } else if (action < 48) {
        hold(newTuple(interpreter, tuple, some(random), some(random)));
      } else if (action < 70) {
        long from = some(random);
        if (interpreter.host.load(from + ObjectHead.TYPE) == node) {
          replace(interpreter, from + 16 + 8L * random.nextInt(3), some(random));
        }
      } else if (action < 97) {
        int index = random.nextInt(heldList.size());
        long object = heldList.get(index);
        heldList.set(index, heldList.get(heldList.size() - 1));
        heldList.remove(heldList.size() - 1);
        held.merge(object, -1, Integer::sum);
        interpreter.decref(object);
      } else if (action < 99) {
        interpreter.collector.collect(random.nextInt(2));
      } else {
        collectAndCheck(interpreter, seed, step);
      }
      interpreter.evalBreaker();
      if (step % 64 == 0) {
        GcInvariants.check(interpreter);
      }
    }
    for (long object : heldList) {
      interpreter.decref(object);
    }
    heldList.clear();
    held.clear();
    interpreter.collector.collect(2);
    GcInvariants.check(interpreter);
    assertThat(interpreter.collector.generationSize(2)).as("seed %d: objects left", seed).isZero();
    assertThat(DebugMallocStats.of(interpreter).totalBlocksInUse())
        .as("seed %d: blocks left, but for dead lists that 2.7 keeps", seed)
        .isEqualTo(interpreter.freeLists.count(RuntimeState.LIST_FREE_COUNT));
  }

  private void collectAndCheck(Interpreter interpreter, long seed, int step) {
    Set<Long> before = tracked(interpreter);
    Set<Long> reachable = reachable(interpreter);
    long collected = interpreter.collector.collect(2);
    GcInvariants.check(interpreter);
    Set<Long> after = tracked(interpreter);
    Set<Long> expected = new LinkedHashSet<>(before);
    expected.retainAll(reachable);
    assertThat(expected).as("seed %d step %d", seed, step).containsAll(after);
    for (long object : expected) {
      if (!after.contains(object)) {
        assertThat(interpreter.spec(object).name())
            .as("seed %d step %d: untracked", seed, step)
            .isEqualTo("tuple");
      }
    }
    assertThat(collected)
        .as("seed %d step %d: collected", seed, step)
        .isEqualTo(before.size() - expected.size());
    Map<Long, Integer> counts = new HashMap<>(held);
    for (long object : reachable(interpreter)) {
      for (long referent : referents(interpreter, object)) {
        counts.merge(referent, 1, Integer::sum);
      }
    }
    for (long object : after) {
      assertThat(interpreter.refCounts.get(object))
          .as("seed %d step %d: reference count", seed, step)
          .isEqualTo(counts.getOrDefault(object, 0).longValue());
    }
  }

  private Set<Long> reachable(Interpreter interpreter) {
    Set<Long> seen = new LinkedHashSet<>(heldList);
    Deque<Long> open = new ArrayDeque<>(seen);
    while (!open.isEmpty()) {
      for (long referent : referents(interpreter, open.remove())) {
        if (seen.add(referent)) {
          open.add(referent);
        }
      }
    }
    return seen;
  }

  private static List<Long> referents(Interpreter interpreter, long object) {
    Traversal traversal = new Traversal(interpreter.host, interpreter.version);
    traversal.locate(object, interpreter.spec(object));
    List<Long> referents = new ArrayList<>();
    for (long i = 0; i < traversal.count; i++) {
      long referent = interpreter.host.load(traversal.address + i * traversal.stride);
      if (referent != 0) {
        referents.add(referent);
      }
    }
    return referents;
  }

  private static Set<Long> tracked(Interpreter interpreter) {
    Set<Long> objects = new LinkedHashSet<>();
    for (int generation = 0; generation < GcState.GENERATIONS; generation++) {
      long head = interpreter.gcState.head(generation);
      for (long gc = interpreter.lists.next(head); gc != head; gc = interpreter.lists.next(gc)) {
        objects.add(gc + interpreter.version.gcHeadBytes);
      }
    }
    return objects;
  }

  private void hold(long object) {
    held.merge(object, 1, Integer::sum);
    heldList.add(object);
  }

  private long some(Random random) {
    return heldList.get(random.nextInt(heldList.size()));
  }

  private static long newNode(Interpreter interpreter, long type) {
    long object = interpreter.newGcObject(type, 40);
    for (int i = 0; i < 3; i++) {
      interpreter.host.store(object + 16 + 8L * i, 0, Host.CAUSE_DATA);
    }
    interpreter.track(object);
    return object;
  }

  private static long newList(Interpreter interpreter, long type, long first, long second) {
    long object = interpreter.freeLists.takeList();
    if (object == 0) {
      object = interpreter.newGcObject(type, 40);
    }
    long items = interpreter.malloc.allocate(16);
    fill(interpreter, items, first, second);
    interpreter.host.store(object, 1, Host.CAUSE_DATA);
    interpreter.host.store(object + ObjectHead.TYPE, type, Host.CAUSE_DATA);
    interpreter.host.store(object + ObjectHead.SIZE, 2, Host.CAUSE_DATA);
    interpreter.host.store(object + ObjectHead.VAR_BYTES, items, Host.CAUSE_DATA);
    interpreter.track(object);
    return object;
  }

  private static long newTuple(Interpreter interpreter, long type, long first, long second) {
    long object = interpreter.freeLists.takeTuple(2);
    if (object == 0) {
      object = interpreter.newGcObject(type, 40);
    }
    interpreter.host.store(object, 1, Host.CAUSE_DATA);
    interpreter.host.store(object + ObjectHead.SIZE, 2, Host.CAUSE_DATA);
    fill(interpreter, object + ObjectHead.VAR_BYTES, first, second);
    interpreter.track(object);
    return object;
  }

  private static void fill(Interpreter interpreter, long address, long first, long second) {
    interpreter.incref(first);
    interpreter.incref(second);
    interpreter.host.store(address, first, Host.CAUSE_DATA);
    interpreter.host.store(address + 8, second, Host.CAUSE_DATA);
  }

  private static void replace(Interpreter interpreter, long address, long value) {
    interpreter.incref(value);
    long old = interpreter.host.load(address);
    interpreter.host.store(address, value, Host.CAUSE_DATA);
    interpreter.decref(old);
  }
}
