package dev.preforklab.prefork.profile;

import static org.assertj.core.api.Assertions.assertThat;

import dev.preforklab.cpython.Interpreter;
import dev.preforklab.machine.HostConfig;
import dev.preforklab.machine.Kernel;
import dev.preforklab.sim.CostModel;
import dev.preforklab.sim.Prng;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * From 3.11 on an instance's block begins with its two words for dict and weak references, before
 * the GC head. Whoever frees one from the head on leaves a block on the free list that reaches into
 * the next: what is made there writes over a neighbour's GC head, and the permanent generation,
 * which no collection ever walks, is broken until someone counts it.
 */
class DroppedInstanceTest {
  private static final int OLDEST = 2;
  private static final int HEAD = 16;
  private static final int PRE_HEADER = 16;
  private static final int BLOCK = 64;
  private static final long FIRST = SmallProfile.POOL + 48;

  @TempDir Path directory = Path.of(".");

  /**
   * Two lists that are garbage, the instance that one of them owns, and a list that stays, block by
   * block.
   *
   * @param instanceBytes of the instance, without what comes before it
   */
  private static SmallProfile profile(int instanceBytes) {
    long list = FIRST + HEAD;
    long instance = FIRST + 2 * BLOCK + PRE_HEADER + HEAD;
    long staying = FIRST + 3 * BLOCK + HEAD;
    return new SmallProfile()
        .edit("{\"prefork", "\"python\":\"3.11.2\"", "\"python\":\"3.12.1\"")
        .edit("{\"prefork", "\"tracked\":3", "\"tracked\":4")
        .edit("{\"prefork", "[\"str\",0,49,1]", "[\"Thing\",1,16,0,32]")
        .edit("{\"prefork", "\"counts\":[5,1,0]", "\"counts\":[0,0,0]")
        .replace(
            "{\"objs",
            ("{\"objs\":[[%d,0,40,1,1,[1,2]],[8,0,40,1,1,[-1]],[%d,1,%d,1,1,[1]],"
                    + "[%d,0,40,1,3,[]]]}")
                .formatted(
                    list / 8,
                    (instance - list - BLOCK) / 8,
                    instanceBytes,
                    (staying - instance) / 8))
        .edit("{\"gc_list", "[0,1,1]", "[0,1,1,1]")
        // a collectable object with room for four references, and three that it owns
        .edit("{\"request", "[258,129,257,-1]", "[257,258,257,257]")
        .edit("{\"request", "[[[0],[1]]]", "[[[1],[0,2,3]]]");
  }

  private Interpreter master(SmallProfile profile, RequestReplayer[] replayer) {
    Profile read = ProfileReader.read(profile.write(directory.resolve("small.profile.gz")));
    HostConfig config = HostConfig.DEFAULT.withVirtualPages(HeapLoader.virtualPages(read));
    Kernel kernel = new Kernel(config, CostModel.defaults(), 0);
    LoadedHeap heap = HeapLoader.load(read, kernel, 0);
    replayer[0] = new RequestReplayer(heap);
    return heap.interpreter();
  }

  @Test
  void itsBlockIsNotHandedOutIntoTheNext() {
    for (int instanceBytes : new int[] {16, 32}) {
      RequestReplayer[] replayer = new RequestReplayer[1];
      Interpreter master = master(profile(instanceBytes), replayer);
      assertThat(master.collector.collect(OLDEST)).isEqualTo(3);
      assertThat(master.deallocator.deallocations()).isEqualTo(3);
      master.collector.freeze();
      Interpreter child = master.forked(replayer[0].heap().host().fork(0));
      RequestReplayer.Worker worker = replayer[0].newWorker(child, new Prng(1), true);
      for (int request = 0; request < 5; request++) {
        worker.serve(0, request);
        child.collector.collect(OLDEST);
        assertThat(child.collector.freezeCount())
            .as("frozen after request %s, instances of %s bytes", request, instanceBytes)
            .isEqualTo(1);
      }
    }
  }
}
