package dev.preforklab.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.MachineHost;
import dev.preforklab.machine.memory.FileObject;
import dev.preforklab.machine.memory.OutOfMemory;
import dev.preforklab.machine.process.Process;
import dev.preforklab.probe.Probes;
import dev.preforklab.sim.CostModel;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What happens when the n-th frame is not there. */
class OutOfFramesTest {
  private static final long PAGE = 4096;
  private static final int LEAST_FRAMES = 16;

  private static Kernel kernelWith(int frames) {
    return new Kernel(new HostConfig(frames * PAGE, 1, 1024), CostModel.defaults(), 0);
  }

  /** A scene that takes frames in every way there is. Returns how far it came without a kill. */
  private static boolean scene(Kernel kernel, List<Process> killed) {
    kernel.setOomListener(killed::add);
    FileObject file = kernel.openFile("lib.so", 12 * PAGE);
    kernel.readFile(file, 0, 3);
    MachineHost master = new MachineHost(kernel, kernel.spawn(Probes.MASTER));
    List<MachineHost> doors = new ArrayList<>(List.of(master));
    try {
      master.mapFileAt(64 * PAGE, file, 0, 12 * PAGE, true);
      long address = master.map(20 * PAGE, PAGE);
      for (int i = 0; i < 20; i++) {
        master.store(address + i * PAGE, i, Host.CAUSE_DATA);
        SmapsInvariants.check(kernel);
      }
      master.load(64 * PAGE + 5 * PAGE);
      master.store(64 * PAGE + 11 * PAGE, 1, Host.CAUSE_DATA);
      for (int slot = 0; slot < 3; slot++) {
        MachineHost child = master.fork(slot);
        doors.add(child);
        for (int i = 0; i < 12; i++) {
          child.store(address + i * PAGE, i, Host.CAUSE_REFCOUNT);
          SmapsInvariants.check(kernel);
        }
        child.load(64 * PAGE);
      }
      return killed.isEmpty();
    } catch (Host.OutOfMemory e) {
      SmapsInvariants.check(kernel);
      assertThat(e.getCause()).isInstanceOf(OutOfMemory.class);
      return false;
    } finally {
      for (MachineHost door : doors) {
        door.exit();
      }
      SmapsInvariants.check(kernel);
      assertThat(kernel.vmstat().nrAnonPages()).isZero();
      assertThat(kernel.vmstat().nrMapped()).isZero();
      assertThat(kernel.vmstat().nrFilePages()).isEqualTo(file.cachedPages());
    }
  }

  @Test
  void theHostStaysSoundWhicheverFrameIsTheLast() {
    int frames = LEAST_FRAMES;
    boolean whole = false;
    for (; !whole; frames++) {
      List<Process> killed = new ArrayList<>();
      Kernel kernel = kernelWith(frames);
      whole = scene(kernel, killed);
      assertThat(kernel.vmstat().oomKill()).as("%d frames", frames).isEqualTo(killed.size());
      assertThat(killed).allMatch(p -> p.state() == Process.State.KILLED);
    }
    // 2 reserved, 20 of the master, 3 x 12 copies, the library's written page and what stays cached
    assertThat(frames - 1).isBetween(60, 75);
  }

  @Test
  void theLargestProcessIsKilledAndTheFaultGoesOn() {
    Kernel kernel = kernelWith(64);
    List<Process> killed = new ArrayList<>();
    kernel.setOomListener(killed::add);
    MachineHost large = new MachineHost(kernel, kernel.spawn(0));
    MachineHost small = new MachineHost(kernel, kernel.spawn(1));
    long a = large.map(60 * PAGE, PAGE);
    for (int i = 0; i < 40; i++) {
      large.store(a + i * PAGE, i, Host.CAUSE_DATA);
    }
    long b = small.map(60 * PAGE, PAGE);
    for (int i = 0; i < 30; i++) {
      small.store(b + i * PAGE, i, Host.CAUSE_DATA);
    }
    assertThat(killed).containsExactly(large.process());
    assertThat(small.load(b + 29 * PAGE)).isEqualTo(29);
    assertThatThrownBy(() -> large.load(a))
        .isInstanceOf(Host.OutOfMemory.class)
        .hasMessage("out of memory: killed 100");
    large.exit();
    assertThat(large.process().state()).isEqualTo(Process.State.KILLED);
  }

  @Test
  void aProcessThatIsTheLargestItselfIsToldSo() {
    Kernel kernel = kernelWith(16);
    MachineHost only = new MachineHost(kernel, kernel.spawn(0));
    long a = only.map(60 * PAGE, PAGE);
    assertThatThrownBy(
            () -> {
              for (int i = 0; i < 60; i++) {
                only.store(a + i * PAGE, i, Host.CAUSE_DATA);
              }
            })
        .isInstanceOf(Host.OutOfMemory.class)
        .hasMessage("out of memory: killed process 100 with 14 resident pages");
    assertThat(kernel.freeBytes()).isEqualTo(14 * PAGE);
  }

  @Test
  void unmappedPageCacheIsDroppedBeforeAnythingIsKilled() {
    Kernel kernel = kernelWith(64);
    FileObject file = kernel.openFile("big", 40 * PAGE);
    kernel.readFile(file, 0, 40);
    assertThat(kernel.freeBytes()).isEqualTo(22 * PAGE);
    assertThat(kernel.availableBytes()).isEqualTo(62 * PAGE);
    MachineHost host = new MachineHost(kernel, kernel.spawn(0));
    host.mapFileAt(64 * PAGE, file, 0, PAGE, false);
    host.load(64 * PAGE);
    long a = host.map(60 * PAGE, PAGE);
    for (int i = 0; i < 60; i++) {
      host.store(a + i * PAGE, i, Host.CAUSE_DATA);
    }
    assertThat(kernel.vmstat().oomKill()).isZero();
    assertThat(file.cachedPages()).isBetween(1, 2);
    assertThat(host.load(64 * PAGE)).isZero();
    assertThat(host.process().faults().major()).isZero();
    SmapsInvariants.check(kernel);
  }
}
