package dev.preforklab.machine;

import static dev.preforklab.machine.memory.MachineConstants.BYTES_IN_PAGE;
import static org.assertj.core.api.Assertions.assertThat;

import dev.preforklab.machine.memory.FrameTable;
import dev.preforklab.machine.memory.MachineConstants;
import dev.preforklab.machine.process.Process;

/** What must hold of a host's memory at any moment. */
final class SmapsInvariants {
  private SmapsInvariants() {}

  static void check(Kernel kernel) {
    VmStat vm = kernel.vmstat();
    int frames = kernel.memory().allocator().frames();
    FrameTable table = kernel.memory().table();
    int[] mapped = new int[frames];
    long pss = 0;
    for (Process process : kernel.processes()) {
      SmapsRollup sum = kernel.smapsRollup(process);
      pss += sum.pss();
      assertThat(sum.shared() + sum.uss()).as("shared + private").isEqualTo(sum.rss());
      assertThat(sum.sharedDirty() + sum.privateDirty()).isEqualTo(sum.anonymous());
      assertThat((long) process.addressSpace().residentPages() * BYTES_IN_PAGE)
          .as("resident pages as counted in passing")
          .isEqualTo(sum.rss());
      assertThat(kernel.smaps(process).stream().mapToLong(a -> a.figures().rss()).sum())
          .isEqualTo(sum.rss());
      for (int entry : process.addressSpace().table()) {
        int frame = MachineConstants.frameOf(entry);
        if (entry != 0 && frame != FrameTable.ZERO_FRAME) {
          mapped[frame]++;
          if (entry > 0 && (table.mapCount(frame) > 1 || table.isFile(frame))) {
            throw new AssertionError("frame " + frame + " is writable, but others see it");
          }
        }
      }
    }
    long mappedFrames = 0;
    for (int frame = FrameTable.FIRST_FRAME; frame < frames; frame++) {
      if (mapped[frame] > 0) {
        mappedFrames++;
        assertThat(kernel.memory().allocator().isFree(frame)).as("mapped and free").isFalse();
        assertThat(table.mapCount(frame)).as("map count").isEqualTo(mapped[frame]);
      }
    }
    assertThat(mappedFrames).isEqualTo(vm.nrAnonPages() + vm.nrMapped());
    // each process's Pss is rounded down, and so is each page's share of it
    assertThat(pss)
        .as("sum of Pss")
        .isLessThanOrEqualTo(mappedFrames * BYTES_IN_PAGE)
        .isGreaterThan(mappedFrames * (BYTES_IN_PAGE - 1) - kernel.processes().size() - 1);
    assertThat(vm.nrAnonPages() + vm.nrFilePages() + vm.nrFreePages() + FrameTable.FIRST_FRAME)
        .as("used + free")
        .isEqualTo(frames);
    assertThat(vm.pgalloc() - vm.pgfree()).isEqualTo(vm.nrAnonPages() + vm.nrFilePages());
  }
}
