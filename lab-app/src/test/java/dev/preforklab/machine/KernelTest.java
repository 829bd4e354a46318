package dev.preforklab.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.MachineHost;
import dev.preforklab.machine.memory.FileObject;
import dev.preforklab.machine.process.FaultCounts;
import dev.preforklab.machine.process.Process;
import dev.preforklab.probe.Probes;
import dev.preforklab.sim.CostModel;
import org.junit.jupiter.api.Test;

/** System calls and faults, each outcome worked out by hand. */
class KernelTest {
  private static final long PAGE = 4096;
  private static final CostModel COSTS = CostModel.defaults();

  private final Kernel kernel = new Kernel(new HostConfig(1 << 20, 1, 4096), COSTS, 0);
  private final MachineHost master = new MachineHost(kernel, kernel.spawn(Probes.MASTER));

  @Test
  void anonymousMemoryReadsAsZeroAndTakesAFrameOnTheFirstStore() {
    long address = master.map(4 * PAGE, PAGE);
    int free = kernel.memory().allocator().freeFrames();
    assertThat(master.load(address + 8)).isZero();
    assertThat(kernel.memory().allocator().freeFrames()).isEqualTo(free);
    assertThat(kernel.smapsRollup(master.process()).rss()).isZero();

    master.store(address + 8, 42, Host.CAUSE_DATA);
    assertThat(master.load(address + 8)).isEqualTo(42);
    assertThat(master.load(address)).isZero();
    assertThat(kernel.memory().allocator().freeFrames()).isEqualTo(free - 1);
    assertThat(kernel.smapsRollup(master.process()))
        .isEqualTo(new SmapsRollup(PAGE, PAGE, 0, 0, 0, PAGE, PAGE));
    FaultCounts faults = master.process().faults();
    assertThat(faults.minor()).isEqualTo(2);
    assertThat(faults.count(Probes.FAULT_DEMAND_ZERO, FaultCounts.CAUSE_LOAD)).isEqualTo(1);
    assertThat(faults.count(Probes.FAULT_DEMAND_ZERO, Probes.CAUSE_DATA)).isEqualTo(1);
  }

  @Test
  void forkSharesAndTheFirstStoreOnEachSideFaults() {
    long address = master.map(2 * PAGE, PAGE);
    master.store(address, 1, Host.CAUSE_DATA);
    master.store(address + PAGE, 2, Host.CAUSE_DATA);
    MachineHost child = master.fork(0);
    assertThat(child.load(address)).isEqualTo(1);
    assertThat(child.process().faults().minor()).isZero();
    assertThat(kernel.smapsRollup(child.process()))
        .isEqualTo(new SmapsRollup(2 * PAGE, PAGE, 0, 2 * PAGE, 0, 0, 2 * PAGE));

    child.store(address, 10, Host.CAUSE_REFCOUNT);
    assertThat(master.load(address)).isEqualTo(1);
    assertThat(child.load(address)).isEqualTo(10);
    assertThat(child.process().faults().cowCopies(Probes.CAUSE_REFCOUNT)).isEqualTo(1);
    master.store(address, 3, Host.CAUSE_GC_HEADER);
    assertThat(master.process().faults().count(Probes.FAULT_COW_REUSE, Probes.CAUSE_GC_HEADER))
        .isEqualTo(1);
    assertThat(master.process().faults().cowCopies()).isZero();
    assertThat(kernel.smapsRollup(child.process()))
        .isEqualTo(new SmapsRollup(2 * PAGE, PAGE + PAGE / 2, 0, PAGE, 0, PAGE, 2 * PAGE));

    child.exit();
    assertThat(kernel.smapsRollup(master.process()).uss()).isEqualTo(2 * PAGE);
    master.store(address + PAGE, 4, Host.CAUSE_DATA);
    assertThat(master.process().faults().cowReuses()).isEqualTo(2);
    assertThat(kernel.faults().cowCopies()).isEqualTo(1);
    assertThat(kernel.vmstat().pgreuse()).isEqualTo(2);
  }

  @Test
  void theZeroPageBecomesAFrameOfItsOwnWithoutACopy() {
    long address = master.map(PAGE, PAGE);
    assertThat(master.load(address)).isZero();
    MachineHost child = master.fork(0);
    assertThat(child.entry(address)).isNegative();
    child.store(address, 5, Host.CAUSE_DATA);
    assertThat(child.process().faults().count(Probes.FAULT_DEMAND_ZERO)).isEqualTo(2);
    assertThat(child.process().faults().cowCopies()).isZero();
    assertThat(master.load(address)).isZero();
  }

  @Test
  void aReadOfAFileMapsTheSixteenPagesAroundItThatAreCached() {
    FileObject file = kernel.openFile("libc.so", 40 * PAGE);
    kernel.readFile(file, 0, 20);
    long base = 64 * PAGE;
    master.mapFileAt(base, file, 0, 40 * PAGE, false);
    master.load(base + 17 * PAGE);
    // the window is pages 16 to 31, of which 16 to 19 are cached
    assertThat(kernel.smapsRollup(master.process()))
        .isEqualTo(new SmapsRollup(4 * PAGE, 4 * PAGE, 0, 0, 4 * PAGE, 0, 0));
    assertThat(master.process().faults().count(Probes.FAULT_FILE_MAP)).isEqualTo(1);
    assertThat(master.process().faults().major()).isZero();

    master.load(base + 39 * PAGE);
    assertThat(master.process().faults().major()).isEqualTo(1);
    assertThat(kernel.vmstat().nrFilePages()).isEqualTo(20 + 17);
    // read-around has brought its neighbours in: no second disk read
    master.load(base + 32 * PAGE);
    assertThat(master.process().faults().major()).isEqualTo(1);

    // pure file mappings are not copied at fork: the child maps them anew
    MachineHost child = master.fork(0);
    assertThat(kernel.smapsRollup(child.process()).rss()).isZero();
    child.load(base + 16 * PAGE);
    assertThat(kernel.smapsRollup(child.process()).sharedClean()).isEqualTo(4 * PAGE);
    assertThatThrownBy(() -> child.store(base, 1, Host.CAUSE_DATA))
        .isInstanceOf(Host.SegmentationFault.class)
        .hasMessage("segmentation fault at 0x40000");
  }

  @Test
  void aStoreToAPrivateFilePageCopiesItAndForkThenCopiesTheTable() {
    FileObject file = kernel.openFile("data.so", 4 * PAGE);
    kernel.readFile(file, 0, 4);
    long base = 64 * PAGE;
    master.mapFileAt(base, file, 0, 4 * PAGE, true);
    master.store(base, 7, Host.CAUSE_DATA);
    assertThat(master.load(base)).isEqualTo(7);
    assertThat(master.process().faults().cowCopies(Probes.CAUSE_DATA)).isEqualTo(1);
    master.load(base + PAGE);
    assertThat(kernel.smapsRollup(master.process()))
        .isEqualTo(new SmapsRollup(4 * PAGE, 4 * PAGE, 0, 0, 3 * PAGE, PAGE, PAGE));
    MachineHost child = master.fork(0);
    assertThat(kernel.smapsRollup(child.process()))
        .isEqualTo(new SmapsRollup(4 * PAGE, 2 * PAGE, 3 * PAGE, PAGE, 0, 0, PAGE));
    child.store(base + PAGE, 8, Host.CAUSE_DATA);
    assertThat(child.process().faults().cowCopies()).isEqualTo(1);
    assertThat(master.load(base + PAGE)).isZero();
  }

  @Test
  void unmappingSplitsAreasAndGivesFramesBack() {
    int free = kernel.memory().allocator().freeFrames();
    long address = master.map(4 * PAGE, PAGE);
    for (int i = 0; i < 4; i++) {
      master.store(address + i * PAGE, i, Host.CAUSE_DATA);
    }
    master.unmap(address + PAGE, 2 * PAGE);
    assertThat(kernel.smaps(master.process()))
        .extracting(Smaps::start)
        .containsExactly(address, address + 3 * PAGE);
    assertThat(kernel.memory().allocator().freeFrames()).isEqualTo(free - 2);
    assertThat(master.load(address + 3 * PAGE)).isEqualTo(3);
    assertThatThrownBy(() -> master.load(address + PAGE))
        .isInstanceOf(Host.SegmentationFault.class);
    // the lowest gap is taken again, and its memory is zero
    assertThat(master.map(2 * PAGE, PAGE)).isEqualTo(address + PAGE);
    master.store(address + PAGE, 1, Host.CAUSE_DATA);
    assertThat(master.load(address + PAGE + 8)).isZero();
    assertThat(kernel.smaps(master.process())).hasSize(1);
  }

  @Test
  void theDataSegmentGrowsAndShrinks() {
    long end = master.sbrk(3 * PAGE);
    master.store(end + 2 * PAGE, 1, Host.CAUSE_ALLOCATOR);
    assertThat(kernel.smaps(master.process()).get(0).name()).isEqualTo("[heap]");
    assertThat(master.sbrk(-2 * PAGE)).isEqualTo(end + 3 * PAGE);
    assertThatThrownBy(() -> master.load(end + 2 * PAGE))
        .isInstanceOf(Host.SegmentationFault.class);
    kernel.mmapAt(master.process(), end + 2 * PAGE, PAGE, "");
    assertThatThrownBy(() -> master.sbrk(2 * PAGE)).isInstanceOf(Host.OutOfMemory.class);
    assertThat(master.sbrk(0)).isEqualTo(end + PAGE);
  }

  @Test
  void alignmentIsHonouredAndTheTableGrowsWithUse() {
    long address = master.map(PAGE, 1 << 20);
    assertThat(address % (1 << 20)).isZero();
    long top = 4095L * PAGE;
    kernel.mmapAt(master.process(), top, PAGE, "[stack]");
    assertThat(master.table()).hasSizeLessThan(4096);
    master.store(top, 9, Host.CAUSE_DATA);
    assertThat(master.table()).hasSize(4096);
    assertThat(master.load(top)).isEqualTo(9);
  }

  @Test
  void everyFaultIsCharged() {
    long address = master.map(2 * PAGE, PAGE);
    long before = master.cpuNanoseconds();
    master.store(address, 1, Host.CAUSE_DATA);
    assertThat(master.cpuNanoseconds() - before).isEqualTo(COSTS.faultDemandZeroNs());
    before = master.cpuNanoseconds();
    Process child = master.fork(0).process();
    assertThat(master.cpuNanoseconds() - before).isEqualTo(COSTS.forkBaseNs() + COSTS.forkPageNs());
    assertThat(child.cpuNs()).isZero();
    assertThat(child.nowNs()).isEqualTo(master.process().nowNs());
    child.setNow(1_000_000_000);
    kernel.fault(child, address, true, Probes.CAUSE_DATA);
    assertThat(child.nowNs()).isEqualTo(1_000_000_000 + COSTS.faultCowCopyNs());
  }

  @Test
  void wrongCallsSayWhatIsWrong() {
    assertThatThrownBy(() -> master.map(0, PAGE)).hasMessageContaining("length must be 1 to");
    assertThatThrownBy(() -> master.map(PAGE, 3 * PAGE)).hasMessageContaining("power of two");
    assertThatThrownBy(() -> master.mapAt(100, PAGE, "")).hasMessageContaining("0x64");
    assertThatThrownBy(() -> master.mapAt(0, PAGE, "")).hasMessageContaining("outside");
    long address = master.map(PAGE, PAGE);
    assertThatThrownBy(() -> master.mapAt(address, PAGE, ""))
        .hasMessageContaining("something is mapped");
    assertThatThrownBy(() -> new HostConfig(0, 1, 4096))
        .hasMessage("host memory must be 65536 to 17179869184 bytes, not 0");
    assertThatThrownBy(() -> new HostConfig(1 << 20, 0, 4096))
        .hasMessage("cores must be 1 to 1024, not 0");
    master.exit();
    assertThatThrownBy(() -> master.map(PAGE, PAGE)).isInstanceOf(IllegalStateException.class);
  }

  /** As Linux 6.18 places them: 2, 4 and 6 MiB at multiples of 2 MiB, 3 MiB right beside. */
  @Test
  void anonymousMemoryOfWholeHugePagesBeginsWithOne() {
    long mib = 1 << 20;
    master.setMmapTop(15 * mib + PAGE);
    long two = master.map(2 * mib, PAGE);
    long three = master.map(3 * mib, PAGE);
    assertThat(two).isEqualTo(12 * mib);
    assertThat(three).isEqualTo(9 * mib);
    assertThat(master.map(PAGE, PAGE)).as("the highest gap").isEqualTo(15 * mib);

    MachineHost other = new MachineHost(kernel, kernel.spawn(Probes.MASTER));
    other.setMmapBase(5 * mib + PAGE);
    assertThat(other.map(2 * mib, PAGE)).isEqualTo(6 * mib);
    assertThat(other.map(3 * mib, PAGE)).isEqualTo(8 * mib);
    assertThat(other.map(PAGE, PAGE)).as("the lowest gap").isEqualTo(5 * mib + PAGE);
  }
}
