package dev.preforklab.prefork.profile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.gc.GcState;
import dev.preforklab.machine.HostConfig;
import dev.preforklab.machine.Kernel;
import dev.preforklab.sim.CostModel;
import dev.preforklab.sim.Prng;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What requests leave behind for the collector, against real processes that served the same. */
class ServedRequestsTest {
  private static final Path SITE = Path.of("..", "profiles", "django-site.profile.gz");

  /**
   * By how much each request of the site raised the counter of generation 0 in a real child of its
   * master in uWSGI, collector off, the ten endpoints in turn. At the 201st cursor since it was
   * opened the connection to the database drops as many dead weak references: that is in the last
   * round's eighth request.
   */
  private static final int[][] RAISED = {
    {7237, 208, 107, 465, 329, 188, 288, 236, 284, 74},
    {928, 83, 99, 101, 183, 112, 195, 178, 97, 44},
    {916, 83, 99, 101, 183, 112, 195, 178, 96, 44},
    {916, 83, 99, 101, 183, 112, 195, 178, 96, 44},
    {916, 83, 99, 101, 183, 112, 195, 178 - 201, 96, 44}
  };

  @TempDir Path directory = Path.of(".");

  @Test
  void eachRequestRaisesTheCounterAsInARealProcess() {
    RequestReplayer replayer = replayer(shipped());
    Interpreter interpreter = fork(replayer);
    interpreter.gcState.setThresholds(0, 10, 10);
    RequestReplayer.Worker worker = replayer.newWorker(interpreter, new Prng(1), true);
    SoftAssertions soft = new SoftAssertions();
    int request = 0;
    for (int round = 0; round < RAISED.length - 1; round++) {
      int before = interpreter.gcState.count(0);
      int start = before;
      int sum = 0;
      for (int raised : RAISED[round]) {
        worker.serve(request % RAISED[round].length, request);
        soft.assertThat(interpreter.gcState.count(0) - before)
            .as("request " + request)
            .isCloseTo(raised, within(round == 0 ? 12 : 5));
        before = interpreter.gcState.count(0);
        sum += raised;
        request++;
      }
      soft.assertThat(before - start).as("round " + round).isCloseTo(sum, within(sum / 50));
    }
    soft.assertAll();
  }

  /**
   * One worker under uWSGI, one client: which requests it gets is no chance, so that it can be
   * followed request by request. It starts from the counters that the real master had. With the
   * requests always in the same order collections fall into step with them sooner or later, and
   * into another step here than there (at 100,10,10 after 100 requests: 22 collections a round, 20
   * real ones); so the first 200 are compared, of the lowest threshold 100.
   */
  @ParameterizedTest(name = "{0}")
  @ValueSource(
      strings = {
        "threshold=100 10 10",
        "threshold=350 10 10",
        "threshold=700 3 2",
        "threshold=700 10 10",
        "threshold=1000 5 5"
      })
  void oneWorkerCollectsWhenTheRealOneDoes(String setting) throws IOException {
    List<String[]> rows = rows(setting);
    int[] thresholds = numbers(setting.substring("threshold=".length()));
    Profile loaded = TestProfiles.loadedLike(shipped(), thresholds, numbers(rows.get(0)[1]));
    RequestReplayer replayer = replayer(loaded);
    replayer
        .heap()
        .interpreter()
        .gcState
        .setThresholds(thresholds[0], thresholds[1], thresholds[2]);
    Interpreter interpreter = fork(replayer);
    GcState state = interpreter.gcState;
    long[] start = {state.collections(0), state.collections(1), state.collections(2)};
    RequestReplayer.Worker worker = replayer.newWorker(interpreter, new Prng(1), true);
    worker.boot();
    SoftAssertions soft = new SoftAssertions();
    int request = 0;
    for (String[] row : rows) {
      for (; request < Integer.parseInt(row[2]); request++) {
        worker.serve(request % loaded.endpoints().size(), request);
      }
      for (int generation = 0; generation < start.length; generation++) {
        double real = Integer.parseInt(row[3 + generation]);
        // of full collections it is a matter of a few objects whether one has come yet
        double bound = generation == 2 ? 1 : Math.max(2, 0.05 * real);
        soft.assertThat((double) (state.collections(generation) - start[generation]))
            .as("collections of generation " + generation + " after request " + row[2])
            .isCloseTo(real, within(bound));
      }
    }
    soft.assertAll();
  }

  /** Calls of the type make an object without a look at the free list; freed, it goes there. */
  @ParameterizedTest(name = "list{0}")
  @CsvSource({
    "'', 10", // 50 requests leave 50 lists for 60 further ones
    "',\"direct\":[0]', 60"
  })
  void directObjectsAreNotTakenFromTheirFreeList(String direct, int count) {
    SmallProfile profile =
        new SmallProfile()
            .edit("{\"request", "\"held\":[]", "\"held\":[],\"free_listed\":[[1,[0]]]" + direct);
    RequestReplayer replayer = replayer(read(profile));
    Interpreter interpreter = fork(replayer);
    RequestReplayer.Worker worker = replayer.newWorker(interpreter, new Prng(1), true);
    for (int request = 0; request < 110; request++) {
      worker.serve(0, request);
      if (request == 49) {
        interpreter.collector.collect(0);
      }
    }
    assertThat(interpreter.gcState.count(0)).isEqualTo(count);
  }

  @Test
  void workersInheritTheFreeListsOfTheirMaster() {
    SmallProfile profile =
        new SmallProfile()
            .edit("{\"request", "\"held\":[]", "\"held\":[],\"free_list_changes\":[0,1,-1]")
            .edit("{\"prefork", "\"freeze_count\":0", "\"freeze_count\":0,\"free_lists\":[[1,30]]");
    RequestReplayer replayer = replayer(read(profile));
    Interpreter interpreter = fork(replayer);
    int before = interpreter.gcState.count(0);
    RequestReplayer.Worker worker = replayer.newWorker(interpreter, new Prng(1), true);
    for (int request = 0; request < 50; request++) {
      worker.serve(0, request);
    }
    // one object of each request's own, and, once the 30 are used up, the one from the list
    assertThat(interpreter.gcState.count(0) - before).isEqualTo(50 + 20);
  }

  @Test
  void unlistedObjectsCountButAreOnNoList() {
    RequestReplayer replayer = replayer(read(lasting(",\"unlisted\":[0]")));
    Interpreter interpreter = fork(replayer);
    int before = interpreter.gcState.count(0);
    RequestReplayer.Worker worker = replayer.newWorker(interpreter, new Prng(1), true);
    for (int request = 0; request < 7; request++) {
      worker.serve(0, request);
    }
    assertThat(interpreter.gcState.count(0) - before).isEqualTo(7);
    assertThat(interpreter.collector.generationSize(0)).isZero();
  }

  /**
   * Seven requests leave an object each: on the lists at once, after two events, never, or until a
   * collection.
   */
  @ParameterizedTest(name = "told {0}")
  @CsvSource({
    "'', 7, 7",
    "',\"unlisted\":[0]', 0, 0",
    "',\"unlisted\":[0],\"tracked\":[2,2]', 7, 7",
    "',\"atomic\":[0]', 7, 0"
  })
  void collectionsSeeWhatTheRealOnesSaw(String told, long before, long after) {
    RequestReplayer replayer = replayer(read(lasting(told)));
    Interpreter interpreter = fork(replayer);
    RequestReplayer.Worker worker = replayer.newWorker(interpreter, new Prng(1), true);
    interpreter.gcState.setThresholds(0, 10, 10);
    for (int request = 0; request < 7; request++) {
      worker.serve(0, request);
    }
    assertThat(interpreter.collector.generationSize(0)).isEqualTo(before);
    interpreter.collector.collect(0);
    assertThat(interpreter.collector.generationSize(1)).isEqualTo(after);
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource({
    "'[9,1]', tracked after event 9 of 4",
    "'[2,1]', tracked object 1 is no unlisted one",
    "'[2,2,0,2]', tracked object 0 is no unlisted one",
    "'[2]', tracked must have two numbers"
  })
  void refusesTrackedObjectsThatCannotBe(String tracked, String message) {
    SmallProfile profile = lasting(",\"unlisted\":[0],\"tracked\":" + tracked);
    assertThatThrownBy(() -> read(profile))
        .isInstanceOf(ProfileException.class)
        .hasMessageContaining(message);
  }

  /**
   * Three tuples that stay, the third starts a collection before it is on a list: it takes off what
   * is full by then, but the first only after the second, if that one is in it. Then the next
   * generations.
   */
  @ParameterizedTest(name = "filled {0}")
  @CsvSource({
    "'[]', 0, 0",
    "'[2,2,0]', 0, 0",
    "'[3,3,0]', 1, 0",
    "'[2,2,1]', 1, 0",
    "'[4,4,0,0,3,0]', 2, 0",
    "'[4,4,1,0,3,1]', 2, 2"
  })
  void collectionsLeaveTuplesThatAreNotFullOrHoldListedOnes(String filled, long young, long old) {
    SmallProfile profile = threeTuples(filled);
    RequestReplayer replayer = replayer(read(profile));
    Interpreter interpreter = fork(replayer);
    interpreter.gcState.setThresholds(2, 100, 100);
    interpreter.gcState.setCount(0, 0);
    interpreter.collector.collect(2);
    long before = interpreter.collector.generationSize(2);
    interpreter.gcState.setCount(0, 0);
    replayer.newWorker(interpreter, new Prng(1), true).serve(0, 0);
    assertThat(interpreter.collector.generationSize(1)).isEqualTo(young);
    interpreter.collector.collect(1);
    assertThat(interpreter.collector.generationSize(2) - before).isEqualTo(old);
    interpreter.collector.collect(2);
    interpreter.collector.collect(2);
    assertThat(interpreter.collector.generationSize(2) - before).isZero();
  }

  private static SmallProfile threeTuples(String filled) {
    return new SmallProfile()
        .edit("{\"request", "[258,129,257,-1]", "[258,258,258,129]")
        .edit("{\"request", "[[[0],[1]]]", "[]")
        .edit(
            "{\"request",
            "\"held\":[]",
            "\"held\":[0,1,2,3],\"atomic\":[0,1,1],\"filled\":" + filled);
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource({
    "'[9,1,0]', filled after event 9 of 4",
    "'[1,2,0]', 'filled tuple -1 or the one in it is not made yet'",
    "'[1,1,1]', 'filled tuple 0 or the one in it is not made yet'",
    "'[4,1,2147483647]', 'filled tuple 3 or the one in it is not made yet'",
    "'[4,1,0]', filled tuple 3 or the one in it is no atomic one",
    "'[2,1]', filled must have three numbers"
  })
  void refusesFilledTuplesThatCannotBe(String filled, String message) {
    SmallProfile profile = threeTuples(filled);
    assertThatThrownBy(() -> read(profile))
        .isInstanceOf(ProfileException.class)
        .hasMessageContaining(message);
  }

  /** The small request's one collectable object, and what it owned, kept for good. */
  private static SmallProfile lasting(String more) {
    return new SmallProfile()
        .edit("{\"request", "[[[0],[1]]]", "[]")
        .edit("{\"request", "\"held\":[]", "\"held\":[0,1]" + more);
  }

  /**
   * Two rings in one request, of three objects each; the threshold is five. The first ring is found
   * by the collection that the sixth object starts, if it is garbage by then.
   */
  @ParameterizedTest(name = "lost {0}")
  @CsvSource({"'[3,3]', 3", "'[6,0]', 0", "'', 0"})
  void aCollectionFindsWhatIsLostBeforeIt(String lost, int found) {
    SmallProfile profile =
        new SmallProfile()
            .edit("{\"request", "[258,129,257,-1]", "[258,258,258,258,258,258]")
            .edit("{\"request", "[[[0],[1]]]", "[[[0,1,2],[]],[[3,4,5],[]]]")
            .edit(
                "{\"request",
                "\"carried\"",
                (lost.isEmpty() ? "" : "\"lost\":" + lost + ",") + "\"carried\"");
    RequestReplayer replayer = replayer(read(profile));
    Interpreter interpreter = fork(replayer);
    interpreter.gcState.setThresholds(5, 100, 100);
    interpreter.gcState.setCount(0, 0);
    long before = interpreter.gcState.collected(0);
    replayer.newWorker(interpreter, new Prng(1), true).serve(0, 0);
    assertThat(interpreter.gcState.collected(0) - before).isEqualTo(found);
    assertThat(interpreter.collector.collect(2)).isEqualTo(6 - found);
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource({
    "'[5]', lost after event 5 of 4",
    "'[1,1]', lost tells of 2 groups of garbage, there are 1",
    "'[1]', garbage 1 is lost before it is made"
  })
  void refusesGarbageThatIsLostWhenItCannotBe(String lost, String message) {
    SmallProfile profile =
        new SmallProfile().edit("{\"request", "\"carried\"", "\"lost\":" + lost + ",\"carried\"");
    assertThatThrownBy(() -> read(profile))
        .isInstanceOf(ProfileException.class)
        .hasMessageContaining(message);
  }

  /**
   * The first request of an endpoint leaves more behind than a later one: all that is made once. A
   * worker that has served others makes what the record of that case has, and what a fresh process
   * makes beyond, unless it is there already.
   */
  @Test
  void firstRequestsMakeWhatIsNotThereYet() {
    SmallProfile profile = new SmallProfile();
    profile.edit("{\"prefork", "[[\"GET\",\"/\",1]]", "[[\"GET\",\"/\",1],[\"GET\",\"/b\",1]]");
    String warm = profile.lines.stream().filter(l -> l.startsWith("{\"request")).findFirst().get();
    profile.lines.add(warm.replace("\"endpoint\":0", "\"endpoint\":1"));
    // kinds of 64, 72 and 80 bytes; both endpoints need the first
    profile.lines.add(first("request", 0, "cold", 64, 72));
    profile.lines.add(first("request", 1, "cold", 64, 80, 80));
    profile.lines.add(first("first_request", 0, "first", 72));
    profile.lines.add(first("first_request", 1, "first", 80, 80));
    RequestReplayer replayer = replayer(read(profile));
    for (int[] order : new int[][] {{0, 1}, {1, 0}}) {
      Interpreter interpreter = fork(replayer);
      RequestReplayer.Worker worker = replayer.newWorker(interpreter, new Prng(1), true);
      worker.serve(order[0], order[0]);
      int after = interpreter.gcState.count(0);
      worker.serve(order[1], order[1]);
      // in either order all there is to make is made once: one of 64, one of 72, two of 80 bytes
      assertThat(interpreter.gcState.count(0)).isEqualTo(5 + 4);
      assertThat(after - 5).isEqualTo(order[0] == 0 ? 2 : 3);
      worker.serve(1, 3);
      assertThat(interpreter.gcState.count(0)).as("a warm one leaves a cycle").isEqualTo(10);
    }
  }

  /**
   * Endpoints 1 and 2 share an object of 96 bytes, which whichever of them is served first makes;
   * endpoint 0 has one of that size for itself. In any order there are these two and one of 64
   * bytes in the end, which all share.
   */
  @ParameterizedTest(name = "{0}")
  @ValueSource(strings = {"0 1 2", "0 2 1", "1 0 2", "1 2 0", "2 0 1", "2 1 0"})
  void whatTwoEndpointsShareIsMadeByTheFirstOfThem(String order) {
    SmallProfile profile = new SmallProfile();
    profile.edit(
        "{\"prefork",
        "[[\"GET\",\"/\",1]]",
        "[[\"GET\",\"/\",1],[\"GET\",\"/b\",1],[\"GET\",\"/c\",1]]");
    String warm = profile.lines.stream().filter(l -> l.startsWith("{\"request")).findFirst().get();
    profile.lines.add(warm.replace("\"endpoint\":0", "\"endpoint\":1"));
    profile.lines.add(warm.replace("\"endpoint\":0", "\"endpoint\":2"));
    for (int endpoint = 0; endpoint < 3; endpoint++) {
      profile.lines.add(first("request", endpoint, "cold", 64, 96));
    }
    profile.lines.add(first("first_request", 0, "first\",\"after\":[1,2],\"b\":\"", 96));
    profile.lines.add(first("first_request", 1, "first\",\"after\":[0],\"b\":\"", 96));
    profile.lines.add(first("first_request", 1, "first\",\"after\":[2],\"shares\":[2,1],\"b\":\""));
    profile.lines.add(first("first_request", 2, "first\",\"after\":[0,1],\"b\":\""));
    profile.lines.add(
        first("first_request", 2, "first\",\"after\":[],\"shares\":[1,1],\"b\":\"", 96));
    RequestReplayer replayer = replayer(read(profile));
    Interpreter interpreter = fork(replayer);
    RequestReplayer.Worker worker = replayer.newWorker(interpreter, new Prng(1), true);
    for (int endpoint : numbers(order)) {
      worker.serve(endpoint, endpoint);
    }
    assertThat(interpreter.gcState.count(0)).isEqualTo(5 + 3);
  }

  private static String first(String record, int endpoint, String state, int... sizes) {
    StringBuilder events = new StringBuilder();
    StringBuilder held = new StringBuilder();
    for (int i = 0; i < sizes.length; i++) {
      events.append(i > 0 ? "," : "").append(sizes[i] << 2 | RequestTrace.GC);
      held.append(i > 0 ? "," : "").append(i);
    }
    return String.format(
        "{\"%s\":{\"endpoint\":%d,\"state\":\"%s\",\"cpu_ns\":1000,\"events\":[%s],"
            + "\"garbage\":[],\"carried\":[],\"held\":[%s]}}",
        record, endpoint, state, events, held);
  }

  private static Profile shipped() {
    return ProfileReader.read(SITE);
  }

  private Profile read(SmallProfile profile) {
    return ProfileReader.read(profile.write(directory.resolve("small.profile.gz")));
  }

  private static RequestReplayer replayer(Profile profile) {
    HostConfig config = HostConfig.DEFAULT.withVirtualPages(HeapLoader.virtualPages(profile));
    Kernel kernel = new Kernel(config, CostModel.defaults(), 0);
    return new RequestReplayer(HeapLoader.load(profile, kernel, 0));
  }

  private static Interpreter fork(RequestReplayer replayer) {
    return replayer.heap().interpreter().forked(replayer.heap().host().fork(0));
  }

  private static List<String[]> rows(String setting) throws IOException {
    try (InputStream in =
            ServedRequestsTest.class.getResourceAsStream("../django_site_one_worker.csv");
        BufferedReader lines =
            new BufferedReader(new InputStreamReader(in, StandardCharsets.US_ASCII))) {
      return lines
          .lines()
          .map(line -> line.split(",", -1))
          .filter(row -> row[0].equals(setting))
          .toList();
    }
  }

  private static int[] numbers(String text) {
    return Stream.of(text.split(" ", -1)).mapToInt(Integer::parseInt).toArray();
  }
}
