package dev.preforklab.prefork.profile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.MachineHost;
import dev.preforklab.cpython.layout.GcHead;
import dev.preforklab.cpython.layout.ObjectHead;
import dev.preforklab.machine.HostConfig;
import dev.preforklab.machine.Kernel;
import dev.preforklab.sim.CostModel;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HeapLoaderTest {
  private static final int OLDEST = 2;

  @TempDir Path directory = Path.of(".");

  private static Kernel kernel(Profile profile) {
    HostConfig config = HostConfig.DEFAULT.withVirtualPages(HeapLoader.virtualPages(profile));
    return new Kernel(config, CostModel.defaults(), 0);
  }

  /** The oracle is a real kernel's count of the pages that the real heap's collection copied. */
  @Test
  void collectionInAChildOfARealDjangoHeapCopiesWhatTheKernelCounted() {
    Profile profile = GoldenHeap.load();
    LoadedHeap heap = HeapLoader.load(profile, kernel(profile), 0);
    assertThat(pagesWithGcHeads(heap)).isEqualTo(GoldenHeap.PAGES_WITH_GC_HEADS);

    MachineHost child = heap.host().fork(0);
    Interpreter interpreter = heap.interpreter().forked(child);
    interpreter.collector.collect(OLDEST);
    long copied = child.process().faults().cowCopies();
    assertThat((double) copied)
        .isCloseTo(GoldenHeap.PAGES_WITH_GC_HEADS, within(0.01 * GoldenHeap.PAGES_WITH_GC_HEADS));
    assertThat(child.process().faults().cowCopies(Host.CAUSE_REFCOUNT)).isZero();
    interpreter.collector.collect(OLDEST);
    assertThat(child.process().faults().cowCopies()).isEqualTo(copied);
    child.exit();

    heap.interpreter().collector.freeze();
    MachineHost frozen = heap.host().fork(0);
    heap.interpreter().forked(frozen).collector.collect(OLDEST);
    assertThat(frozen.process().faults().cowCopies()).isLessThanOrEqualTo(40);
  }

  private static int pagesWithGcHeads(LoadedHeap heap) {
    Interpreter interpreter = heap.interpreter();
    long list = interpreter.gcState.head(OLDEST);
    Set<Long> pages = new HashSet<>();
    for (long gc = interpreter.lists.next(list); gc != list; gc = interpreter.lists.next(gc)) {
      pages.add(gc >>> Host.LOG_BYTES_IN_PAGE);
    }
    return pages.size();
  }

  @Test
  void smallHeapStandsAtItsPlaces() {
    Profile profile = ProfileReader.read(new SmallProfile().write(directory.resolve("x.gz")));
    LoadedHeap heap = HeapLoader.load(profile, kernel(profile), 0);
    Interpreter interpreter = heap.interpreter();
    assertThat(interpreter.collector.generationSize(OLDEST)).isEqualTo(3);
    assertThat(interpreter.gcState.count(0)).isEqualTo(5);
    assertThat(interpreter.gcState.longLivedTotal()).isEqualTo(3);
    long pool = heap.map().toLab(SmallProfile.POOL);
    assertThat(pool % (1 << 20)).isEqualTo(SmallProfile.POOL % (1 << 20));
    assertThat(heap.host().load(pool + 64 + ObjectHead.REF_COUNT)).isEqualTo(1);
    assertThat(heap.host().load(pool + 48 + GcHead.NEXT)).isEqualTo(pool + 112);
    // the first two objects refer to one another, the second is held from outside as well
    assertThat(interpreter.collector.collect(OLDEST)).isZero();
    // the pool's next never used block comes next
    assertThat(interpreter.malloc.allocate(64)).isEqualTo(pool + 48 + 4 * 64);
  }

  /** Releases differ in what is static and where heads are: each shipped profile is laid out. */
  @ParameterizedTest
  @ValueSource(strings = {"django-site", "django-site.gc-off", "flask-app", "dataset-worker"})
  void shippedHeapsAreWhole(String name) {
    Path file = Path.of("..", "profiles", name + ".profile.gz");
    Profile profile = ProfileReader.read(file);
    LoadedHeap heap = HeapLoader.load(profile, kernel(profile), 0);
    HeapImage image = profile.heap;
    long[] objects = heap.map().toLabAscending(image.address);
    for (int k = 0; k < objects.length; k++) {
      assertThat(heap.host().load(objects[k])).isEqualTo(image.refcount[k]);
      String type = heap.interpreter().spec(objects[k]).name();
      assertThat(type).isEqualTo(profile.types().get(image.type[k]).name());
    }
    for (int generation = 0; generation < 3; generation++) {
      assertThat(heap.interpreter().collector.generationSize(generation))
          .isEqualTo(image.generations[generation].length);
    }
    MachineHost child = heap.host().fork(0);
    Interpreter interpreter = heap.interpreter().forked(child);
    interpreter.collector.collect(OLDEST);
    int heads = profile.trackedObjects();
    assertThat(interpreter.collector.generationSize(OLDEST)).isLessThanOrEqualTo(heads);
    heap.finalizeInterpreter(interpreter);
    assertThat(interpreter.collector.generationSize(OLDEST)).isLessThan(heads);
  }

  @Test
  void referencesNeverExceedReferenceCounts() {
    HeapImage image = GoldenHeap.load().heap;
    Map<Integer, Integer> references = new HashMap<>();
    for (int referent : image.refs) {
      references.merge(referent, 1, Integer::sum);
    }
    references.forEach(
        (object, count) -> assertThat(image.refcount[object]).isGreaterThanOrEqualTo(count));
  }
}
