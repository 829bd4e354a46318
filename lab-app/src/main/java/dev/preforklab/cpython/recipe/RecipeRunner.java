package dev.preforklab.cpython.recipe;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.MachineHost;
import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.obmalloc.DebugMallocStats;
import dev.preforklab.cpython.recipe.Recipe.Act;
import dev.preforklab.cpython.recipe.Recipe.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Runs a recipe in the simulated interpreter: a parent on the {@link Baseline} of its release
 * builds the heap and forks; the child acts; its page table before and after says what was copied.
 *
 * <p>The heap is simulated store by store. What the interpreter itself touches while it runs the
 * act's bytecode (its stack, code, static data, mapped files) is taken from the baseline, where
 * each kind of act was measured on an empty heap.
 */
public final class RecipeRunner {
  private static final long RAM_BYTES = 6L << 30;
  private static final int VIRTUAL_PAGES = 1 << 20;

  private final Recipe recipe;
  private final PythonVersion version;

  /** By whether the module array has been imported. */
  private final Map<Boolean, Baseline> baselines = new HashMap<>();

  /** A parent that has built its heap and waits to fork. */
  private record Parent(
      Baseline baseline,
      MachineHost host,
      Evaluator evaluator,
      BaselineLoader loader,
      List<Integer> countsAtFork) {}

  /** Parents by what they define beyond the heap: a function or classes of the act. */
  private final Map<String, Parent> parents = new HashMap<>();

  /**
   * @throws RecipeException if the recipe asks for more than the simulated machine can hold
   */
  public RecipeRunner(Recipe recipe, PythonVersion version) {
    RecipeLimits.check(recipe, RAM_BYTES);
    this.recipe = recipe;
    this.version = version;
  }

  /** Runs all acts, each in a child of its own. */
  public List<ActResult> run() {
    return recipe.acts().stream().map(this::run).toList();
  }

  /** Runs one act in a child of a parent that has done nothing but build. */
  public ActResult run(Act act) {
    String lacking = unsupported(act);
    if (lacking != null) {
      return ActResult.unsupported(act.json(), lacking);
    }
    return new Measurement(parent(act), act).run();
  }

  private @Nullable String unsupported(Act act) {
    List<Act> all = new ArrayList<>(recipe.beforeHeap());
    all.addAll(recipe.beforeFork());
    all.add(act);
    for (Act one : all) {
      for (Act part : one instanceof Recipe.Sequence s ? s.acts() : List.of(one)) {
        if (part instanceof Recipe.CollectorSwitch s
            && s.name().endsWith("freeze")
            && !version.hasFreeze) {
          return s.name();
        }
      }
    }
    return null;
  }

  private static boolean mentionsArray(List<Statement> statements) {
    return statements.stream()
        .anyMatch(s -> s.toString().contains("ArrayValue") || mentionsArray(s.also()));
  }

  /** What the parent's allocator holds at the fork. */
  public DebugMallocStats mallocStats() {
    Parent parent = parent(new Recipe.Nothing("nothing"));
    return parent.baseline.mallocStats(parent.evaluator.mutator().interpreter);
  }

  // The parent

  private Parent parent(Act act) {
    List<Statement> defined = new ArrayList<>();
    boolean reads = false;
    for (Act part : act instanceof Recipe.Sequence s ? s.acts() : List.of(act)) {
      reads |= part instanceof Recipe.ReadDeep;
      if (part instanceof Recipe.Allocate allocate) {
        defined.add(allocate.statement());
      }
    }
    String key = defined.isEmpty() ? "reads " + reads : act.json();
    Parent parent = parents.get(key);
    if (parent == null) {
      parents.clear();
      parent = build(defined, reads);
      parents.put(key, parent);
    }
    return parent;
  }

  private Parent build(List<Statement> defined, boolean reads) {
    boolean array = mentionsArray(recipe.heap()) || mentionsArray(defined);
    Baseline baseline =
        baselines.computeIfAbsent(array, imported -> Baseline.read(version, imported));
    MachineHost host = MachineHost.alone(RAM_BYTES, VIRTUAL_PAGES);
    BaselineLoader loader = new BaselineLoader(baseline, host);
    Interpreter interpreter = loader.load(version);
    if (version.major > 2 && (version.atLeast(3, 7) || !array)) {
      // The list object itself is among the baseline's objects already, unless it is from a free
      // list.
      interpreter.gcState.setCount(0, Math.max(0, interpreter.gcState.count(0) - 1));
    }
    Evaluator evaluator =
        new Evaluator(
            new Mutator(
                interpreter, new Hashes(version, baseline.noneOffset), loader.staticObjects()));
    setRoots(interpreter, loader, evaluator);
    evaluator.calls().fillFreeLists(array, baseline.freeLists);
    new Constants(evaluator.mutator(), loader).make(recipe.heap(), defined);
    evaluator.definitions().define(recipe.heap());
    evaluator.definitions().define(defined);
    if (reads) {
      evaluator.definitions().makeFixtures(1);
    }
    evaluator.definitions().fillFreeLists(reads, array);
    recipe.beforeHeap().forEach(action -> perform(action, evaluator));
    evaluator.makeOut();
    evaluator.run(recipe.heap());
    recipe.beforeFork().forEach(action -> perform(action, evaluator));
    List<Integer> countsAtFork = counts(interpreter);
    evaluator.calls().reportCounts();
    return new Parent(baseline, host, evaluator, loader, countsAtFork);
  }

  private static List<Integer> counts(Interpreter interpreter) {
    return List.of(
        interpreter.collector.getCount(0),
        interpreter.collector.getCount(1),
        interpreter.collector.getCount(2));
  }

  /** What modules lead to: the interpreter's own objects, and the recipe's list. */
  private static void setRoots(
      Interpreter interpreter, BaselineLoader loader, Evaluator evaluator) {
    interpreter.collector.setRoots(
        visit -> {
          loader.visitTracked(visit);
          visit.accept(evaluator.out);
        });
  }

  private static void perform(Act action, Evaluator evaluator) {
    Interpreter interpreter = evaluator.mutator().interpreter;
    if (action instanceof Recipe.Collect collect) {
      interpreter.collector.collect(collect.generation());
    } else if (action instanceof Recipe.Threshold threshold) {
      int[] values = new int[3];
      for (int i = 0; i < 3; i++) {
        values[i] =
            i < threshold.values().size()
                ? threshold.values().get(i)
                : interpreter.gcState.threshold(i);
      }
      interpreter.gcState.setThresholds(values[0], values[1], values[2]);
      // The call's arguments; the tuple then waits on the free list.
      interpreter.decref(evaluator.mutator().newTuple(new long[values.length]));
    } else if (action instanceof Recipe.CollectorSwitch change) {
      switch (change.name()) {
        case "gc.disable" -> interpreter.gcState.setEnabled(false);
        case "gc.enable" -> interpreter.gcState.setEnabled(true);
        case "gc.freeze" -> interpreter.collector.freeze();
        default -> interpreter.collector.unfreeze();
      }
    } else {
      throw new IllegalStateException("not an action: " + action.json());
    }
  }

  /** One child, from fork to its end. */
  private final class Measurement {
    private final Parent parent;
    private final Baseline baseline;
    private final Act act;
    private final MachineHost host;
    private final Interpreter interpreter;
    private final Evaluator evaluator;
    private final List<Baseline.Footprint> footprints = new ArrayList<>();

    /** What has been appended to {@code out}, in order. */
    private final List<Statement> statements = new ArrayList<>(recipe.heap());

    Measurement(Parent parent, Act act) {
      this.parent = parent;
      this.act = act;
      baseline = parent.baseline;
      host = parent.host.fork(1);
      interpreter = parent.evaluator.mutator().interpreter.forked(host);
      evaluator = parent.evaluator.forked(interpreter);
      setRoots(interpreter, parent.loader, evaluator);
    }

    ActResult run() {
      touch(baseline.privatePages);
      boolean frozen = isFrozen();
      int[] before = host.table().clone();
      int presentBefore = present(before);
      Memory memoryBefore = memory(baseline.filePages);
      long minorBefore = host.minorFaults();
      Calls.Call call = evaluator.calls().enterAct();
      for (Act part : act instanceof Recipe.Sequence s ? s.acts() : List.of(act)) {
        perform(part);
      }
      evaluator.calls().leave(call);
      int outside = 0;
      int files = 0;
      int others = 0;
      int vanished = 0;
      for (Baseline.Footprint footprint : footprints) {
        touch(footprint.copiedPages());
        touch(footprint.vanishedPages());
        outside =
            Math.max(
                outside,
                footprint.faults()
                    - footprint.copiedPages().length
                    - footprint.vanishedPages().length);
        files = Math.max(files, footprint.fileAppeared());
        others = Math.max(others, footprint.otherAppeared());
        vanished = Math.max(vanished, footprint.vanishedPages().length);
      }
      int faults = (int) (host.minorFaults() - minorBefore) + outside;
      int[] after = host.table();
      int copied = 0;
      int appeared = 0;
      int gone = 0;
      for (int page = 0; page < after.length; page++) {
        int old = page < before.length ? before[page] : 0;
        if (parent.loader.isOwn(page)) {
          faults -= old != after[page] && frame(old) != frame(after[page]) ? 1 : 0;
        } else if (old == 0) {
          appeared += after[page] == 0 ? 0 : 1;
        } else if (after[page] == 0) {
          gone++;
        } else if (frame(old) != frame(after[page])) {
          copied++;
        }
      }
      boolean leaves = RecipeReader.leaves(act);
      Memory memory = memory(baseline.filePages + files + others - vanished);
      int exitFaults = leaves ? faults : baseline.footprint(frozen, "nothing").exitFaults();
      ActResult result =
          new ActResult(
              act.json(),
              null,
              memory.rssPages * (long) Host.BYTES_IN_PAGE,
              copied - vanished,
              appeared + files + others,
              gone + vanished,
              presentBefore + baseline.filePages,
              faults,
              0,
              memory.ratio(),
              exitFaults,
              leaves ? List.of() : countsWhenRead(),
              leaves ? List.of() : stats(),
              parent.countsAtFork,
              memoryBefore.rssPages * (long) Host.BYTES_IN_PAGE,
              memoryBefore.ratio());
      host.exit();
      return result;
    }

    private void perform(Act part) {
      boolean frozen = isFrozen();
      if (part instanceof Recipe.Allocate allocate) {
        allocate.statement().kinds().forEach(k -> footprints.add(baseline.allocation(frozen, k)));
      } else {
        boolean collected =
            collections() > Arrays.stream(baseline.stats).mapToLong(c -> c[0]).sum();
        footprints.add(baseline.footprint(frozen, collected, footprintName(part)));
        boolean full = part instanceof Recipe.Collect collect && collect.generation() == 2;
        if (full && interpreter.gcState.collections(2) == baseline.stats[2][0]) {
          footprints.add(baseline.freeListsCleared());
        }
      }
      boolean needsHeap =
          part instanceof Recipe.Iterate
              || part instanceof Recipe.ReadDeep
              || part instanceof Recipe.Sum
              || part instanceof Recipe.Allocate;
      if (needsHeap && evaluator.out == 0) {
        throw new RecipeException(act.json() + ": nothing is left after drop");
      }
      long collections = collections();
      if (part instanceof Recipe.Iterate iterate) {
        iterate(iterate);
      } else if (part instanceof Recipe.ReadDeep) {
        evaluator.readDeep(evaluator.out);
      } else if (part instanceof Recipe.Sum) {
        sum();
      } else if (part instanceof Recipe.Drop) {
        drop();
      } else if (part instanceof Recipe.Allocate allocate) {
        statements.add(allocate.statement());
        evaluator.run(List.of(allocate.statement()));
      } else if (part instanceof Recipe.Exit exit) {
        if (exit.normal()) {
          exit(frozen);
        }
      } else if (!(part instanceof Recipe.Nothing)) {
        RecipeRunner.perform(part, evaluator);
      }
      if (needsHeap && collections() > collections) {
        // Frozen: which of the interpreter's own objects it visits is simulated.
        footprints.add(baseline.footprint(true, "gc.collect:0"));
      }
    }

    private void iterate(Recipe.Iterate iterate) {
      Mutator mutator = evaluator.mutator();
      long size = mutator.listSize(evaluator.out);
      long step = iterate.stride() ? Math.max(1, Math.round(1 / iterate.part())) : 1;
      long end = iterate.stride() || !iterate.indexed() ? size : (long) (size * iterate.part());
      if (!iterate.indexed()) {
        evaluator.iterate(evaluator.out, interpreter.refCounts::touch);
        return;
      }
      if (iterate.stride()) {
        // round() makes an object that the collector counts: a method, or the names it takes.
        interpreter.collector.objectAllocated();
        interpreter.evalBreaker();
        interpreter.collector.objectFreed();
      }
      for (long i = 0; i < end; i += step) {
        interpreter.refCounts.touch(mutator.listItem(evaluator.out, i));
      }
    }

    private void sum() {
      Set<Class<?>> kinds = new HashSet<>();
      Evaluator.kept(statements).forEach(kept -> kinds.add(kept.getClass()));
      boolean numbers = Set.of(Recipe.IntValue.class, Recipe.FloatValue.class).containsAll(kinds);
      if (!numbers && !Set.of(Recipe.ArrayValue.class).containsAll(kinds)) {
        throw new RecipeException("sum: adds up numbers or arrays, and the heap holds others");
      }
      evaluator.iterate(evaluator.out, interpreter.refCounts::touch);
    }

    /** {@code out = None}. */
    private void drop() {
      if (evaluator.out == 0) {
        return;
      }
      long out = evaluator.out;
      evaluator.out = 0;
      interpreter.decref(out);
    }

    /**
     * Finalisation: a full collection, then the module's dict goes and with it the heap. From 3.4
     * on it is the collector that must find it, because the dict lies in a cycle with the module's
     * functions; it does not where it may not look at it or sees a reference from outside.
     */
    private void exit(boolean frozen) {
      interpreter.setFinalizing(true);
      if (!frozen) {
        interpreter.collector.collect(2);
        if (version.major > 2 && evaluator.definitions().moduleIsHeld()) {
          return;
        }
        drop();
        interpreter.freeLists.clear();
      }
    }

    private boolean isFrozen() {
      return !interpreter.lists.isEmpty(interpreter.gcState.permanentHead());
    }

    /** Stores into captured pages: what the interpreter itself does. */
    private void touch(long[] pages) {
      for (long page : pages) {
        if (parent.loader.has(page)) {
          long address = parent.loader.relocate(page << Host.LOG_BYTES_IN_PAGE);
          if (host.table()[(int) (address >>> Host.LOG_BYTES_IN_PAGE)] != 0) {
            host.store(address, host.load(address), Host.CAUSE_DATA);
          }
        }
      }
    }

    /** The counts as the child's own gc.get_count() sees them: reading allocates. */
    private List<Integer> countsWhenRead() {
      List<Integer> counts = counts(interpreter);
      boolean full = act instanceof Recipe.Collect collect && collect.generation() == 2;
      int first =
          full
              ? baseline.footprint(isFrozen(), "gc.collect").countAfter()
              : evaluator.calls().areSimulated
                  ? counts.get(0)
                  : counts.get(0)
                      + baseline.footprint(false, "nothing").countAfter()
                      - baseline.counts[0];
      return List.of(first, counts.get(1), counts.get(2));
    }

    private long collections() {
      return interpreter.gcState.collections(0)
          + interpreter.gcState.collections(1)
          + interpreter.gcState.collections(2);
    }

    private List<List<Long>> stats() {
      List<List<Long>> stats = new ArrayList<>();
      for (int i = 0; i < 3 && version.major > 2; i++) {
        stats.add(
            List.of(
                interpreter.gcState.collections(i),
                interpreter.gcState.collected(i),
                interpreter.gcState.uncollectable(i)));
      }
      return stats;
    }

    /** Resident pages and those of them that others map too. */
    private record Memory(int rssPages, int sharedPages) {
      double ratio() {
        return Math.round(10_000.0 * sharedPages / rssPages) / 10_000.0;
      }
    }

    private Memory memory(int filePages) {
      int[] mine = host.table();
      int[] parents = parent.host.table();
      int own = 0;
      int ownShared = 0;
      for (int page = 0; page < mine.length; page++) {
        if (mine[page] != 0 && parent.loader.isOwn(page)) {
          own++;
          ownShared += page < parents.length && frame(parents[page]) == frame(mine[page]) ? 1 : 0;
        }
      }
      return new Memory(
          (int) (host.residentBytes() / Host.BYTES_IN_PAGE) - own + filePages,
          (int) (host.sharedBytes() / Host.BYTES_IN_PAGE) - ownShared + filePages);
    }
  }

  private static String footprintName(Act act) {
    if (act instanceof Recipe.Iterate iterate) {
      return iterate.indexed() ? "iterate:part:0.01" : "iterate";
    }
    if (act instanceof Recipe.Collect collect) {
      return collect.generation() == 2 ? "gc.collect" : "gc.collect:" + collect.generation();
    }
    if (act instanceof Recipe.ReadDeep) {
      return "read_deep";
    }
    if (act instanceof Recipe.Drop) {
      return "drop";
    }
    if (act instanceof Recipe.Sum) {
      return "sum";
    }
    if (act instanceof Recipe.Exit exit) {
      return exit.normal() ? "exit" : "_exit";
    }
    return "nothing";
  }

  private static int frame(int entry) {
    return entry & Host.FRAME_MASK;
  }

  private int present(int[] table) {
    int n = 0;
    for (int entry : table) {
      n += entry == 0 ? 0 : 1;
    }
    return n;
  }
}
