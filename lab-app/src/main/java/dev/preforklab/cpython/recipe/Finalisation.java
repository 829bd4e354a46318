package dev.preforklab.cpython.recipe;

import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.RuntimeState;
import dev.preforklab.cpython.obmalloc.BlocksInUse;
import dev.preforklab.cpython.obmalloc.ChunksInUse;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.LongConsumer;

/**
 * A normal exit of a process on a {@link Baseline}. It decides which arenas are given back before
 * the process is gone: one block of the interpreter's own that is not freed, or that was allocated
 * into a hole of the heap just before that went, keeps an arena.
 */
final class Finalisation {
  private final Interpreter interpreter;
  private final Evaluator evaluator;
  private final Baseline baseline;
  private final BaselineLoader loader;

  Finalisation(Evaluator evaluator, Baseline baseline, BaselineLoader loader) {
    this.evaluator = evaluator;
    this.baseline = baseline;
    this.loader = loader;
    interpreter = evaluator.mutator().interpreter;
  }

  /** Everything is frozen: the collector does not find the module, and with it stays the heap. */
  void exitFrozen() {
    interpreter.setFinalizing(true);
    ExitCalls.Replay replay = baseline.frozenExitCalls.new Replay(interpreter, baseline, loader);
    if (!interpreter.gcState.isEnabled()) {
      replay.untilBuiltinsAreRestored();
    }
    // A full collection, which finds nothing else to free.
    interpreter.freeLists.clear();
    replay.finish();
  }

  /**
   * A full collection, from 3.6 on unless the collector is off, then the module's dict goes and
   * with it the heap. From 3.4 on it is the collector that must find it, in a collection that comes
   * in any case, because the dict lies in a cycle with the module's functions; it does not where it
   * may not look at it or sees a reference from outside.
   */
  void exit() {
    interpreter.setFinalizing(true);
    boolean isOld = interpreter.version.major == 2;
    boolean collectsFirst = isOld || interpreter.gcState.isEnabled();
    ExitCalls calls = collectsFirst ? baseline.exitCalls : baseline.disabledExitCalls;
    ExitCalls.Replay replay = calls.new Replay(interpreter, baseline, loader);
    if (collectsFirst) {
      replay.untilCollectionEnds();
      interpreter.collector.collect(2);
    }
    if (isOld) {
      dropHeap();
      interpreter.freeLists.clear();
      return;
    }
    boolean goes = !evaluator.definitions().moduleIsHeld();
    if (!collectsFirst) {
      replay.untilBuiltinsAreRestored();
    }
    if (goes) {
      if (!collectsFirst) {
        clearYounger();
      }
      // It goes with the module's functions, which stand before the heap in the module's dict.
      replay.until(baseline.loadCalls.firstFunction());
      Baseline.FreeLists room = baseline.exitRoom;
      interpreter.freeLists.limit(
          room.lists(), room.dicts(), room.keys(), room.floats(), room.tuples());
      evaluator.definitions().freeFunctions();
      replay.untilIfToCome(baseline.loadCalls.lastFunction(), true);
      dropHeap();
    }
    if (!collectsFirst) {
      // The recipe's garbage, which is younger than the module.
      interpreter.collector.collect(2);
    }
    if (goes) {
      freeCode(replay);
      // Classes go after it, as they are in cycles.
      replay.untilIfToCome(baseline.loadCalls.globalsTable(), false);
      freeLargeBlocks(replay);
      interpreter.freeLists.clear();
      replay.finish();
    }
  }

  /**
   * Clears what is younger than the module and yet before it on the collector's list: {@code
   * gc.freeze} puts the young objects first. A collection before would have put them behind it, as
   * it finds them from there.
   */
  private void clearYounger() {
    int head = interpreter.version.gcHeadBytes;
    Set<Long> old = new HashSet<>();
    for (long captured : baseline.lists[2]) {
      if (loader.isThere(captured)) {
        old.add(loader.relocate(captured) + head);
      }
    }
    Set<Long> own = new HashSet<>(old);
    loader.visitTracked(own::add);
    interpreter.collector.clearBefore(old, own);
  }

  private void dropHeap() {
    long out = evaluator.out;
    evaluator.out = 0;
    if (out != 0) {
      interpreter.decref(out);
    }
  }

  /**
   * Frees what is left of the recipe's, its code, functions and classes, but for what waits on free
   * lists until the collection ends.
   */
  private void freeCode(ExitCalls.Replay replay) {
    Set<Long> others = new HashSet<>(replay.allocated());
    baseline.pools.forEachBlockInUse(
        (captured, bytes) -> {
          if (loader.isThere(captured)
              && !baseline.leftovers.isDead(captured)
              && !baseline.leftovers.isGarbage(captured)) {
            others.add(loader.relocate(captured));
          }
        });
    interpreter.freeLists.forEachBlock(others::add);
    others.addAll(evaluator.definitions().immortalNames());
    freeAllBut(others, new BlocksInUse(interpreter)::forEach);
  }

  /** Frees those of the recipe's that the C library's heap serves: types and what is long. */
  private void freeLargeBlocks(ExitCalls.Replay replay) {
    Set<Long> others = new HashSet<>(replay.allocated());
    LoadCalls.Replay loaded = loader.replay();
    if (loaded != null) {
      others.addAll(loaded.locks());
    }
    others.add(interpreter.host.load(interpreter.runtime + RuntimeState.ARENAS));
    baseline.cHeap.forEachBlockInUse(
        (captured, bytes) -> {
          if (loader.isThere(captured)) {
            others.add(loader.relocate(captured));
          }
        });
    long start = loader.relocate(baseline.cHeap.start());
    freeAllBut(others, visit -> new ChunksInUse(interpreter).forEach(start, visit));
  }

  private void freeAllBut(Set<Long> others, Consumer<LongConsumer> blocks) {
    List<Long> own = new ArrayList<>();
    blocks.accept(
        block -> {
          if (!others.contains(block)) {
            own.add(block);
          }
        });
    own.forEach(interpreter.malloc::free);
  }
}
