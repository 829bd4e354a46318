package dev.preforklab.cpython.gc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.PlainHost;
import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.layout.TypeSpec;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The incremental collector on simulated memory beside {@link IncrementalModel}, on random graphs:
 * after every operation all lists are equal in order, and so are all counters. What no real
 * interpreter has been asked yet, a second implementation and plain reachability answer.
 */
class IncrementalCollectorTest {
  private static final int STEPS = 4_000;
  private static final int THRESHOLD = 40;
  private static final int SCALE_FACTOR = 10;

  private final IncrementalModel model = new IncrementalModel(THRESHOLD, SCALE_FACTOR);
  private final List<IncrementalModel.Node> all = new ArrayList<>();
  private Interpreter interpreter = Interpreter.boot(new PlainHost(), PythonVersion.V3_14);
  private long type;

  private void boot(long seed) {
    type = interpreter.addStaticType(TypeSpec.blocks("Node", 40, 16, IncrementalModel.SLOTS, true));
    interpreter.gcState.setThresholds(THRESHOLD, SCALE_FACTOR, 0);
    // at -5000 nothing pending would ever be looked at in so small a heap
    model.workToDo = seed % 2 == 0 ? -5000 : 0;
    interpreter.gcState.setWorkToDo(model.workToDo);
    interpreter.collector.setRoots(
        visit -> model.roots.forEach(node -> visit.accept(node.address)));
  }

  @ParameterizedTest(name = "seed {0}")
  @ValueSource(longs = {1, 2, 3, 4, 5})
  void doesAfterEachOperationWhatTheModelDoes(long seed) {
    boot(seed);
    Random random = new Random(seed);
    for (int step = 0; step < STEPS; step++) {
      int action = random.nextInt(1000);
      if (action < 450 || model.roots.isEmpty()) {
        allocate();
      } else if (action < 800) {
        link(some(random), random.nextInt(IncrementalModel.SLOTS), some(random));
      } else if (action < 820) {
        link(some(random), random.nextInt(IncrementalModel.SLOTS), null);
      } else if (action < 985) {
        drop(some(random));
      } else if (action < 996) {
        collect(random.nextInt(20) == 0 ? 2 : random.nextInt(2));
      } else if (action < 998) {
        model.freeze();
        interpreter.collector.freeze();
      } else {
        model.unfreeze();
        interpreter.collector.unfreeze();
      }
      model.runScheduled();
      interpreter.evalBreaker();
      check("seed " + seed + " step " + step);
    }
    assertThat(model.cycles).as("seed %d: cycles completed", seed).isGreaterThan(3);
  }

  @ParameterizedTest(name = "seed {0}")
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void eachCycleFreesTheGarbageThatNoOtherGarbageHolds(long seed) {
    boot(seed);
    Random random = new Random(seed);
    for (int i = 0; i < 1500; i++) {
      allocate();
      link(some(random), random.nextInt(IncrementalModel.SLOTS), some(random));
      if (random.nextInt(10) < 7) {
        drop(some(random));
      }
      model.runScheduled();
      interpreter.evalBreaker();
    }
    Set<IncrementalModel.Node> garbage = garbage();
    int layers = 0;
    // what became garbage while a cycle ran may have been visited by it already
    completeCycle(seed);
    garbage.removeIf(node -> node.freed);
    while (!garbage.isEmpty()) {
      Set<IncrementalModel.Node> unheld = unheld(garbage);
      assertThat(unheld).as("seed %d: a layer of garbage that nothing holds", seed).isNotEmpty();
      completeCycle(seed);
      assertThat(unheld).as("seed %d: freed within a cycle", seed).allMatch(node -> node.freed);
      garbage.removeIf(node -> node.freed);
      layers++;
    }
    assertThat(layers).as("seed %d", seed).isLessThan(20);
  }

  /** Increments with new objects that stay, as a program's are, until a cycle is complete. */
  private void completeCycle(long seed) {
    int before = model.cycles;
    for (int i = 0; model.cycles == before; i++) {
      assertThat(i).as("seed %d: increments of a cycle", seed).isLessThan(10_000);
      for (int k = 0; k < THRESHOLD; k++) {
        allocate();
      }
      collect(1);
      check("seed " + seed);
      for (IncrementalModel.Node node : List.copyOf(all.subList(all.size() - 20, all.size()))) {
        drop(node);
      }
    }
  }

  private Set<IncrementalModel.Node> garbage() {
    Set<IncrementalModel.Node> garbage = new HashSet<>(all);
    garbage.removeIf(node -> node.freed);
    garbage.removeAll(model.reachable());
    return garbage;
  }

  /** Those that no garbage leads to but what they lead to themselves. */
  private static Set<IncrementalModel.Node> unheld(Set<IncrementalModel.Node> garbage) {
    Set<IncrementalModel.Node> unheld = new HashSet<>(garbage);
    for (IncrementalModel.Node holder : garbage) {
      for (IncrementalModel.Node held : closure(holder)) {
        if (unheld.contains(held) && !closure(held).contains(holder)) {
          unheld.remove(held);
        }
      }
    }
    return unheld;
  }

  private static Set<IncrementalModel.Node> closure(IncrementalModel.Node from) {
    Set<IncrementalModel.Node> seen = new HashSet<>(Set.of(from));
    List<IncrementalModel.Node> work = new ArrayList<>(seen);
    for (int i = 0; i < work.size(); i++) {
      work.get(i).referents().stream().filter(seen::add).forEach(work::add);
    }
    return seen;
  }

  private IncrementalModel.Node some(Random random) {
    List<IncrementalModel.Node> roots = List.copyOf(model.roots);
    return roots.get(random.nextInt(roots.size()));
  }

  private void allocate() {
    long object = interpreter.newGcObject(type, 40);
    for (int i = 0; i < IncrementalModel.SLOTS; i++) {
      interpreter.host.store(object + 16 + 8L * i, 0, Host.CAUSE_DATA);
    }
    // a heap type: each instance holds its type
    interpreter.incref(type);
    interpreter.track(object);
    all.add(model.allocate(object));
  }

  private void link(IncrementalModel.Node from, int slot, IncrementalModel.@Nullable Node to) {
    long address = from.address + 16 + 8L * slot;
    if (to != null) {
      interpreter.incref(to.address);
    }
    long before = interpreter.host.load(address);
    interpreter.host.store(address, to == null ? 0 : to.address, Host.CAUSE_DATA);
    interpreter.decref(before);
    model.link(from, slot, to);
  }

  private void drop(IncrementalModel.Node node) {
    model.dropRoot(node);
    interpreter.decref(node.address);
  }

  private void collect(int generation) {
    model.collect(generation);
    interpreter.collector.collect(generation);
  }

  private void check(String when) {
    GcInvariants.check(interpreter);
    GcState state = interpreter.gcState;
    assertThat(model.reachable()).as("%s: reachable", when).noneMatch(node -> node.freed);
    assertThat(state.visitedSpace()).as("%s: visited space", when).isEqualTo(model.visitedSpace);
    assertThat(state.isMarkPhase()).as("%s: mark phase", when).isEqualTo(model.marking);
    assertThat(state.count(0)).as("%s: young count", when).isEqualTo(model.youngCount);
    assertThat(state.workToDo()).as("%s: work to do", when).isEqualTo(model.workToDo);
    assertThat(state.heapSize()).as("%s: heap size", when).isEqualTo(model.heapSize);
    checkList(when + ": young", state.head(0), model.young);
    checkList(when + ": old space 0", state.spaceHead(0), model.old.get(0));
    checkList(when + ": old space 1", state.spaceHead(1), model.old.get(1));
    checkList(when + ": permanent", state.permanentHead(), model.permanent);
    long tracked =
        0L
            + model.young.size()
            + model.old.get(0).size()
            + model.old.get(1).size()
            + model.permanent.size();
    assertThat(model.heapSize).as("%s: all objects are on a list", when).isEqualTo(tracked);
  }

  private void checkList(String name, long list, Collection<IncrementalModel.Node> expected) {
    List<Long> found = new ArrayList<>();
    for (long gc = interpreter.lists.next(list); gc != list; gc = interpreter.lists.next(gc)) {
      found.add(gc + interpreter.version.gcHeadBytes);
    }
    assertThat(found).as(name).isEqualTo(expected.stream().map(node -> node.address).toList());
  }
}
