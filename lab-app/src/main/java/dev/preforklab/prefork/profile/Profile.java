package dev.preforklab.prefork.profile;

import dev.preforklab.cpython.PythonVersion;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One captured application: the master's heap just before fork and its measured requests. Read from
 * a file by {@link ProfileReader}; immutable, shared by all simulated hosts.
 */
public final class Profile {
  /** A kind of request the application was measured with; {@code weight} is its share of a mix. */
  public record Endpoint(String method, String route, int weight) {}

  /** The collector's state in the captured master. */
  public static final class GcFacts {
    private final boolean enabled;
    private final int[] thresholds;
    private final int[] counts;
    private final long longLivedTotal;
    private final long longLivedPending;
    private final long[][] stats;
    private final long freezeCount;
    private final int[] freeLists;

    GcFacts(
        boolean enabled,
        int[] thresholds,
        int[] counts,
        long longLivedTotal,
        long longLivedPending,
        long[][] stats,
        long freezeCount) {
      this(
          enabled,
          thresholds,
          counts,
          longLivedTotal,
          longLivedPending,
          stats,
          freezeCount,
          new int[RequestTrace.FREE_LISTS_MAX + 1]);
    }

    private GcFacts(
        boolean enabled,
        int[] thresholds,
        int[] counts,
        long longLivedTotal,
        long longLivedPending,
        long[][] stats,
        long freezeCount,
        int[] freeLists) {
      this.freeLists = freeLists;
      this.enabled = enabled;
      this.thresholds = thresholds;
      this.counts = counts;
      this.longLivedTotal = longLivedTotal;
      this.longLivedPending = longLivedPending;
      this.stats = stats;
      this.freezeCount = freezeCount;
    }

    public boolean enabled() {
      return enabled;
    }

    public int[] thresholds() {
      return thresholds;
    }

    public int[] counts() {
      return counts;
    }

    public long longLivedTotal() {
      return longLivedTotal;
    }

    public long longLivedPending() {
      return longLivedPending;
    }

    public long[][] stats() {
      return stats;
    }

    public long freezeCount() {
      return freezeCount;
    }

    /** How long the interpreter's free lists are, by number; 0 where it is not known. */
    int[] freeLists() {
      return freeLists;
    }

    GcFacts withFreeLists(int[] lengths) {
      return new GcFacts(
          enabled,
          thresholds,
          counts,
          longLivedTotal,
          longLivedPending,
          stats,
          freezeCount,
          lengths);
    }
  }

  /**
   * A type of the captured heap. Sizes are bytes.
   *
   * @param gc whether its objects have a GC head
   * @param preHeader bytes in front of the GC head
   */
  record Type(String name, boolean gc, int basicSize, int itemSize, int preHeader) {}

  /** Sizes of the captured interpreter, in bytes. */
  record Sizes(int gcHead, int arena, int pool, int page) {}

  /** Inherited pages (address / page size) first found copied after a child's n-th request. */
  static final class Touched {
    private final int request;
    private final long[] pages;

    Touched(int request, long[] pages) {
      this.request = request;
      this.pages = pages;
    }

    int request() {
      return request;
    }

    long[] pages() {
      return pages;
    }
  }

  /**
   * Which of the touched pages all requests of an endpoint copy, each in a child of its own.
   *
   * @param runs of pages in the order of the touched ones: not copied, copied, and so on
   */
  @SuppressWarnings("ArrayRecordComponent") // read only
  record Copies(int endpoint, int[] runs) {}

  /** Pages that were new after a child's n-th request, by kind of mapping. */
  record Appeared(int request, String kind, int pages) {}

  /**
   * Pages that forked children were seen to copy while they served requests.
   *
   * @param touched by one child that served all endpoints in turn
   * @param copies the first of these by the endpoints that copy them, if that is known
   * @param needs by each request in a child of its own, beyond what any worker touches sooner or
   *     later
   * @param appeared new ones, of that first child
   */
  record Pages(
      List<Touched> touched, List<Copies> copies, List<Touched> needs, List<Appeared> appeared) {
    Pages {
      touched = List.copyOf(touched);
      copies = List.copyOf(copies);
      needs = List.copyOf(needs);
      appeared = List.copyOf(appeared);
    }
  }

  private final Path file;
  private final ProfileHeader header;
  private final @Nullable LoadHistory load;
  private final boolean incremental;
  final HeapImage heap;
  final RequestRecords requests;
  final Pages pages;

  /**
   * A profile of the captured release.
   *
   * @param load null if it is not known how the application loaded
   */
  Profile(
      Path file,
      ProfileHeader header,
      HeapImage heap,
      RequestRecords requests,
      Pages pages,
      @Nullable LoadHistory load) {
    this(file, header, heap, requests, pages, load, false);
  }

  private Profile(
      Path file,
      ProfileHeader header,
      HeapImage heap,
      RequestRecords requests,
      Pages pages,
      @Nullable LoadHistory load,
      boolean incremental) {
    this.file = file;
    this.header = header;
    this.heap = heap;
    this.requests = requests;
    this.pages = pages;
    this.load = load;
    this.incremental = incremental;
  }

  public Path file() {
    return file;
  }

  public String name() {
    return header.name();
  }

  /** The captured interpreter's full release, such as 3.11.2. */
  public String python() {
    return header.python();
  }

  /** The captured interpreter's release without the micro version, such as 3.11. */
  public String release() {
    String python = python();
    int second = python.indexOf('.', python.indexOf('.') + 1);
    return second < 0 ? python : python.substring(0, second);
  }

  /** The day of the capture. */
  public String captured() {
    return header.captured();
  }

  /** Modules the application had loaded. */
  public int modules() {
    return header.modules();
  }

  public GcFacts gc() {
    return header.gc();
  }

  public List<Endpoint> endpoints() {
    return header.endpoints();
  }

  Sizes sizes() {
    return header.sizes();
  }

  List<Type> types() {
    return header.types();
  }

  /** Name of the profile that has this one's requests, or empty if it has its own. */
  String requestsFrom() {
    return header.requestsFrom();
  }

  /**
   * This heap with the requests of another capture of the same application.
   *
   * @throws ProfileException if the other one has other endpoints or another release
   */
  Profile withRequestsOf(Profile other) {
    if (!other.endpoints().equals(endpoints()) || !other.release().equals(release())) {
      throw new ProfileException(
          file,
          "endpoints or release differ from those of " + other.file + ", which has its requests");
    }
    return with(header.withOwnRequests(), heap, other.requests, incremental);
  }

  /**
   * This heap in an interpreter with the incremental collector of 3.14.
   *
   * @throws ProfileException if it was captured from a release with other GC heads or pools
   */
  public Profile withIncrementalCollector() {
    Profile changed = with(header, heap, requests, true);
    changed.version();
    return changed;
  }

  /** Whether {@link #loadedUnder} can tell what other thresholds do while the application loads. */
  public boolean knowsLoading() {
    return load != null && gc().enabled && !incremental;
  }

  /**
   * This heap as the application leaves it when it loads under other thresholds: with its objects
   * in the generations that the collector would have moved them to, and the collector's counters as
   * they would be. Garbage that those collections would have left, or freed, is as captured. Itself
   * if the thresholds turn the collector off, if the loading is not known, or if they are the
   * captured ones and it is not known event by event: else the captured collections are no better,
   * as the capture itself has made objects that shift them.
   */
  public Profile loadedUnder(int[] thresholds) {
    LoadHistory history = load;
    if (history == null
        || !knowsLoading()
        || thresholds[0] == 0
        || (!history.knowsEvents() && Arrays.equals(thresholds, gc().thresholds))) {
      return this;
    }
    LoadHistory.Outcome outcome = history.under(thresholds, KeptObjects.limits(version()));
    boolean[] tuple = new boolean[types().size()];
    for (int type = 0; type < tuple.length; type++) {
      tuple[type] = types().get(type).name().equals("tuple");
    }
    HeapImage loaded = heap.collectedAtOtherTimes(outcome.youngest(), outcome.middle(), tuple);
    return loaded(header.withGc(outcome.gc()), loaded);
  }

  /**
   * This heap with another state of the collector.
   *
   * @param youngest how many of the youngest objects are in generation 0
   * @param middle how many of the next are in generation 1
   */
  Profile withCollector(GcFacts newGc, int youngest, int middle) {
    return loaded(header.withGc(newGc), heap.regrouped(youngest, middle));
  }

  /** That is how it has loaded, so this is not replayed again. */
  private Profile loaded(ProfileHeader newHeader, HeapImage newHeap) {
    return new Profile(file, newHeader, newHeap, requests, pages, null, incremental);
  }

  private Profile with(
      ProfileHeader newHeader,
      HeapImage newHeap,
      RequestRecords newRequests,
      boolean newIncremental) {
    return new Profile(file, newHeader, newHeap, newRequests, pages, load, newIncremental);
  }

  /**
   * The interpreter to simulate.
   *
   * @throws ProfileException if it is not one of those known
   */
  PythonVersion version() {
    try {
      PythonVersion version = PythonVersion.parse(release());
      return incremental ? version.withIncrementalCollector() : version;
    } catch (IllegalArgumentException e) {
      throw new ProfileException(file, String.valueOf(e.getMessage()), e);
    }
  }

  /** Objects in the captured heap. */
  public int objects() {
    return heap.objects();
  }

  /** Objects of the captured heap that the collector tracked. */
  public int trackedObjects() {
    int tracked = 0;
    for (byte flag : heap.flag) {
      if (flag == HeapImage.TRACKED) {
        tracked++;
      }
    }
    return tracked;
  }
}
