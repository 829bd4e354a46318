package dev.preforklab.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.fail;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.MachineHost;
import dev.preforklab.machine.memory.FileObject;
import dev.preforklab.machine.process.MmapLayout;
import dev.preforklab.machine.process.Vma;
import dev.preforklab.probe.Probes;
import dev.preforklab.sim.CostModel;
import dev.preforklab.sim.Prng;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Random sequences of system calls and accesses on the machine and on {@link NaiveMachine}: after
 * each step the same words, faults, copies, reuses and smaps, and frames that add up. A failure
 * prints its seed and the shortest sequence found that still fails; {@code -Dproperty.seed=N} runs
 * that seed alone.
 */
class AddressSpacePropertyTest {
  private static final int SEEDS = 25;
  private static final int STEPS = 250;
  private static final int PAGES = 1100;
  private static final int MMAP_BASE = 600;
  private static final int MOST_PROCESSES = 6;
  private static final int[] FILE_PAGES = {40, 70};

  /** One step, by numbers that mean something whatever the state. */
  private record Step(int action, int process, int page, int pages, int value) {}

  @Test
  void machineAndNaiveModelAgree() {
    Long only = Long.getLong("property.seed");
    for (long seed = only == null ? 1 : only; seed <= (only == null ? SEEDS : only); seed++) {
      List<Step> steps = generate(seed);
      AssertionError error = failure(steps);
      if (error != null) {
        List<Step> shortest = shrink(steps);
        fail("seed " + seed + ", shortest failing sequence " + shortest, failure(shortest));
      }
    }
  }

  private static List<Step> generate(long seed) {
    Prng prng = new Prng(seed);
    List<Step> steps = new ArrayList<>();
    for (int i = 0; i < STEPS; i++) {
      // pages around 512 as well, where fault-around ends with the hardware's table
      int page = prng.nextInt(3) == 0 ? 490 + prng.nextInt(40) : 1 + prng.nextInt(90);
      steps.add(
          new Step(
              prng.nextInt(100),
              prng.nextInt(MOST_PROCESSES),
              page,
              1 + prng.nextInt(24),
              1 + prng.nextInt(1000)));
    }
    return steps;
  }

  private static List<Step> shrink(List<Step> steps) {
    List<Step> current = steps;
    for (int chunk = current.size() / 2; chunk > 0; chunk /= 2) {
      for (int at = 0; at + chunk <= current.size(); ) {
        List<Step> shorter = new ArrayList<>(current.subList(0, at));
        shorter.addAll(current.subList(at + chunk, current.size()));
        if (failure(shorter) != null) {
          current = shorter;
        } else {
          at += chunk;
        }
      }
    }
    return current;
  }

  private static @Nullable AssertionError failure(List<Step> steps) {
    try {
      for (MmapLayout layout : MmapLayout.values()) {
        new Pair(layout).run(steps);
      }
      return null;
    } catch (AssertionError e) {
      return e;
    } catch (RuntimeException e) {
      return new AssertionError("the machine failed", e);
    }
  }

  /** The machine and its oracle, side by side. */
  private static final class Pair {
    private final Kernel kernel =
        new Kernel(new HostConfig(4 << 20, 1, PAGES), CostModel.defaults(), 0);
    private final NaiveMachine naive;
    private final List<FileObject> files = new ArrayList<>();
    private final List<MachineHost> hosts = new ArrayList<>();

    private final MmapLayout layout;

    Pair(MmapLayout layout) {
      this.layout = layout;
      boolean[][] cached = new boolean[FILE_PAGES.length][];
      for (int i = 0; i < FILE_PAGES.length; i++) {
        files.add(kernel.openFile("file" + i, FILE_PAGES[i] * 4096L));
        cached[i] = new boolean[FILE_PAGES[i]];
      }
      kernel.readFile(files.get(0), 0, 30);
      java.util.Arrays.fill(cached[0], 0, 30, true);
      naive = new NaiveMachine(cached);
      naive.processes.add(new NaiveMachine.Proc());
      hosts.add(new MachineHost(kernel, kernel.spawn(Probes.MASTER)));
      if (layout == MmapLayout.TOP_DOWN) {
        hosts.get(0).setMmapTop(MMAP_BASE * 4096L);
      } else {
        hosts.get(0).setMmapBase(MMAP_BASE * 4096L);
      }
    }

    void run(List<Step> steps) {
      for (Step step : steps) {
        run(step);
        check();
      }
      compareAllWords();
    }

    private void run(Step step) {
      int index = step.process % hosts.size();
      MachineHost host = hosts.get(index);
      NaiveMachine.Proc proc = naive.processes.get(index);
      int start = step.page;
      int end = start + step.pages;
      if (step.action < 35) {
        store(host, proc, step);
      } else if (step.action < 60) {
        load(host, proc, start, step.value % 10 * 5);
      } else if (step.action < 72) {
        if (naive.isFree(proc, start, end)) {
          map(host, proc, step);
        }
      } else if (step.action < 76) {
        mapAnywhere(host, proc, step);
      } else if (step.action < 86) {
        remap(host, proc, step);
      } else if (step.action < 90) {
        host.unmap(start * 4096L, step.pages * 4096L);
        naive.unmap(proc, start, end);
      } else if (step.action < 96) {
        if (hosts.size() < MOST_PROCESSES) {
          hosts.add(host.fork(hosts.size()));
          naive.fork(proc);
        }
      } else if (hosts.size() > 1) {
        host.exit();
        hosts.remove(index);
        naive.processes.remove(index);
      }
    }

    private void map(MachineHost host, NaiveMachine.Proc proc, Step step) {
      int file = step.value % 4 - 1;
      long address = step.page * 4096L;
      long bytes = step.pages * 4096L;
      boolean anonymous = file < 0 || file >= files.size();
      boolean writable = anonymous || step.value % 8 < 4;
      int firstFilePage = step.value % 37;
      if (anonymous) {
        host.mapAt(address, bytes, "");
      } else {
        host.mapFileAt(address, files.get(file), firstFilePage, bytes, writable);
      }
      naive.map(
          proc,
          step.page,
          step.page + step.pages,
          writable,
          anonymous ? NaiveMachine.ANONYMOUS : file,
          anonymous ? 0 : firstFilePage);
    }

    private boolean isDownwards() {
      return layout == MmapLayout.TOP_DOWN;
    }

    private void mapAnywhere(MachineHost host, NaiveMachine.Proc proc, Step step) {
      int expected = naive.place(proc, step.pages, MMAP_BASE, isDownwards(), PAGES);
      if (expected == NaiveMachine.NO_ROOM) {
        assertThatThrownBy(() -> host.map(step.pages * 4096L, 4096))
            .isInstanceOf(Host.OutOfMemory.class);
        return;
      }
      assertThat(host.map(step.pages * 4096L, 4096)).as("%s", step).isEqualTo(expected * 4096L);
      naive.map(proc, expected, expected + step.pages, true, NaiveMachine.ANONYMOUS, 0);
    }

    /** Mostly of what one area holds of the step's pages. */
    private void remap(MachineHost host, NaiveMachine.Proc proc, Step step) {
      Vma area = host.process().addressSpace().find(step.page);
      int end = step.page + step.pages;
      if (area != null && step.value % 8 != 0) {
        end = step.value % 3 == 0 ? area.endPage() : Math.min(end, area.endPage());
      }
      int pages = 1 + step.value % 48;
      long address = step.page * 4096L;
      long oldBytes = (end - step.page) * 4096L;
      int expected = naive.remap(proc, step.page, end, pages, MMAP_BASE, isDownwards(), PAGES);
      if (expected == NaiveMachine.NO_SINGLE_MAPPING) {
        assertThatThrownBy(() -> host.remap(address, oldBytes, pages * 4096L))
            .as("%s", step)
            .isInstanceOf(IllegalArgumentException.class);
      } else if (expected == NaiveMachine.NO_ROOM) {
        assertThatThrownBy(() -> host.remap(address, oldBytes, pages * 4096L))
            .as("%s", step)
            .isInstanceOf(Host.OutOfMemory.class);
      } else {
        assertThat(host.remap(address, oldBytes, pages * 4096L))
            .as("%s", step)
            .isEqualTo(expected * 4096L);
      }
    }

    private void store(MachineHost host, NaiveMachine.Proc proc, Step step) {
      int word = step.value % 10 * 5;
      int cause = step.value % 5;
      boolean expected = naive.store(proc, step.page, word, step.value, cause);
      boolean stored = true;
      try {
        host.store(step.page * 4096L + word * 8L, step.value, cause);
      } catch (Host.SegmentationFault e) {
        stored = false;
      }
      assertThat(stored).as("%s", step).isEqualTo(expected);
    }

    private void load(MachineHost host, NaiveMachine.Proc proc, int page, int word) {
      long expected = naive.load(proc, page, word);
      long value;
      try {
        value = host.load(page * 4096L + word * 8L);
      } catch (Host.SegmentationFault e) {
        value = -1;
      }
      assertThat(value).as("page %d word %d", page, word).isEqualTo(expected);
    }

    private void check() {
      for (int i = 0; i < hosts.size(); i++) {
        MachineHost host = hosts.get(i);
        NaiveMachine.Proc proc = naive.processes.get(i);
        assertThat(kernel.smapsRollup(host.process())).isEqualTo(naive.rollup(proc));
        for (int kind = 0; kind < 5; kind++) {
          for (int cause = -1; cause < 5; cause++) {
            long expected = proc.faults[kind][cause + 1];
            if (host.process().faults().count(kind, cause) != expected) {
              fail("faults of kind %d, cause %d: not %d", kind, cause, expected);
            }
          }
        }
      }
      assertThat(kernel.memory().allocator().usedFrames() - 2).isEqualTo(naive.framesUsed());
      SmapsInvariants.check(kernel);
    }

    private void compareAllWords() {
      for (int i = 0; i < hosts.size(); i++) {
        for (int page : List.copyOf(naive.processes.get(i).slots.keySet())) {
          for (int word = 0; word < 512; word += 5) {
            load(hosts.get(i), naive.processes.get(i), page, word);
          }
        }
      }
    }
  }
}
