package dev.preforklab.cpython.recipe;

import com.fasterxml.jackson.databind.JsonNode;
import dev.preforklab.cpython.Host;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.LongPredicate;
import java.util.stream.LongStream;

/**
 * What the bare interpreter itself touches in each kind of act, as captured on an empty heap, less
 * what a recipe's heap changes about it or the lab simulates.
 */
@SuppressWarnings("ArrayRecordComponent") // read once, never changed
final class Footprints {
  /**
   * What the interpreter itself does in an act on an empty heap.
   *
   * @param copiedPages page numbers
   * @param usedPages those of them in pools and the data segment on which it stores into objects
   *     that it has had before
   * @param firstPages of an allocation, those of the copied ones that are not copied where the
   *     parent's heap holds values of that kind
   * @param filePages read-only file pages that became present, page numbers
   * @param faults minor faults
   * @param exitFaults minor faults of leaving afterwards by _exit
   * @param rssPages resident at the end
   * @param sharedPages resident and mapped by others at the end
   * @param vanishedPages page numbers unmapped, after their pages were copied
   */
  record Footprint(
      long[] copiedPages,
      long[] usedPages,
      long[] firstPages,
      long[] filePages,
      int otherAppeared,
      int faults,
      int exitFaults,
      int rssPages,
      int sharedPages,
      long[] vanishedPages) {
    /** The same but for these, each of which is a fault. */
    Footprint with(long[] copied, long[] vanished) {
      int fewer = copiedPages.length - copied.length + vanishedPages.length - vanished.length;
      return new Footprint(
          copied,
          usedPages,
          firstPages,
          filePages,
          otherAppeared,
          faults - fewer,
          exitFaults,
          rssPages,
          sharedPages,
          vanished);
    }
  }

  /**
   * The acts on 2.7 of whose pages in pools those are left out on which no object of the
   * interpreter's own is stored into. A full collection visits all of those, and restores what it
   * has written; of an exit and of what read_deep's function stores into its code it is not known.
   */
  private static final Set<String> WITHOUT_SCRIPT =
      Set.of(
          "nothing", "iterate", "iterate:part:0.01", "drop", "sum", "gc.collect:0", "gc.collect:1");

  private final Baseline baseline;

  /** Whether the recipe's own code, and with it the method cache, is simulated. */
  private final boolean simulatesCode;

  /** By the parent's mode and the act. */
  private final Map<String, Footprint> byModeAndAct = new HashMap<>();

  /**
   * Reads them.
   *
   * @param acts what each act touched, by the parent's mode
   * @param baseline to which they belong; it may still be incomplete
   */
  Footprints(JsonNode acts, Baseline baseline, boolean simulatesCode) {
    this.baseline = baseline;
    this.simulatesCode = simulatesCode;
    for (Map.Entry<String, JsonNode> mode : acts.properties()) {
      for (Map.Entry<String, JsonNode> act : mode.getValue().properties()) {
        byModeAndAct.put(mode.getKey() + " " + act.getKey(), read(act.getValue()));
      }
    }
  }

  private static Footprint read(JsonNode node) {
    int appeared = 0;
    for (JsonNode pages : node.path("appeared")) {
      appeared += pages.asInt();
    }
    int files = node.path("appeared").path("file_ro").asInt();
    return new Footprint(
        Baseline.longs(node.path("copied")),
        Baseline.longs(node.path("used")),
        Baseline.longs(node.path("first")),
        Baseline.sums(Baseline.longs(node.path("files"))),
        appeared - files,
        node.path("faults").asInt(),
        node.path("exit_faults").asInt(),
        node.path("rss_pages").asInt(),
        node.path("shared_pages").asInt(),
        Baseline.longs(node.path("vanished")));
  }

  /** What an act is called here. */
  static String name(Recipe.Act act) {
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

  /**
   * What the act costs the interpreter itself.
   *
   * @param collected whether a collection has taken the garbage of the interpreter's start
   */
  Footprint of(boolean frozen, boolean collected, String act) {
    List<String> modes = new ArrayList<>();
    if (collected) {
      modes.add(frozen ? "collect,freeze" : "collect");
    }
    modes.add(frozen ? "freeze" : "plain");
    modes.add("plain");
    for (String mode : modes) {
      Footprint found = byModeAndAct.get(mode + " " + act);
      if (found != null) {
        boolean whole = simulatesCode || !WITHOUT_SCRIPT.contains(act);
        return whole ? found : withoutScript(found);
      }
    }
    throw new IllegalStateException("no footprint of " + act);
  }

  /**
   * Without what the script around a recipe stores into pools where the recipe is empty: {@link
   * OldScript} does that.
   */
  private Footprint withoutScript(Footprint whole) {
    Set<Long> used = setOf(whole.usedPages());
    Set<Long> pooled = baseline.pools.pages();
    return keep(whole, page -> used.contains(page) || !pooled.contains(page));
  }

  /** The same where no collection makes a difference. */
  Footprint of(boolean frozen, String act) {
    return of(frozen, false, act);
  }

  /**
   * What the interpreter itself touches while it allocates values of a kind, without the pages of
   * the arenas and the data segment that only the allocations dirtied: on the empty heap they came
   * out of holes that the recipe's heap has filled, and the simulated allocators write their own.
   * The same goes for the pages of the method cache that a class of the act's was entered on: see
   * {@link MethodCache}.
   *
   * @param again whether the parent has made values of that kind, and with the first of them what
   *     stays: a type's version, what is looked up in it
   * @param isSimulated whether a page is one of the simulated allocators'
   */
  Footprint allocation(boolean frozen, String kind, boolean again, LongPredicate isSimulated) {
    Footprint whole = of(frozen, "allocate:" + kind);
    Set<Long> ofClasses = new HashSet<>();
    for (long page : whole.copiedPages()) {
      if (simulatesCode && MethodCache.covers(baseline.methodCache.start(), page)) {
        ofClasses.add(page);
      }
    }
    ofClasses.removeAll(setOf(of(frozen, "allocate:none").copiedPages()));
    Set<Long> once = again ? setOf(whole.firstPages()) : Set.of();
    Footprint loop = of(frozen, "iterate");
    Set<Long> hot = setOf(simulatesCode ? loop.usedPages() : loop.copiedPages());
    hot.addAll(setOf(whole.usedPages()));
    return keep(
        whole,
        page ->
            !ofClasses.contains(page)
                && !once.contains(page)
                && (hot.contains(page) || !isSimulated.test(page)));
  }

  /** File pages of the code that a growing data segment needs, which large bytes made grow. */
  long[] growthOfSegment(boolean frozen) {
    Set<Long> ofBytes = setOf(of(frozen, "allocate:bytes").filePages());
    return Arrays.stream(of(frozen, "allocate:raw").filePages())
        .filter(page -> !ofBytes.contains(page))
        .toArray();
  }

  /**
   * What the interpreter itself touches in a collection while an act goes on, everything inherited
   * being frozen: without the pages of pools on which it stores into the recipe's code alone. Of
   * 3.6, which freezes nothing, in a collection of the youngest when the parent has collected all.
   */
  Footprint collectionOfNothing(LongPredicate isSimulated) {
    boolean freezes = byModeAndAct.containsKey("freeze gc.collect:0");
    Footprint whole = of(freezes || !simulatesCode, simulatesCode && !freezes, "gc.collect:0");
    return simulatesCode ? withoutSimulated(whole, isSimulated) : withoutScript(whole);
  }

  /**
   * What the interpreter itself touches in a full collection of all that it has inherited. From 3.6
   * on the lists that it goes through, what it frees and where that lies are simulated, so that
   * only pages outside of the arenas and the data segment remain.
   *
   * @param collected whether a collection has taken the garbage of the interpreter's start
   */
  Footprint fullCollection(boolean collected, LongPredicate isSimulated) {
    Footprint whole = of(false, collected, "gc.collect");
    return simulatesCode ? keep(whole, page -> !isSimulated.test(page)) : whole;
  }

  /**
   * What the interpreter itself touches in a read_deep: its function's code, frames and iterators
   * are simulated, so that of the pages of pools only those remain on which it stores into what it
   * had before.
   */
  Footprint readDeep(boolean frozen, boolean collected, LongPredicate isSimulated) {
    Footprint whole = of(frozen, collected, "read_deep");
    return simulatesCode ? withoutSimulated(whole, isSimulated) : whole;
  }

  private static Footprint withoutSimulated(Footprint whole, LongPredicate isSimulated) {
    Set<Long> used = setOf(whole.usedPages());
    return keep(whole, page -> used.contains(page) || !isSimulated.test(page));
  }

  private static Set<Long> setOf(long[] pages) {
    Set<Long> set = new HashSet<>();
    for (long page : pages) {
      set.add(page);
    }
    return set;
  }

  /**
   * What the interpreter itself touches in a normal exit, without the pages of the arenas that hold
   * nothing yet when the recipe starts: only {@link ExitCalls} reach them, and give arenas back.
   */
  Footprint exit(boolean frozen, boolean collected) {
    Footprint whole = of(frozen, collected, "exit");
    if (!frozen && baseline.exitCalls.isEmpty()) {
      return whole;
    }
    Set<Long> holding = new HashSet<>();
    baseline.pools.pools().forEach(pool -> holding.add(pool.address() >>> Host.LOG_BYTES_IN_PAGE));
    baseline.pools.forEachBlockInUse(
        (block, bytes) -> {
          holding.add(block >>> Host.LOG_BYTES_IN_PAGE);
          holding.add((block + bytes - 1) >>> Host.LOG_BYTES_IN_PAGE);
        });
    // Which arenas are given back, those calls decide: their pages were copied before.
    long[] copied =
        LongStream.concat(
                Arrays.stream(whole.copiedPages()),
                Arrays.stream(whole.vanishedPages()).filter(this::isInArena))
            .filter(page -> holding.contains(page) || !isInArena(page))
            .toArray();
    return whole.with(
        copied, Arrays.stream(whole.vanishedPages()).filter(page -> !isInArena(page)).toArray());
  }

  private static Footprint keep(Footprint whole, LongPredicate wanted) {
    long[] copied = Arrays.stream(whole.copiedPages()).filter(wanted).toArray();
    return whole.with(copied, whole.vanishedPages());
  }

  private boolean isInArena(long page) {
    return baseline.pools.isInArena(page << Host.LOG_BYTES_IN_PAGE);
  }
}
