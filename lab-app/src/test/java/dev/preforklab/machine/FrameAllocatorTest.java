package dev.preforklab.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.preforklab.machine.memory.FrameAllocator;
import dev.preforklab.machine.memory.FrameTable;
import dev.preforklab.machine.memory.MachineConstants;
import dev.preforklab.machine.memory.PhysicalMemory;
import dev.preforklab.sim.Prng;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class FrameAllocatorTest {
  /** The oracle is a sorted set of the free frames. */
  @Test
  void handsOutTheLowestFreeFrame() {
    int frames = 9000;
    for (long seed = 1; seed <= 10; seed++) {
      Prng prng = new Prng(seed);
      PhysicalMemory memory = new PhysicalMemory(frames);
      TreeSet<Integer> free = new TreeSet<>();
      for (int frame = FrameTable.FIRST_FRAME; frame < frames; frame++) {
        free.add(frame);
      }
      List<Integer> taken = new ArrayList<>();
      for (int step = 0; step < 30_000; step++) {
        if (prng.nextInt(step < 15_000 ? 5 : 3) > 1 || taken.isEmpty()) {
          Integer expected = free.pollFirst();
          int frame = memory.allocateForCopy(false);
          assertThat(frame).isEqualTo(expected == null ? FrameAllocator.NONE : expected);
          if (expected != null) {
            taken.add(frame);
          }
        } else {
          int last = taken.size() - 1;
          int index = prng.nextInt(taken.size());
          int frame = taken.get(index);
          taken.set(index, taken.get(last));
          taken.remove(last);
          memory.free(frame);
          free.add(frame);
        }
        assertThat(memory.allocator().freeFrames()).isEqualTo(free.size());
      }
    }
  }

  @Test
  void aFrameIsZeroWhenItIsHandedOutAgain() {
    PhysicalMemory memory = new PhysicalMemory(2 * MachineConstants.FRAMES_IN_CHUNK);
    int first = memory.allocateZeroed(false);
    memory.chunks()[0][first * 512 + 511] = 7;
    memory.chunks()[0][first * 512 + 512] = 8;
    memory.free(first);
    assertThat(memory.allocateZeroed(false)).isEqualTo(first);
    assertThat(memory.chunks()[0][first * 512 + 511]).isZero();
    assertThat(memory.chunks()[0][first * 512 + 512]).isEqualTo(8);
    assertThat(memory.chunks()[1]).as("not touched yet").isEmpty();
  }

  @Test
  void misuseIsNoticed() {
    PhysicalMemory memory = new PhysicalMemory(100);
    int frame = memory.allocateZeroed(false);
    memory.table().map(frame);
    assertThatThrownBy(() -> memory.free(frame)).hasMessageContaining("while it is mapped");
    assertThat(memory.table().unmap(frame)).isTrue();
    memory.free(frame);
    assertThatThrownBy(() -> memory.free(frame)).hasMessageContaining("freed twice");
    assertThatThrownBy(() -> memory.table().unmap(frame))
        .hasMessageContaining("more often than mapped");
  }
}
