package dev.preforklab.prefork.profile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.preforklab.cpython.Interpreter;
import dev.preforklab.machine.HostConfig;
import dev.preforklab.machine.Kernel;
import dev.preforklab.sim.CostModel;
import dev.preforklab.sim.Prng;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Each request of the small profile leaves one collectable object in a cycle. If it is of a type
 * with a free list, the objects that a collection frees serve as many later requests, up to the
 * length of the list (3.11: 80 lists, 80 dicts, 2,000 tuples of a length), without counting.
 */
class KeptObjectsTest {
  @TempDir Path directory = Path.of(".");

  @ParameterizedTest(name = "list {0}: {1} requests, collect {2}, {3} requests")
  @CsvSource({
    // free list, requests before, generation collected, requests after, the counter then
    "0, 50, 0, 60, 60", // of no such type
    "1, 50, 0, 60, 10",
    "1, 100, 0, 100, 20", // the list holds 80
    "2, 100, 0, 100, 20",
    "4, 100, 0, 130, 30",
    "22, 100, 0, 130, 130", // tuples of 20: 3.11 keeps those of up to 19
    "1, 50, 1, 60, 10",
    "1, 50, 2, 60, 60" // a full collection empties the lists
  })
  void collectedObjectsServeLaterRequests(
      int list, int before, int generation, int after, int count) {
    Interpreter interpreter = serveCollectServe(listed(list), before, generation, after);
    assertThat(interpreter.gcState.count(0)).isEqualTo(count);
  }

  /**
   * A list that is drawn down by two and filled again in each request: taken from an empty one, the
   * two are allocated and count. What is put on a full one (80) is freed and counts down.
   */
  @ParameterizedTest(name = "changes {0}: {1} requests, collect {2}, {3} requests")
  @CsvSource({
    "'0,1,-2,4,1,2', 50, 0, 60, 60",
    "'0,1,-2,4,1,2', 50, 2, 60, 62", // a full collection has emptied it
    "'0,1,-2,4,1,2', 0, 0, 60, 62",
    "'4,1,1', 0, 0, 100, 80",
    "'4,1,1', 30, 0, 100, 50",
    "'4,1,1', 30, 2, 100, 80",
    "'4,22,1', 0, 0, 100, 100" // 3.11 takes no tuples of 20 from a list
  })
  void changesAreDoneAgain(String changes, int before, int generation, int after, int count) {
    SmallProfile profile =
        new SmallProfile()
            .edit(
                "{\"request", "\"held\":[]", "\"held\":[],\"free_list_changes\":[" + changes + "]");
    Interpreter interpreter = serveCollectServe(profile, before, generation, after);
    assertThat(interpreter.gcState.count(0)).isEqualTo(count);
  }

  /** Garbage with an object that a collection has moved on is not found by a younger one. */
  @ParameterizedTest(name = "made, collect {0}, lost, collect {1}")
  @CsvSource({
    // collected in between, collected after, whether the list then has the object
    "-1, 0, 1",
    "0, 0, 0",
    "0, 1, 1",
    "1, 1, 0",
    "0, 2, 0", // a full collection empties the lists
    "1, 2, 0"
  })
  void onlyACollectionOldEnoughFindsGarbage(int between, int after, int kept) {
    Interpreter interpreter = serveCollectServe(listed(0), 0, -1, 0);
    KeptObjects objects = new KeptObjects(interpreter, TestProfiles.small(directory).gc(), true);
    long made = objects.moment();
    if (between >= 0) {
      interpreter.collector.collect(between);
    }
    objects.lost(1, made);
    interpreter.collector.collect(after);
    interpreter.gcState.setCount(0, 10);
    objects.allocated(1);
    assertThat(interpreter.gcState.count(0)).isEqualTo(10 - kept);
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource({
    "'\"free_list_changes\":[0,1]', three numbers",
    "'\"free_list_changes\":[5,1,1]', after event 5 of 4",
    "'\"free_list_changes\":[0,23,1]', free list 23",
    "'\"resized\":[1]', resized object 1",
    "'\"shelved\":[0]', shelved object 0 is not carried",
    "'\"older\":[1]', two numbers an object",
    "'\"older\":[5,0]', after event 5 of 4",
    "'\"older\":[0,23]', free list 23"
  })
  void refusesWhatDoesNotFitTheEvents(String key, String message) {
    SmallProfile profile =
        new SmallProfile().edit("{\"request", "\"held\":[]", "\"held\":[]," + key);
    assertThatThrownBy(() -> serveCollectServe(profile, 1, -1, 0))
        .isInstanceOf(ProfileException.class)
        .hasMessageContaining(message);
  }

  /**
   * An object on a free list has counted, does not count down again, and survives no collection.
   */
  @Test
  void shelvedObjectsAreDead() {
    Interpreter carried = serveCollectServe(carried(""), 50, 0, 0);
    long young = serveCollectServe(carried(""), 0, 0, 0).collector.generationSize(1);
    assertThat(carried.collector.generationSize(1)).isEqualTo(young + 50);
    Interpreter shelved = serveCollectServe(carried(",\"shelved\":[0]"), 50, 0, 0);
    assertThat(shelved.collector.generationSize(1)).isEqualTo(young);
    assertThat(serveCollectServe(carried(",\"shelved\":[0]"), 0, 0, 150).gcState.count(0))
        .isEqualTo(150);
    assertThat(serveCollectServe(carried(""), 0, 0, 150).gcState.count(0)).isEqualTo(100);
  }

  /** An object from a list leaves it, and does not count, where the counter is 0, too. */
  @ParameterizedTest(name = "counter {0}")
  @ValueSource(ints = {0, 1, 10})
  void anObjectFromAListLeavesItWhateverTheCounter(int counter) {
    Interpreter interpreter = serveCollectServe(listed(0), 0, -1, 0);
    KeptObjects objects = new KeptObjects(interpreter, TestProfiles.small(directory).gc(), true);
    objects.changed(1, 5);
    interpreter.gcState.setCount(0, counter);
    boolean staysZero = objects.allocated(1);
    assertThat(staysZero).isEqualTo(counter == 0);
    assertThat(interpreter.gcState.count(0)).isEqualTo(Math.max(0, counter - 1));
    assertThat(objects.length(1)).isEqualTo(4);
  }

  /** Each request makes one object and ends one of the master's, of no list or a list. */
  @ParameterizedTest(name = "{0}: {1} requests")
  @CsvSource({
    "'4,0', 50, 5", // the captured counter
    "'4,1', 50, 55",
    "'4,1', 100, 85", // a full list (80) takes none
    "'4,22', 50, 5" // 3.11 has no list of tuples of 20
  })
  void endsOfOlderObjectsCountDown(String older, int requests, int count) {
    SmallProfile profile =
        new SmallProfile()
            .edit(
                "{\"request",
                "\"held\":[]",
                "\"held\":[],\"free_list_changes\":[],\"older\":[" + older + "]");
    assertThat(serveCollectServe(profile, requests, -1, 0).gcState.count(0)).isEqualTo(count);
  }

  private static SmallProfile carried(String more) {
    return new SmallProfile()
        .edit(
            "{\"request",
            "\"garbage\":[[[0],[1]]],\"carried\":[]",
            "\"garbage\":[],\"carried\":[[0,100],[1,100]]")
        .edit("{\"request", "\"held\":[]", "\"held\":[]" + more);
  }

  /** Its recorded free says that the list was full: none of the collected can wait there. */
  @Test
  void recordedFreeShowsAFullList() {
    SmallProfile profile =
        new SmallProfile()
            .edit("{\"request", "[258,129,257,-1]", "[258,129,258,-1]")
            .edit("{\"request", "\"held\":[]", "\"held\":[],\"free_listed\":[[1,[0,2]]]");
    Interpreter interpreter = serveCollectServe(profile, 50, 0, 1);
    int afterOne = interpreter.gcState.count(0);
    interpreter = serveCollectServe(profile, 50, 0, 11);
    assertThat(interpreter.gcState.count(0) - afterOne).isEqualTo(10);
  }

  @Test
  void withoutCollectionsEveryObjectCounts() {
    Interpreter listed = serveCollectServe(listed(1), 300, -1, 0);
    Interpreter others = serveCollectServe(listed(0), 300, -1, 0);
    assertThat(listed.gcState.count(0)).isEqualTo(others.gcState.count(0));
  }

  @Test
  void refusesWhatIsNoObjectWithAHead() {
    SmallProfile profile = listed(1).edit("{\"request", "[[1,[0]]]", "[[1,[1]]]");
    assertThatThrownBy(() -> serveCollectServe(profile, 1, -1, 0))
        .isInstanceOf(ProfileException.class)
        .hasMessageContaining("free_listed object 1");
    SmallProfile unknown = listed(1).edit("{\"request", "[[1,[0]]]", "[[23,[0]]]");
    assertThatThrownBy(() -> serveCollectServe(unknown, 1, -1, 0))
        .isInstanceOf(ProfileException.class);
  }

  private static SmallProfile listed(int list) {
    SmallProfile profile = new SmallProfile();
    return list == 0
        ? profile
        : profile.edit(
            "{\"request", "\"held\":[]", "\"held\":[],\"free_listed\":[[" + list + ",[0]]]");
  }

  private Interpreter serveCollectServe(
      SmallProfile profile, int before, int generation, int after) {
    Profile read = ProfileReader.read(profile.write(directory.resolve("small.profile.gz")));
    HostConfig config = HostConfig.DEFAULT.withVirtualPages(HeapLoader.virtualPages(read));
    Kernel kernel = new Kernel(config, CostModel.defaults(), 0);
    RequestReplayer replayer = new RequestReplayer(HeapLoader.load(read, kernel, 0));
    Interpreter interpreter = replayer.heap().interpreter().forked(replayer.heap().host().fork(0));
    RequestReplayer.Worker worker = replayer.newWorker(interpreter, new Prng(1), true);
    for (int request = 0; request < before; request++) {
      worker.serve(0, request);
    }
    if (generation >= 0) {
      interpreter.collector.collect(generation);
    }
    for (int request = 0; request < after; request++) {
      worker.serve(0, request);
    }
    return interpreter;
  }
}
