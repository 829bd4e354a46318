package dev.preforklab.cpython.recipe;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.MachineHost;
import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.RuntimeState;
import dev.preforklab.cpython.recipe.Recipe.Act;
import dev.preforklab.cpython.recipe.Recipe.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** One child that acts, from fork to its end, and what the act has done to its pages. */
final class Measurement {
  /** Where {@code fastbinsY} begins in glibc's {@code malloc_state}; the rest follows likewise. */
  private static final int FAST_BINS_IN_ARENA = 16;

  private final RecipeRunner.Parent parent;
  private final PythonVersion version;
  private final Baseline baseline;
  private final int filePagesBefore;

  /** Whether a full collection came during an act that is not one. */
  private boolean collectsAll;

  private boolean hasRounded;

  private final Act act;
  private final MachineHost host;
  private final Interpreter interpreter;
  private final Evaluator evaluator;

  /** On 2.7, where what the script allocates is simulated. */
  private final @Nullable OldScript script;

  private final List<Footprints.Footprint> footprints = new ArrayList<>();

  /** What has been appended to {@code out}, in order. */
  private final List<Statement> statements;

  /**
   * Forks the child.
   *
   * @param parent the process that has built the heap
   * @param heap the statements that built it
   * @param addresses of the real process that this one stands for
   */
  Measurement(RecipeRunner.Parent parent, List<Statement> heap, Act act, Addresses addresses) {
    statements = new ArrayList<>(heap);
    version = parent.evaluator().mutator().version;
    this.parent = parent;
    this.act = act;
    baseline = parent.baseline();
    filePagesBefore = baseline.filePages(addresses);
    host = parent.host().fork(1);
    interpreter = parent.evaluator().mutator().interpreter.forked(host);
    evaluator = parent.evaluator().forked(interpreter);
    script = parent.script() == null ? null : parent.script().forked(evaluator);
    RecipeRunner.setRoots(interpreter, parent.loader(), evaluator);
  }

  ActResult run() {
    begin();
    if (script != null) {
      script.announce();
    }
    boolean frozen = isFrozen();
    int[] before = host.table().clone();
    int presentBefore = present(before);
    Memory memoryBefore = memory(filePagesBefore);
    long minorBefore = host.minorFaults();
    long word = waitingWord();
    if (word != 0) {
      interpreter.malloc.free(word);
    }
    List<Act> parts = act instanceof Recipe.Sequence s ? s.acts() : List.of(act);
    int places = evaluator.definitions().places("act");
    if (script != null) {
      script.leaveLine();
      places = script.placesOfAct(parts);
    }
    Calls.Call call = evaluator.calls().enterAct(places);
    if (parts.stream().noneMatch(Measurement::runsCodeOfAct)) {
      evaluator.definitions().frameOfAct();
    }
    boolean leaves = RecipeReader.leaves(act);
    int inside = leaves ? parts.size() - 1 : parts.size();
    parts.subList(0, inside).forEach(this::perform);
    evaluator.calls().leave(call);
    // The function of the act has returned when the process leaves.
    parts.subList(inside, parts.size()).forEach(this::perform);
    if (word != 0 && !leaves) {
      // It waits for its next word again.
      interpreter.malloc.allocate(LoadCalls.WORD_BYTES);
    }
    if (script != null && !leaves) {
      script.done();
    }
    // The act is over when its process has said so.
    interpreter.evalBreaker();
    Set<Long> filePages = new HashSet<>();
    touchMallocsVariables();
    if (host.sbrk(0) > parent.host().sbrk(0)) {
      add(filePages, baseline.footprints.growthOfSegment(frozen));
    }
    if (collectsAll) {
      // Of the code that goes through objects of each kind; what it copies is simulated.
      add(filePages, baseline.footprints.of(frozen, "gc.collect").filePages());
    }
    if (arenasGivenBack(host) > arenasGivenBack(parent.host())) {
      add(filePages, baseline.pagesOfSegmentsEnd);
      if (arenasGivenBack(parent.host()) == 0) {
        add(filePages, baseline.pagesOfFirstArena);
      }
    }
    if (host.sbrk(0) < parent.host().sbrk(0)) {
      add(filePages, baseline.pagesOfSegmentsEnd);
    }
    int outside = 0;
    int others = 0;
    int vanished = 0;
    for (Footprints.Footprint footprint : footprints) {
      touch(footprint.copiedPages());
      touch(footprint.vanishedPages());
      outside =
          Math.max(
              outside,
              footprint.faults()
                  - footprint.copiedPages().length
                  - footprint.vanishedPages().length);
      add(filePages, footprint.filePages());
      others = Math.max(others, footprint.otherAppeared());
      vanished = Math.max(vanished, footprint.vanishedPages().length);
    }
    int files = filePages.size();
    int faults = (int) (host.minorFaults() - minorBefore) + outside;
    int[] after = host.table();
    int copied = 0;
    int appeared = 0;
    int gone = 0;
    for (int page = 0; page < after.length; page++) {
      int old = page < before.length ? before[page] : 0;
      if (parent.loader().isOwn(page)) {
        faults -= old != after[page] && frame(old) != frame(after[page]) ? 1 : 0;
      } else if (old == 0) {
        appeared += after[page] == 0 ? 0 : 1;
      } else if (after[page] == 0) {
        gone++;
      } else if (frame(old) != frame(after[page])) {
        copied++;
      }
    }
    Memory memory = memory(filePagesBefore + files + others).without(vanished);
    int exitFaults = leaves ? faults : baseline.footprints.of(frozen, "nothing").exitFaults();
    ActResult result =
        new ActResult(
            act.json(),
            null,
            memory.rssPages * (long) Host.BYTES_IN_PAGE,
            copied - vanished,
            appeared + files + others,
            gone + vanished,
            presentBefore + filePagesBefore,
            faults,
            0,
            memory.ratio(),
            exitFaults,
            leaves ? List.of() : countsWhenRead(),
            leaves ? List.of() : stats(),
            parent.countsAtFork(),
            memoryBefore.rssPages * (long) Host.BYTES_IN_PAGE,
            memoryBefore.ratio());
    host.exit();
    return result;
  }

  /** What the child does before it waits for its word to act. */
  private void begin() {
    for (long place : parent.storedSinceFork()) {
      if (host.table()[(int) (place >>> Host.LOG_BYTES_IN_PAGE)] != 0) {
        host.store(place, host.load(place), Host.CAUSE_DATA);
      }
    }
  }

  /** Whether what the act's code touches, too, is simulated, and with it its frame. */
  private static boolean runsCodeOfAct(Act part) {
    return part instanceof Recipe.ReadDeep || part instanceof Recipe.Allocate;
  }

  private long waitingWord() {
    LoadCalls.Replay replay = parent.loader().replay();
    return replay == null ? 0 : replay.waitingWord();
  }

  private void perform(Act part) {
    boolean frozen = isFrozen();
    if (part instanceof Recipe.Allocate allocate) {
      Set<String> made = new HashSet<>();
      statements.stream().filter(s -> s.repeat() > 0).forEach(s -> made.addAll(s.kinds()));
      allocate
          .statement()
          .kinds()
          .forEach(
              k ->
                  footprints.add(
                      baseline.footprints.allocation(
                          frozen, k, made.contains(k), this::isSimulated)));
    } else {
      boolean collected = collections() > Arrays.stream(baseline.stats).mapToLong(c -> c[0]).sum();
      // What the first one takes is simulated; what of it is still there, the recipe has decided.
      boolean takesDead = frozen && part instanceof Recipe.Collect;
      boolean clearsLists = part instanceof Recipe.Collect c && c.generation() == 2;
      footprints.add(
          part instanceof Recipe.Exit exit && exit.normal()
              ? baseline.footprints.exit(frozen, collected)
              : clearsLists && !frozen
                  ? baseline.footprints.fullCollection(collected, this::isSimulated)
                  : part instanceof Recipe.ReadDeep
                      ? baseline.footprints.readDeep(frozen, collected, this::isSimulated)
                      : baseline.footprints.of(
                          frozen, collected || takesDead, Footprints.name(part)));
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
    long full = interpreter.gcState.collections(2);
    if (part instanceof Recipe.Iterate iterate) {
      iterate(iterate);
    } else if (part instanceof Recipe.ReadDeep) {
      evaluator.definitions().run("act");
      evaluator.readDeep(evaluator.out);
    } else if (part instanceof Recipe.Sum) {
      sum();
    } else if (part instanceof Recipe.Drop) {
      drop();
    } else if (part instanceof Recipe.Allocate allocate) {
      statements.add(allocate.statement());
      evaluator.definitions().run("act");
      evaluator.run(List.of(allocate.statement()));
    } else if (part instanceof Recipe.Exit exit) {
      if (exit.normal()) {
        // Before arenas are given back.
        touch(footprints.get(footprints.size() - 1).copiedPages());
        Finalisation end = new Finalisation(evaluator, baseline, parent.loader());
        if (frozen) {
          end.exitFrozen();
        } else {
          end.exit();
        }
      }
    } else if (!(part instanceof Recipe.Nothing)) {
      RecipeRunner.perform(part, evaluator);
    }
    if (needsHeap && collections() > collections) {
      // Frozen: which of the interpreter's own objects it visits is simulated.
      footprints.add(baseline.footprints.collectionOfNothing(this::isSimulated));
      collectsAll |= !frozen && interpreter.gcState.collections(2) > full;
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
      round();
      interpreter.evalBreaker();
    }
    if (version.collectsAtEvalBreaker && !version.atLeast(3, 13)) {
      // int() of a float is a call with a tuple.
      interpreter.decref(mutator.newTuple(new long[1]));
      interpreter.evalBreaker();
    }
    Range range =
        new Range(mutator, evaluator.calls(), Math.toIntExact(-Math.floorDiv(-end, step)), step);
    long index = 0;
    for (long i = 0; i * step < end; i++) {
      long next = range.next(i);
      interpreter.decref(index);
      index = next;
      interpreter.refCounts.touch(mutator.listItem(evaluator.out, i * step));
    }
    range.end();
    interpreter.decref(index);
  }

  /**
   * {@code round()} of a float: the bound {@code __round__}, which on 3.7 and 3.8 waits on a free
   * list afterwards, as that of a class statement does, and on 3.7 the names of its parameters,
   * which it keeps from its first call on.
   */
  private void round() {
    if (!version.atLeast(3, 7) || version.atLeast(3, 9)) {
      interpreter.collector.objectAllocated();
      interpreter.collector.objectFreed();
      return;
    }
    Mutator mutator = evaluator.mutator();
    if (!hasRounded && !version.atLeast(3, 8)) {
      mutator.newTuple(new long[] {mutator.none(), mutator.none()});
    }
    hasRounded = true;
    long bound = interpreter.freeLists.takeOther();
    if (bound == 0) {
      bound = mutator.scratch(version.gcHeadBytes + (long) ClassStatement.boundBytes(version));
      interpreter.collector.objectAllocated();
    }
    interpreter.freeLists.putOther(bound);
  }

  private void sum() {
    Set<Class<?>> kinds = new HashSet<>();
    Evaluator.kept(statements).forEach(kept -> kinds.add(kept.getClass()));
    boolean numbers = Set.of(Recipe.IntValue.class, Recipe.FloatValue.class).containsAll(kinds);
    if (!numbers && !Set.of(Recipe.ArrayValue.class).containsAll(kinds)) {
      throw new RecipeException("sum: adds up numbers or arrays, and the heap holds others");
    }
    if (numbers) {
      evaluator.sum(evaluator.out);
    } else {
      evaluator.iterate(
          evaluator.out,
          array -> {
            interpreter.refCounts.touch(array);
            evaluator.sum(array);
          });
    }
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

  private boolean isFrozen() {
    return !interpreter.lists.isEmpty(interpreter.gcState.permanentHead());
  }

  /**
   * The simulated malloc keeps its variables on a page of the simulation's own. In the real process
   * they lie in the C library's static data; what has changed here has been copied there.
   */
  private void touchMallocsVariables() {
    long first = interpreter.runtime + RuntimeState.MALLOC_FAST_BINS;
    long end = interpreter.runtime + RuntimeState.MALLOC_BIN_MAP + 16;
    for (long at = first; at < end; at += 8) {
      if (host.load(at) != parent.host().load(at)) {
        touchAt(baseline.cHeap.arena() + FAST_BINS_IN_ARENA + at - first);
      }
    }
    if (host.sbrk(0) != parent.host().sbrk(0)) {
      touchAt(baseline.cHeap.endVariable());
    }
  }

  private long arenasGivenBack(MachineHost process) {
    return process.load(interpreter.runtime + RuntimeState.ARENAS_ALLOCATED_EVER)
        - process.load(interpreter.runtime + RuntimeState.ARENAS_ALLOCATED);
  }

  private static void add(Set<Long> pages, long[] more) {
    for (long page : more) {
      pages.add(page);
    }
  }

  private void touchAt(long address) {
    touch(new long[] {address >>> Host.LOG_BYTES_IN_PAGE});
  }

  /** Whether a captured page is in an arena or the data segment, where stores are simulated. */
  private boolean isSimulated(long page) {
    long address = page << Host.LOG_BYTES_IN_PAGE;
    long place = BaselineLoader.lowerHalf(address);
    boolean isInSegment = address >= baseline.cHeap.start() && place < host.sbrk(0);
    return isInSegment || interpreter.malloc.isInArena(place);
  }

  /** Stores into captured pages: what the interpreter itself does. */
  private void touch(long[] pages) {
    for (long page : pages) {
      if (parent.loader().has(page)) {
        long address = BaselineLoader.lowerHalf(page << Host.LOG_BYTES_IN_PAGE);
        if (host.table()[(int) (address >>> Host.LOG_BYTES_IN_PAGE)] != 0) {
          host.store(address, host.load(address), Host.CAUSE_DATA);
        }
      }
    }
  }

  /** The counts as the child's own gc.get_count() sees them. */
  private List<Integer> countsWhenRead() {
    Calls calls = evaluator.calls();
    if (version.major == 2) {
      return RecipeRunner.counts(interpreter);
    }
    // It says that the act is over.
    calls.write();
    List<Integer> counts = RecipeRunner.counts(interpreter);
    calls.returnCounts();
    return counts;
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
    /** The same without pages of the process's own. */
    Memory without(int pages) {
      return new Memory(rssPages - pages, sharedPages);
    }

    double ratio() {
      return Math.round(10_000.0 * sharedPages / rssPages) / 10_000.0;
    }
  }

  private Memory memory(int filePages) {
    int[] mine = host.table();
    int[] parents = parent.host().table();
    int own = 0;
    int ownShared = 0;
    for (int page = 0; page < mine.length; page++) {
      if (mine[page] != 0 && parent.loader().isOwn(page)) {
        own++;
        ownShared += page < parents.length && frame(parents[page]) == frame(mine[page]) ? 1 : 0;
      }
    }
    return new Memory(
        (int) (host.residentBytes() / Host.BYTES_IN_PAGE) - own + filePages,
        (int) (host.sharedBytes() / Host.BYTES_IN_PAGE) - ownShared + filePages);
  }

  private static int frame(int entry) {
    return entry & Host.FRAME_MASK;
  }

  private static int present(int[] table) {
    int n = 0;
    for (int entry : table) {
      n += entry == 0 ? 0 : 1;
    }
    return n;
  }
}
