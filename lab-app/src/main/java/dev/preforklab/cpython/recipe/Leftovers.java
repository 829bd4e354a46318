package dev.preforklab.cpython.recipe;

import com.fasterxml.jackson.databind.JsonNode;
import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.layout.DictLayout;
import dev.preforklab.cpython.layout.ObjectHead;
import dev.preforklab.cpython.layout.TypeSpec;
import dev.preforklab.cpython.layout.TypeSpec.Exact;
import dev.preforklab.cpython.obmalloc.HeapBuilder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * What the interpreter's start and an import have left and the first collections take: dead objects
 * on free lists, garbage, and tuples and dicts that need not be tracked. All are captured blocks.
 *
 * <p>The garbage is restored as garbage: objects on the collector's lists that only each other lead
 * to, which it finds by itself. Which of them refer to which is not known, but in what order they
 * die: so one of them, the last to be freed, refers to itself and to all others in that order.
 * Where the collector does not see who holds an object (a code object its constants), something
 * that is not tracked holds it, and dies in the same way.
 */
final class Leftovers {
  /** Of the bound methods that the import of array leaves on 3.6, those of builtins. */
  private static final int BOUND_BUILTINS = 2;

  private static final int DICT = -1;
  private static final int KEYS = -3;

  /** A GC object with at least one word of its own, for what takes an index into the table. */
  private static final int HOLDER_BYTES = 64;

  private final Baseline baseline;

  /** Blocks, the next to be taken from the list first; by length for tuples. */
  private final List<long[]> deadTuples = new ArrayList<>();

  private final long[] deadLists;
  private final long[] deadDicts;
  private final long[] deadKeys;
  private final long[] deadFloats;
  private final long[] deadOthers;

  /** Blocks freed, in order. */
  private final long[] garbage;

  /** What dies onto a free list: its length or kind, its block. */
  private final List<long[]> kept = new ArrayList<>();

  private final Set<Long> held = new HashSet<>();

  private final long[] tuplesToUntrack;
  private final long[] dictsToUntrack;

  Leftovers(JsonNode node, Baseline baseline) {
    this.baseline = baseline;
    JsonNode dead = node.path("dead");
    dead.path("tuple").forEach(row -> deadTuples.add(Baseline.longs(row)));
    deadLists = Baseline.longs(dead.path("list"));
    deadDicts = Baseline.longs(dead.path("dict"));
    deadKeys = Baseline.longs(dead.path("keys"));
    deadFloats = Baseline.longs(dead.path("float"));
    deadOthers = Baseline.longs(dead.path("other"));
    garbage = Baseline.longs(node.path("garbage"));
    node.path("kept").forEach(row -> kept.add(Baseline.longs(row)));
    node.path("held").forEach(block -> held.add(block.asLong()));
    tuplesToUntrack = Baseline.longs(node.path("untracked").path("tuple"));
    dictsToUntrack = Baseline.longs(node.path("untracked").path("dict"));
  }

  /** The captured blocks that are garbage. */
  Set<Long> blocks() {
    Set<Long> blocks = new HashSet<>();
    Arrays.stream(garbage).forEach(blocks::add);
    kept.forEach(row -> blocks.add(row[1]));
    return blocks;
  }

  /** Whether a captured block is garbage, to be freed by a collection only. */
  boolean isGarbage(long block) {
    return contains(garbage, block) || kept.stream().anyMatch(row -> row[1] == block);
  }

  /** Whether a captured block is a dead object on a free list, to be freed with that. */
  boolean isDead(long block) {
    Baseline.FreeLists counts = baseline.freeLists;
    for (int length = 1; length < deadTuples.size(); length++) {
      if (contains(latest(deadTuples.get(length), tuples(counts, length)), block)) {
        return true;
      }
    }
    return contains(latest(deadLists, counts.lists()), block)
        || contains(latest(deadDicts, counts.dicts()), block)
        || contains(latest(deadFloats, counts.floats()), block)
        || contains(deadKeys, block)
        || contains(deadOthers, block);
  }

  /** Whether a captured block goes in the first full collection after the recipe's code began. */
  boolean goesInCollection(long block) {
    return isGarbage(block)
        || deadTuples.stream().anyMatch(blocks -> contains(blocks, block))
        || Stream.of(deadLists, deadDicts, deadFloats, deadKeys, deadOthers)
            .anyMatch(blocks -> contains(blocks, block));
  }

  private static boolean contains(long[] blocks, long block) {
    for (long one : blocks) {
      if (one == block) {
        return true;
      }
    }
    return false;
  }

  private static int tuples(Baseline.FreeLists counts, int length) {
    return length < counts.tuples().length ? counts.tuples()[length] : 0;
  }

  /**
   * Those that were dead already when the recipe's code began: the captured process has come a
   * little further, to where it waits for its word to act.
   */
  private static long[] latest(long[] blocks, int count) {
    int first = Math.max(0, blocks.length - count);
    return Arrays.copyOfRange(blocks, first, blocks.length);
  }

  /** How many dead objects there are of which only the block is known; on 3.10 they are frames. */
  int others() {
    return deadOthers.length;
  }

  /** Restores all of it in a process that has just been loaded. */
  void restore(Mutator mutator, BaselineLoader loader) {
    new Restorer(mutator, loader).restore();
  }

  /** Puts the dead objects alone where they were; returns how many are on each list. */
  Baseline.FreeLists restoreDead(Mutator mutator, BaselineLoader loader) {
    return new Restorer(mutator, loader).restoreDead();
  }

  /** Something that is not tracked, and the objects that it holds. */
  private record Holder(long object, List<Long> objects) {}

  private final class Restorer {
    private final Interpreter interpreter;
    private final Host host;
    private final HeapBuilder builder;
    private final BaselineLoader loader;
    private final Builtins types;
    private final int head;
    private final Set<Long> trackedHeads = new HashSet<>();

    Restorer(Mutator mutator, BaselineLoader loader) {
      interpreter = mutator.interpreter;
      types = mutator.types;
      host = interpreter.host;
      builder = new HeapBuilder(interpreter);
      this.loader = loader;
      head = interpreter.version.gcHeadBytes;
      for (long[] generation : baseline.lists) {
        for (long address : generation) {
          trackedHeads.add(address);
        }
      }
    }

    void restore() {
      markUntracked(tuplesToUntrack, Exact.TUPLE);
      markUntracked(dictsToUntrack, Exact.DICT);
      restoreGarbage();
    }

    // Dead objects

    /** Those of the blocks that are there already. */
    private long[] there(long[] blocks) {
      return Arrays.stream(blocks).filter(loader::isThere).toArray();
    }

    private Baseline.FreeLists restoreDead() {
      Baseline.FreeLists counts = baseline.freeLists;
      int[] tuples = new int[counts.tuples().length];
      for (int length = 1; length < deadTuples.size(); length++) {
        long[] blocks = there(latest(deadTuples.get(length), tuples(counts, length)));
        for (int i = blocks.length - 1; i >= 0; i--) {
          interpreter.freeLists.putTuple(deadObject(blocks[i], types.tuple()), length);
          tuples[length]++;
        }
      }
      long[] lists = there(latest(deadLists, counts.lists()));
      for (int i = lists.length - 1; i >= 0; i--) {
        interpreter.freeLists.putList(deadObject(lists[i], types.list()));
      }
      long[] dicts = there(latest(deadDicts, counts.dicts()));
      for (int i = dicts.length - 1; i >= 0; i--) {
        interpreter.freeLists.putDict(deadObject(dicts[i], types.dict()));
      }
      long[] floats = there(latest(deadFloats, counts.floats()));
      for (int i = floats.length - 1; i >= 0; i--) {
        interpreter.freeLists.putFloat(loader.relocate(floats[i]));
      }
      long[] keys = there(deadKeys);
      for (int i = keys.length - 1; i >= 0; i--) {
        interpreter.freeLists.putKeys(loader.relocate(keys[i]));
      }
      long[] others = there(deadOthers);
      for (int i = others.length - 1; i >= 0; i--) {
        long block = loader.relocate(others[i]);
        if (!interpreter.version.atLeast(3, 7)) {
          // Methods are freed before them.
          boolean isBuiltin = i >= others.length - BOUND_BUILTINS;
          builder.writeUntrackedHead(block + head);
          interpreter.freeLists.putBound(isBuiltin, block + head);
        } else if (areFrames()) {
          interpreter.freeLists.putFrame(block + head);
        } else {
          interpreter.freeLists.putOther(block);
        }
      }
      return new Baseline.FreeLists(lists.length, dicts.length, keys.length, floats.length, tuples);
    }

    private boolean areFrames() {
      return interpreter.version.atLeast(3, 10) && !interpreter.version.atLeast(3, 11);
    }

    private long deadObject(long block, long type) {
      return object(block, type, 0);
    }

    private long object(long block, long type, long refCount) {
      long object = loader.relocate(block) + head;
      if (!trackedHeads.contains(block)) {
        builder.writeUntrackedHead(object);
      }
      builder.writeObjectHead(object, refCount, type);
      return object;
    }

    // Tracked without need

    /** Gives objects a type whose content the collector finds to be none. */
    private void markUntracked(long[] heads, Exact exact) {
      if (heads.length == 0) {
        return;
      }
      long type =
          interpreter.addStaticType(TypeSpec.opaque("captured " + exact, true, 24, 8, exact));
      for (long one : there(heads)) {
        long object = loader.relocate(one) + head;
        builder.writeObjectHead(object, interpreter.refCounts.get(object), type);
        set(object + TypeSpec.OPAQUE_INDEX, 0);
      }
    }

    // Garbage

    private void restoreGarbage() {
      if (garbage.length == 0) {
        return;
      }
      long opaque = interpreter.addStaticType(TypeSpec.opaque("captured", true, 24, 0, Exact.NONE));
      new Hub(opaque).restore();
    }

    /** The object that refers to all others in the order of their death. */
    private final class Hub {
      private final long opaque;
      private final long plain =
          interpreter.addStaticType(TypeSpec.blocks("captured garbage", 16, 16, 0, false));
      private final long atomic =
          interpreter.addStaticType(TypeSpec.atomic("captured block", 16, 0));
      private final int last = lastTracked();
      private final List<Long> referents = new ArrayList<>();

      /** What the next holder is to hold. */
      private final List<Long> waiting = new ArrayList<>();

      private final List<Holder> holders = new ArrayList<>();
      private final List<Long> keys = new ArrayList<>();
      private int done;

      Hub(long opaque) {
        this.opaque = opaque;
      }

      void restore() {
        for (long[] row : kept) {
          if (row[0] == KEYS) {
            keys.add(loader.relocate(row[1]));
            continue;
          }
          long object = keptObject((int) row[0], row[1]);
          if (held.contains(row[1])) {
            waiting.add(object);
          } else {
            while (!waiting.isEmpty() && done < garbage.length) {
              step();
            }
            referents.add(object);
          }
        }
        while (done < garbage.length) {
          step();
        }
        // What is held and dies after the last holder goes with it.
        holders.get(holders.size() - 1).objects().addAll(waiting);
        holders.forEach(h -> set(h.object() + TypeSpec.OPAQUE_INDEX, entry(h.objects())));
        long hub = object(garbage[last], opaque, 1);
        referents.add(hub);
        set(hub + TypeSpec.OPAQUE_INDEX, entry(referents));
      }

      private int lastTracked() {
        for (int i = garbage.length - 1; i >= 0; i--) {
          if (trackedHeads.contains(garbage[i]) && !held.contains(garbage[i])) {
            return i;
          }
        }
        throw new IllegalStateException("garbage that the collector cannot find");
      }

      /** Restores the next block that is freed. */
      private void step() {
        int i = done++;
        long block = garbage[i];
        if (i == last) {
          return;
        }
        if (trackedHeads.contains(block)) {
          (held.contains(block) ? waiting : referents).add(object(block, plain, 1));
        } else if (!waiting.isEmpty() && isLarge(block)) {
          long holder = object(block, opaque, 1);
          holders.add(new Holder(holder, new ArrayList<>(waiting)));
          waiting.clear();
          referents.add(holder);
        } else {
          long object = loader.relocate(block);
          builder.writeObjectHead(object, 1, atomic);
          referents.add(object);
        }
      }

      private boolean isLarge(long block) {
        return baseline.pools.pools().stream()
            .anyMatch(
                pool ->
                    block > pool.address()
                        && block <= pool.address() + pool.maxOffset()
                        && 16 * (pool.sizeIndex() + 1) >= HOLDER_BYTES);
      }

      /**
       * An object that a free list takes: empty, but for a tuple, whose length chooses the list.
       */
      private long keptObject(int kind, long block) {
        if (kind == DICT) {
          long dict = object(block, types.dict(), 1);
          set(dict + DictLayout.USED, 0);
          set(dict + DictLayout.KEYS, keys.isEmpty() ? 0 : table(keys.remove(0)));
          set(dict + DictLayout.VALUES, 0);
          return dict;
        }
        if (kind < 0) {
          long list = object(block, types.list(), 1);
          set(list + ObjectHead.SIZE, 0);
          set(list + ObjectHead.VAR_BYTES, 0);
          return list;
        }
        long tuple = object(block, types.tuple(), 1);
        set(tuple + ObjectHead.SIZE, kind);
        for (int i = 0; i < kind; i++) {
          interpreter.incref(types.none());
          set(tuple + ObjectHead.VAR_BYTES + 8L * i, types.none());
        }
        return tuple;
      }

      /** An empty key table of the smallest size. */
      private long table(long address) {
        DictLayout layout = new DictLayout(interpreter.version);
        set(address + DictLayout.KEYS_REF_COUNT, 1);
        set(
            address + DictLayout.KEYS_SIZE_AND_KIND,
            DictLayout.sizeAndKind(3, DictLayout.KIND_UNICODE));
        set(address + layout.keysEntries, 0);
        return address;
      }

      private int entry(List<Long> objects) {
        long[] addresses = objects.stream().mapToLong(o -> o).toArray();
        return interpreter.referents.add(addresses, addresses.length, new long[0], 0);
      }
    }

    private void set(long address, long value) {
      host.store(address, value, Host.CAUSE_DATA);
    }
  }
}
