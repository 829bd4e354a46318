package dev.preforklab.cpython.recipe;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.MachineHost;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/**
 * Which pages a child has for itself before it acts: those that it has stored into since the fork,
 * and those that its parent has stored into, which leaves the old ones to the child alone.
 */
final class SinceFork {
  private SinceFork() {}

  /**
   * Has parent and child ask the allocators for what they ask for before the child acts. The
   * process that stands where it is to fork goes on as its own child: so do all that it forks.
   *
   * @return an address on each page that one of them has stored into
   */
  static List<Long> callAllocators(
      Baseline baseline, Interpreter interpreter, MachineHost host, LoadCalls.Replay replay) {
    replay.until(LoadCalls.FORK);
    int[] before = host.table().clone();
    MachineHost parent = host.fork(1);
    Interpreter goesOn = interpreter.forked(parent);
    long youngest = interpreter.lists.prev(interpreter.gcState.head(0));
    replay.finish();
    callAsParent(baseline.loadCalls, goesOn);
    // Both have tracked objects, which links the youngest of before to them.
    parent.store(youngest, parent.load(youngest), Host.CAUSE_GC_HEADER);
    int[] child = host.table();
    List<Long> pages =
        IntStream.range(0, child.length)
            .filter(
                page ->
                    page >= before.length
                        || frame(before[page]) != frame(child[page])
                        || frame(before[page]) != frame(parent.table()[page]))
            .mapToObj(page -> (long) page << Host.LOG_BYTES_IN_PAGE)
            .toList();
    parent.exit();
    return pages;
  }

  /** The parent frees nothing of before. */
  private static void callAsParent(LoadCalls calls, Interpreter interpreter) {
    List<Long> blocks = new ArrayList<>();
    for (int call : calls.parents) {
      if (call > 0) {
        blocks.add(AllocatorCall.allocate(interpreter, call));
      } else {
        interpreter.malloc.free(blocks.get(blocks.size() + call));
      }
    }
  }

  /**
   * Where they have stored besides, as captured: what they have stored into pools and the data
   * segment themselves, without the head of the youngest object, and any page elsewhere. Where the
   * calls are not known it is all of them.
   */
  static List<Long> captured(Baseline baseline, BaselineLoader loader) {
    boolean all = baseline.stored.length == 0;
    LongStream pages =
        Arrays.stream(baseline.privatePages)
            .map(page -> page << Host.LOG_BYTES_IN_PAGE)
            .filter(place -> all || !baseline.isInHeaps(place));
    Set<Long> young = new HashSet<>();
    Arrays.stream(baseline.lists[0]).forEach(young::add);
    LongStream blocks =
        Arrays.stream(baseline.stored)
            .filter(place -> !young.contains(place) && loader.isThere(place));
    return LongStream.concat(pages, blocks)
        .filter(place -> loader.has(place >>> Host.LOG_BYTES_IN_PAGE))
        .map(loader::relocate)
        .boxed()
        .toList();
  }

  private static int frame(int entry) {
    return entry & Host.FRAME_MASK;
  }
}
