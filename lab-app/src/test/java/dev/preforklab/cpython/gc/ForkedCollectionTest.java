package dev.preforklab.cpython.gc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.MachineHost;
import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.layout.TypeSpec;
import dev.preforklab.machine.HostConfig;
import dev.preforklab.machine.Kernel;
import dev.preforklab.machine.process.FaultCounts;
import dev.preforklab.sim.CostModel;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A child on the simulated machine: which pages its acts copy. Oracle: the distinct pages of the
 * addresses that real interpreters write, by the measured rules, and a few of the interpreter's
 * own.
 */
class ForkedCollectionTest {
  private static final int OBJECTS = 20_000;

  /** Pages with the interpreter's own variables that a collection may write. */
  private static final int OWN_PAGES = 3;

  private final Kernel kernel =
      new Kernel(new HostConfig(256L << 20, 1, 1 << 17), CostModel.defaults(), 0);
  private final MachineHost parentHost = new MachineHost(kernel, kernel.spawn(0));
  private final long[] objects = new long[OBJECTS];

  private Interpreter parent(String release) {
    Interpreter interpreter = Interpreter.boot(parentHost, PythonVersion.parse(release));
    long node = interpreter.addStaticType(TypeSpec.blocks("Node", 40, 16, 2, false));
    long text = interpreter.addStaticType(TypeSpec.atomic("str", 48, 1));
    interpreter.gcState.setEnabled(false);
    for (int i = 0; i < OBJECTS; i++) {
      long object = interpreter.newGcObject(node, 40);
      // Every third text has the node's size class, so that some pages hold no head.
      long length = i % 3 == 0 ? 40 : 200;
      parentHost.store(object + 16, interpreter.newObject(text, length), Host.CAUSE_DATA);
      parentHost.store(object + 24, 0, Host.CAUSE_DATA);
      interpreter.track(object);
      objects[i] = object;
    }
    return interpreter;
  }

  private Set<Long> pages(long offset, int step) {
    Set<Long> pages = new HashSet<>();
    for (int i = 0; i < OBJECTS; i += step) {
      pages.add((objects[i] + offset) >>> Host.LOG_BYTES_IN_PAGE);
    }
    return pages;
  }

  @ParameterizedTest
  @ValueSource(strings = {"2.7", "3.7", "3.8", "3.11", "3.12", "3.13"})
  void aFullCollectionCopiesThePagesOfGcHeads(String release) {
    Interpreter parent = parent(release);
    MachineHost childHost = parentHost.fork(1);
    FaultCounts faults = childHost.process().faults();
    parent.forked(childHost).collector.collect(2);
    Set<Long> heads = pages(-parent.version.gcHeadBytes, 1);
    long copied = faults.cowCopies(Host.CAUSE_GC_HEADER);
    assertThat(copied).isBetween((long) heads.size(), (long) heads.size() + OWN_PAGES);
    assertThat(faults.cowCopies() - copied).isLessThanOrEqualTo(OWN_PAGES);

    parent.forked(childHost).collector.collect(2);
    assertThat(faults.cowCopies(Host.CAUSE_GC_HEADER)).as("once only").isEqualTo(copied);
  }

  /** A string of a library's data, its reference count a page's last word, its type the next's. */
  @ParameterizedTest
  @ValueSource(strings = {"2.7", "3.7", "3.11", "3.13", "3.14"})
  void anObjectMayLieAcrossAPagesEnd(String release) {
    Interpreter interpreter = Interpreter.boot(parentHost, PythonVersion.parse(release));
    interpreter.gcState.setEnabled(false);
    long node = interpreter.addStaticType(TypeSpec.blocks("Node", 40, 16, 2, false));
    long text = interpreter.addStaticType(TypeSpec.atomic("str", 48, 1));
    long end = (interpreter.raw.allocate(1 << 20) | 0xfff) + 1;
    long across = end - 8;
    parentHost.store(across, 1, Host.CAUSE_DATA);
    // The next frame is another page's, with no type in its first word.
    parentHost.store(end + 0x4000, 0x41, Host.CAUSE_DATA);
    parentHost.store(end, text, Host.CAUSE_DATA);
    long object = interpreter.newGcObject(node, 40);
    parentHost.store(object + 16, across, Host.CAUSE_DATA);
    parentHost.store(object + 24, 0, Host.CAUSE_DATA);
    interpreter.track(object);

    assertThat(interpreter.forked(parentHost.fork(1)).collector.collect(2)).isZero();
    interpreter.decref(object);
    assertThat(parentHost.load(across)).as("the reference it held").isZero();
  }

  @ParameterizedTest
  @ValueSource(strings = {"3.7", "3.11", "3.13"})
  void afterFreezeACollectionCopiesNextToNothing(String release) {
    Interpreter parent = parent(release);
    parent.collector.freeze();
    assertThat(parent.collector.freezeCount()).isEqualTo(OBJECTS);
    MachineHost childHost = parentHost.fork(1);
    parent.forked(childHost).collector.collect(2);
    assertThat(childHost.process().faults().cowCopies()).isLessThanOrEqualTo(OWN_PAGES);
  }

  @ParameterizedTest
  @ValueSource(strings = {"3.8", "3.11", "3.13"})
  void readingCopiesThePagesOfReferenceCounts(String release) {
    Interpreter parent = parent(release);
    MachineHost childHost = parentHost.fork(1);
    Interpreter child = parent.forked(childHost);
    for (int i = 0; i < OBJECTS; i += 10) {
      child.refCounts.touch(objects[i]);
    }
    long pages = pages(0, 10).size();
    assertThat(childHost.process().faults().cowCopies(Host.CAUSE_REFCOUNT)).isEqualTo(pages);
    assertThat(child.refCounts.increfsShared()).isEqualTo(pages);
    assertThat(child.refCounts.increfsPrivate()).isEqualTo(OBJECTS / 10 - pages);
    assertThat(child.refCounts.decrefsShared()).isZero();
    assertThat(child.refCounts.decrefsPrivate()).isEqualTo(OBJECTS / 10);
  }

  @ParameterizedTest
  @ValueSource(strings = {"3.8", "3.11", "3.13"})
  void aNormalExitWritesEverythingForFinalisation(String release) {
    Interpreter parent = parent(release);
    MachineHost childHost = parentHost.fork(1);
    Interpreter child = parent.forked(childHost);
    Finalizer.run(child, objects);
    FaultCounts faults = childHost.process().faults();
    assertThat(faults.cowCopies(Host.CAUSE_FINALIZE)).isEqualTo(faults.cowCopies());
    assertThat(faults.cowCopies()).isGreaterThanOrEqualTo(pages(0, 1).size());
    assertThat(child.collector.generationSize(2)).isZero();
    assertThat(child.gcState.collections(2)).isEqualTo(parent.version.exitPassesDisabled);
  }
}
