package dev.preforklab.cpython.recipe;

import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.MachineHost;
import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.gc.GcState;
import dev.preforklab.cpython.obmalloc.DebugMallocStats;
import dev.preforklab.cpython.recipe.Recipe.Act;
import dev.preforklab.cpython.recipe.Recipe.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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
  /** How many arguments exec() has. */
  static final int SCRIPTS_ARGUMENTS = 2;

  private static final long RAM_BYTES = 6L << 30;

  private final Recipe recipe;
  private final PythonVersion version;
  private final Addresses addresses;

  /** By whether the module array has been imported. */
  private final Map<Boolean, Baseline> baselines = new HashMap<>();

  /**
   * A parent that has built its heap and waits to fork.
   *
   * @param storedSinceFork a place on each page that a child has for itself before it acts
   */
  record Parent(
      Baseline baseline,
      MachineHost host,
      Evaluator evaluator,
      BaselineLoader loader,
      @Nullable OldScript script,
      List<Integer> countsAtFork,
      List<Long> storedSinceFork) {}

  private @Nullable Parent parent;

  /** The {@link #parentKey} of the acts that {@link #parent} stands ready for. */
  private String key = "";

  /** Stands for a process with random addresses. */
  public RecipeRunner(Recipe recipe, PythonVersion version) {
    this(recipe, version, Addresses.RANDOM);
  }

  /**
   * @param addresses how the process that this one stands for has its addresses chosen
   * @throws RecipeException if the recipe asks for more than the simulated machine can hold
   */
  public RecipeRunner(Recipe recipe, PythonVersion version, Addresses addresses) {
    RecipeLimits.check(recipe, RAM_BYTES);
    this.recipe = recipe;
    this.version = version;
    this.addresses = addresses;
  }

  /**
   * Runs all acts, each in a child of its own; those that can have the same parent one after the
   * other, as one parent at a time is kept.
   *
   * @return a result an act, in the recipe's order
   */
  public List<ActResult> run() {
    Map<String, List<Integer>> numbers = new LinkedHashMap<>();
    for (int number = 0; number < recipe.acts().size(); number++) {
      numbers
          .computeIfAbsent(parentKey(recipe.acts().get(number)), k -> new ArrayList<>())
          .add(number);
    }
    ActResult[] results = new ActResult[recipe.acts().size()];
    for (List<Integer> siblings : numbers.values()) {
      for (int number : siblings) {
        results[number] = run(recipe.acts().get(number));
      }
    }
    return List.of(results);
  }

  /** Runs one act in a child of a parent that has done nothing but build. */
  public ActResult run(Act act) {
    String lacking = unsupported(act);
    if (lacking != null) {
      return ActResult.unsupported(act.json(), lacking);
    }
    return new Measurement(parent(act), recipe.heap(), act, addresses).run();
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

  /** The parent of an act's child, with its heap built. */
  Parent parent(Act act) {
    String wanted = parentKey(act);
    Parent known = parent;
    if (known == null || !key.equals(wanted)) {
      // The one before goes first: both might not fit.
      parent = null;
      known = build(parts(act));
      parent = known;
      key = wanted;
    }
    return known;
  }

  private static List<Act> parts(Act act) {
    return act instanceof Recipe.Sequence s ? s.acts() : List.of(act);
  }

  /** The same for acts whose parents are alike: those with the same code. */
  private String parentKey(Act act) {
    return parts(act).stream().map(this::code).filter(c -> !c.isEmpty()).toList().toString();
  }

  /** What says whether acts have the same code, up to the values of its constants. */
  private String code(Act act) {
    if (version.major == 2) {
      // Nothing of it is loaded but what an act defines.
      return act instanceof Recipe.Allocate || act instanceof Recipe.ReadDeep ? act.json() : "";
    }
    return act instanceof Recipe.Nothing || act instanceof Recipe.Exit
        ? "pass"
        : act instanceof Recipe.Collect collect && !collect.isPlain() ? "collect" : act.json();
  }

  private Parent build(List<Act> acts) {
    List<Statement> defined =
        acts.stream()
            .filter(Recipe.Allocate.class::isInstance)
            .map(act -> ((Recipe.Allocate) act).statement())
            .toList();
    boolean reads = acts.stream().anyMatch(Recipe.ReadDeep.class::isInstance);
    boolean array = mentionsArray(recipe.heap()) || mentionsArray(defined);
    Baseline baseline =
        baselines.computeIfAbsent(array, imported -> Baseline.read(version, imported));
    MachineHost host = MachineHost.alone(RAM_BYTES, BaselineLoader.VIRTUAL_PAGES);
    BaselineLoader loader = new BaselineLoader(baseline, host);
    Interpreter interpreter = loader.begin(version);
    Evaluator evaluator =
        new Evaluator(
            new Mutator(
                interpreter, new Hashes(version, baseline.noneOffset), loader.staticObjects()));
    long arguments = loadCode(evaluator, loader, baseline, acts, defined);
    if (version.major > 2 && baseline.freeLists.lists() == 0) {
      // The list object itself is among the baseline's objects already, unless it was from the free
      // list: as long as there are more, it was.
      interpreter.gcState.setCount(0, Math.max(0, interpreter.gcState.count(0) - 1));
    }
    setRoots(interpreter, loader, evaluator);
    baseline.leftovers.restore(evaluator.mutator(), loader);
    evaluator.calls().fillFreeLists(array, baseline, loader);
    new Constants(evaluator.mutator(), loader).make(recipe.heap(), defined);
    if (version.major == 2) {
      OldCode code = new OldCode(recipe, acts, array, evaluator.definitions()::isConstant);
      code.load(evaluator.mutator(), array, baseline, loader);
      evaluator.definitions().setOldCode(code);
    }
    evaluator.definitions().define(recipe.heap());
    evaluator.definitions().define(defined);
    if (reads && loader.replay() == null) {
      evaluator.definitions().makeReader();
    }
    LoadCalls.Replay replay = loader.replay();
    if (replay != null) {
      // Build and act are made, and main runs.
      replay.defineFunctions(reads ? evaluator.definitions()::makeReader : () -> {});
      leaveModule(evaluator.mutator(), arguments);
      replay.skip(LoadCalls.BUILD_FRAME);
      evaluator.definitions().run("build");
      replay.until(LoadCalls.OUT);
      loader.trackNew(interpreter);
    }
    recipe.beforeHeap().forEach(action -> perform(action, evaluator));
    evaluator.makeOut();
    if (replay != null) {
      replay.defineName();
    }
    evaluator.run(recipe.heap());
    recipe.beforeFork().forEach(action -> perform(action, evaluator));
    List<Integer> countsAtFork = counts(interpreter);
    if (replay != null) {
      replay.skip(LoadCalls.LIST);
      replay.skip(LoadCalls.COUNTS);
    }
    OldScript script = version.major == 2 ? new OldScript(recipe, evaluator) : null;
    if (script != null) {
      script.report(countsAtFork);
    } else {
      evaluator.calls().returnCounts();
    }
    List<Long> stored = new ArrayList<>();
    if (replay != null) {
      replay.skip(LoadCalls.ENCODE);
      evaluator.calls().encodeCounts();
      if (replay.skip(LoadCalls.KEYWORDS)) {
        replay.standIn(evaluator.calls().keepKeywords());
      }
      evaluator.calls().waitForWord();
      stored.addAll(SinceFork.callAllocators(baseline, interpreter, host, replay));
      loader.trackNew(interpreter);
    }
    stored.addAll(SinceFork.captured(baseline, loader));
    return new Parent(baseline, host, evaluator, loader, script, countsAtFork, stored);
  }

  /**
   * Loads the code in a process that is about to, and begins to run it, up to the first class; of
   * 2.7 this is not known.
   *
   * @return the tuple that 3.6 calls exec() with; elsewhere 0
   */
  private long loadCode(
      Evaluator evaluator,
      BaselineLoader loader,
      Baseline baseline,
      List<Act> acts,
      List<Statement> defined) {
    LoadCalls.Replay replay = loader.replay();
    if (replay == null) {
      return 0;
    }
    Mutator mutator = evaluator.mutator();
    Hashes hashes = new Hashes(version, baseline.noneOffset);
    MethodCache cache =
        new MethodCache(
            mutator, hashes, baseline.methodCache, loader.relocate(baseline.methodCache.start()));
    CodeObjects code = new CodeObjects(version, cache, replay);
    List<Statement> all = new ArrayList<>(recipe.heap());
    all.addAll(defined);
    Definitions definitions = evaluator.definitions();
    CodeUnit module =
        new RecipeCompiler(version, definitions::isConstant)
            .compile(recipe, acts, mentionsArray(recipe.heap()) || mentionsArray(defined));
    long file = replay.skip(LoadCalls.FILE) ? code.readFile(mutator, module) : 0;
    replay.until(LoadCalls.CODE);
    code.load(mutator, module, all);
    if (file != 0) {
      mutator.freeScratch(file);
    }
    replay.skipTo(LoadCalls.CODE_END);
    replay.until(LoadCalls.MODULE_FRAME);
    // The last before the code begins to run.
    long arguments = version.atLeast(3, 7) ? 0 : replay.takeLast() + version.gcHeadBytes;
    replay.skip(LoadCalls.MODULE_FRAME);
    code.runModule(mutator, module.names.contains("object"));
    // What a collection frees here, and the import of a module.
    replay.until(LoadCalls.BUILD);
    if (module.names.contains("array")) {
      replay.defineName();
    }
    loader.populateGrownSegment();
    definitions.setCode(code);
    loader.loadCollector(mutator.interpreter);
    GcState collector = mutator.interpreter.gcState;
    if (version.atLeast(3, 8)) {
      collector.setLongLivedTotal(collector.longLivedTotal() + module.trackedTuples());
    }
    return arguments;
  }

  /**
   * The module's code has come to its end.
   *
   * @param arguments the tuple that exec() was called with, which then waits on its free list; or 0
   */
  private static void leaveModule(Mutator mutator, long arguments) {
    if (arguments != 0) {
      mutator.writeHead(arguments, mutator.types.tuple());
      mutator.interpreter.freeLists.putTuple(arguments, SCRIPTS_ARGUMENTS);
    }
  }

  static List<Integer> counts(Interpreter interpreter) {
    return List.of(
        interpreter.collector.getCount(0),
        interpreter.collector.getCount(1),
        interpreter.collector.getCount(2));
  }

  /** What modules lead to: the interpreter's own objects, and the recipe's list. */
  static void setRoots(Interpreter interpreter, BaselineLoader loader, Evaluator evaluator) {
    interpreter.collector.setRoots(
        visit -> {
          loader.visitTracked(visit);
          visit.accept(evaluator.out);
        });
  }

  static void perform(Act action, Evaluator evaluator) {
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
      // The tuple of the call's arguments then waits on the free list.
      long arguments = evaluator.mutator().newTuple(new long[threshold.values().size()]);
      interpreter.gcState.setThresholds(values[0], values[1], values[2]);
      interpreter.decref(arguments);
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
    interpreter.evalBreaker();
  }
}
