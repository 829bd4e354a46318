package dev.preforklab.prefork.profile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.MachineHost;
import dev.preforklab.machine.HostConfig;
import dev.preforklab.machine.Kernel;
import dev.preforklab.sim.CostModel;
import dev.preforklab.sim.Prng;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RequestReplayerTest {
  private static final int OLDEST = 2;

  @TempDir Path directory = Path.of(".");

  private RequestReplayer replayer(SmallProfile profile) {
    Profile read = ProfileReader.read(profile.write(directory.resolve("small.profile.gz")));
    HostConfig config = HostConfig.DEFAULT.withVirtualPages(HeapLoader.virtualPages(read));
    Kernel kernel = new Kernel(config, CostModel.defaults(), 0);
    return new RequestReplayer(HeapLoader.load(read, kernel, 0));
  }

  private static Interpreter fork(RequestReplayer replayer) {
    MachineHost child = replayer.heap().host().fork(0);
    return replayer.heap().interpreter().forked(child);
  }

  /** Every block of a request is freed, garbage or kept; a collection frees the garbage. */
  @Test
  void blocksAddUpAfterACollection() {
    RequestReplayer replayer = replayer(new SmallProfile());
    Interpreter interpreter = fork(replayer);
    RequestReplayer.Worker worker = replayer.newWorker(interpreter, new Prng(1), true);
    worker.boot();
    for (int request = 0; request < 50; request++) {
      worker.serve(0, request);
    }
    assertThat(worker.requests()).isEqualTo(50);
    // each request leaves one cycle: one collectable object that owns one other block
    assertThat(interpreter.collector.generationSize(0)).isEqualTo(50);
    long freedBefore = interpreter.deallocator.deallocations();
    assertThat(interpreter.collector.collect(OLDEST)).isEqualTo(50);
    assertThat(interpreter.deallocator.deallocations() - freedBefore).isEqualTo(100);
    assertThat(interpreter.collector.generationSize(OLDEST)).isEqualTo(3);
  }

  @Test
  void firstRequestTouchesTheMeasuredPagesOnce() {
    RequestReplayer replayer = replayer(new SmallProfile());
    Interpreter interpreter = fork(replayer);
    MachineHost child = (MachineHost) interpreter.host;
    RequestReplayer.Worker worker = replayer.newWorker(interpreter, new Prng(1), false);
    worker.boot();
    assertThat(child.process().faults().cowCopies()).isZero();
    worker.serve(0, 0);
    // immortal objects: nothing is copied for a reference count
    assertThat(child.process().faults().cowCopies(Host.CAUSE_REFCOUNT)).isZero();
    long refcountWrites = interpreter.refCounts.increfsShared();
    assertThat(refcountWrites).isZero();
  }

  /**
   * A worker's start makes what it keeps, frees a block again and copies a page, before any
   * request.
   */
  @Test
  void startIsReplayedBeforeTheFirstRequest() {
    SmallProfile profile = new SmallProfile();
    long page = SmallProfile.ARENA >> 12;
    int first = 0;
    while (!profile.lines.get(first).startsWith("{\"touched\"")) {
      first++;
    }
    profile.lines.add(first, "{\"touched\":[0,[" + (page + 2) + "]]}");
    profile.lines.add(
        "{\"start\":{\"cpu_ns\":7,\"events\":[258,258,258,257,-1],\"held\":[0,1,2]}}");
    RequestReplayer replayer = replayer(profile);
    Interpreter interpreter = fork(replayer);
    MachineHost child = (MachineHost) interpreter.host;
    int counted = interpreter.collector.getCount(0);
    RequestReplayer.Worker worker = replayer.newWorker(interpreter, new Prng(1), true);
    worker.boot();
    assertThat(interpreter.collector.generationSize(0)).isEqualTo(3);
    assertThat(interpreter.collector.getCount(0) - counted).isEqualTo(3);
    long copied = child.process().faults().cowCopies(Host.CAUSE_DATA);
    assertThat(copied).isPositive();
    assertThat(worker.requests()).isZero();
    // the page is the worker's own by then
    child.store(replayer.heap().map().toLab((page + 2) << 12), 0, Host.CAUSE_DATA);
    assertThat(child.process().faults().cowCopies(Host.CAUSE_DATA)).isEqualTo(copied);
  }

  @Test
  void secondStartIsRefused() {
    SmallProfile profile = new SmallProfile();
    profile.lines.add("{\"start\":{\"cpu_ns\":7,\"events\":[]}}");
    profile.lines.add("{\"start\":{\"cpu_ns\":7,\"events\":[]}}");
    assertThatThrownBy(() -> replayer(profile))
        .isInstanceOf(ProfileException.class)
        .hasMessageContaining("a second start");
  }

  /**
   * What a request touches goes with its number in the service, not with the worker's own count.
   */
  @Test
  void pagesToldByRequestAreTouchedByThatRequest() {
    SmallProfile profile = new SmallProfile();
    long page = SmallProfile.ARENA >> 12;
    // page 1 is told by request: that a child found it copied at its second says nothing more
    profile.lines.add("{\"touched\":[2,[" + (page + 1) + "]]}");
    profile.lines.add("{\"needs\":[1,[" + (page + 1) + "]]}");
    profile.lines.add("{\"needs\":[3,[" + (page + 2) + "," + (page + 3) + "]]}");
    RequestReplayer replayer = replayer(profile);
    Interpreter interpreter = fork(replayer);
    MachineHost child = (MachineHost) interpreter.host;
    RequestReplayer.Worker worker = replayer.newWorker(interpreter, new Prng(1), true);
    worker.boot();
    long[] copied = new long[4];
    int[] taken = {1, 1, 2, 0};
    for (int i = 0; i < taken.length; i++) {
      long before = child.process().faults().cowCopies(Host.CAUSE_DATA);
      worker.serve(0, taken[i]);
      copied[i] = child.process().faults().cowCopies(Host.CAUSE_DATA) - before;
    }
    assertThat(copied[1]).isZero();
    assertThat(copied[2]).isEqualTo(2);
    assertThat(copied[3]).isEqualTo(1);
  }

  /** What all requests of an endpoint copy is touched at a worker's first request of it. */
  @ParameterizedTest(name = "endpoint {0} first")
  @CsvSource({"0, 1, 2", "1, 2, 1"})
  void pagesToldByEndpointAreTouchedByItsFirstRequest(int first, int copied, int thenCopied) {
    SmallProfile profile = new SmallProfile();
    profile.edit("{\"prefork", "[[\"GET\",\"/\",1]]", "[[\"GET\",\"/\",1],[\"GET\",\"/b\",1]]");
    String warm = profile.lines.stream().filter(l -> l.startsWith("{\"request")).findFirst().get();
    profile.lines.add(warm.replace("\"endpoint\":0", "\"endpoint\":1"));
    long page = SmallProfile.ARENA >> 12;
    // the profile's own first page, then 1 to 3: of these 1 by the first endpoint, 2 and 3 by the
    // other
    profile.lines.add("{\"touched\":[1,[" + (page + 1) + "," + (page + 2) + "]]}");
    profile.lines.add("{\"touched\":[2,[" + (page + 3) + "]]}");
    profile.lines.add("{\"copies\":[0,[1,1,2]]}");
    profile.lines.add("{\"copies\":[1,[2,2]]}");
    RequestReplayer replayer = replayer(profile);
    Interpreter interpreter = fork(replayer);
    MachineHost child = (MachineHost) interpreter.host;
    RequestReplayer.Worker worker = replayer.newWorker(interpreter, new Prng(1), true);
    worker.boot();
    int[] order = {first, first, 1 - first, first};
    long[] seen = new long[order.length];
    for (int i = 0; i < order.length; i++) {
      long before = child.process().faults().cowCopies(Host.CAUSE_DATA);
      worker.serve(order[i], i);
      seen[i] = child.process().faults().cowCopies(Host.CAUSE_DATA) - before;
    }
    // a page is copied once; the allocator's own are there at the first request, too
    assertThat(seen[1]).isZero();
    assertThat(seen[2]).isEqualTo(thenCopied);
    assertThat(seen[3]).isZero();
    assertThat(seen[0]).isGreaterThanOrEqualTo(copied);
  }

  /** Any recorded request stands for one beyond them: in the end all their pages are touched. */
  @Test
  void laterRequestsRepeatRecordedOnes() {
    SmallProfile profile = new SmallProfile();
    long page = SmallProfile.ARENA >> 12;
    profile.lines.add("{\"needs\":[1,[" + (page + 1) + "]]}");
    profile.lines.add("{\"needs\":[3,[" + (page + 2) + "," + (page + 3) + "]]}");
    RequestReplayer replayer = replayer(profile);
    Interpreter interpreter = fork(replayer);
    MachineHost child = (MachineHost) interpreter.host;
    RequestReplayer.Worker worker = replayer.newWorker(interpreter, new Prng(1), true);
    worker.serve(0, 1);
    long before = child.process().faults().cowCopies(Host.CAUSE_DATA);
    for (int round = 1; round <= 20; round++) {
      worker.serve(0, 3 * round + 1);
    }
    assertThat(child.process().faults().cowCopies(Host.CAUSE_DATA) - before).isEqualTo(3);
  }

  @Test
  void carriedBlocksDieWhenTheyAreDueAndHeldOnesNever() {
    SmallProfile profile =
        new SmallProfile()
            .edit("{\"request", "\"carried\":[]", "\"carried\":[[0,3]]")
            .edit("{\"request", "\"held\":[]", "\"held\":[1]")
            .edit("{\"request", "[[[0],[1]]]", "[]");
    RequestReplayer replayer = replayer(profile);
    Interpreter interpreter = fork(replayer);
    RequestReplayer.Worker worker = replayer.newWorker(interpreter, new Prng(1), true);
    for (int request = 1; request <= 20; request++) {
      worker.serve(0, request);
      assertThat(interpreter.collector.generationSize(0)).isEqualTo(Math.min(request, 3));
    }
    assertThat(interpreter.collector.collect(OLDEST)).isZero();
  }

  @Test
  void sameSeedSameCounters() {
    long[] first = counters();
    assertThat(counters()).containsExactly(first);
  }

  private long[] counters() {
    RequestReplayer replayer = replayer(new SmallProfile());
    Interpreter interpreter = fork(replayer);
    RequestReplayer.Worker worker = replayer.newWorker(interpreter, new Prng(7), true);
    for (int request = 0; request < 2000; request++) {
      worker.serve(0, request);
    }
    MachineHost child = (MachineHost) interpreter.host;
    return new long[] {
      child.cpuNanoseconds(),
      child.process().faults().minor(),
      interpreter.gcState.collections(0),
      interpreter.gcState.collections(1),
      interpreter.gcState.collected(0)
    };
  }
}
