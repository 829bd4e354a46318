package dev.preforklab.probe;

/**
 * Static probe points with primitive arguments, empty when nobody listens, in the manner of
 * CPython's DTrace probes. An agent attaches to them by name; the lab itself never reads what they
 * are told, so that watching cannot change a run.
 *
 * <p>Conventions: {@code host} is the index of a simulated host in this JVM; {@code slot} is the
 * worker slot (0..N-1) or {@link #MASTER}; times are simulated nanoseconds since the start of that
 * host; durations are nanoseconds; sizes are bytes. Strings occur only in the registrations, which
 * are told once.
 */
public final class Probes {
  /** The slot number that stands for the master process. */
  public static final int MASTER = -1;

  /** Index of each fault kind in {@link #pageFault}. */
  public static final int FAULT_DEMAND_ZERO = 0;

  public static final int FAULT_COW_COPY = 1;
  public static final int FAULT_COW_REUSE = 2;
  public static final int FAULT_FILE_MAP = 3;
  public static final int FAULT_MAJOR = 4;

  /** Index of each cause of a store in {@link #pageFault}; -1 where the access was a load. */
  public static final int CAUSE_REFCOUNT = 0;

  public static final int CAUSE_GC_HEADER = 1;
  public static final int CAUSE_ALLOCATOR = 2;
  public static final int CAUSE_FINALIZE = 3;
  public static final int CAUSE_DATA = 4;

  /** Why a worker ended, in {@link #processExited}. */
  public static final int EXIT_RSS_LIMIT = 0;

  public static final int EXIT_MAX_REQUESTS = 1;
  public static final int EXIT_RELOAD = 2;
  public static final int EXIT_OOM = 3;
  public static final int EXIT_SHUTDOWN = 4;

  private Probes() {}

  /** A simulated host exists. Told once, before anything else of that host. */
  public static void hostStarted(
      int host, String scenario, String gcSetting, String pythonVersion, int workers) {}

  /** The host is gone; its series end. */
  public static void hostStopped(int host) {}

  /** A name for the endpoint index used in the request probes. */
  public static void endpointNamed(int host, int endpoint, String method, String route) {}

  /** A process was forked (or, for the master, started). */
  public static void processForked(int host, int slot, int pid, int parentPid, long timeNs) {}

  /**
   * A process has ended.
   *
   * @param reason one of the EXIT_ constants
   * @param respawnNs from the decision to end it until its successor was ready, or -1 while unknown
   */
  public static void processExited(
      int host, int slot, int pid, int reason, long timeNs, long respawnNs) {}

  /** A page fault was served. */
  public static void pageFault(int host, int slot, int kind, int cause, long timeNs) {}

  /** A collection begins. */
  public static void gcStart(int host, int slot, int generation, long timeNs) {}

  /** A collection is over; {@code durationNs} is its pause in simulated time. */
  public static void gcDone(
      int host,
      int slot,
      int generation,
      long collected,
      long uncollectable,
      long timeNs,
      long durationNs) {}

  /** pymalloc mapped an arena. */
  public static void arenaAllocated(int host, int slot, long bytes, long timeNs) {}

  /** pymalloc returned an arena. */
  public static void arenaFreed(int host, int slot, long bytes, long timeNs) {}

  /** A worker begins to serve a request; {@code intendedNs} is when its arrival was due. */
  public static void requestStart(
      int host, int slot, int endpoint, long requestId, long intendedNs, long timeNs) {}

  /**
   * A request was answered.
   *
   * @param minorFaults minor faults of the worker while it served this request
   * @param cowCopies those of them that copied a page
   * @param gcPauseNs time spent in the collector
   */
  public static void requestEnd(
      int host,
      int slot,
      int endpoint,
      long requestId,
      long intendedNs,
      long timeNs,
      int status,
      long minorFaults,
      long cowCopies,
      long gcPauseNs) {}

  /** One process's memory at a sampling point, in the words of smaps_rollup. */
  public static void memorySample(
      int host,
      int slot,
      int pid,
      long timeNs,
      long rss,
      long pss,
      long sharedClean,
      long sharedDirty,
      long privateClean,
      long privateDirty,
      long virtualBytes) {}

  /** One process's running counters at a sampling point; all grow from the process's start. */
  public static void counterSample(
      int host,
      int slot,
      int pid,
      long timeNs,
      long startTimeNs,
      long cpuNs,
      long minorFaults,
      long majorFaults,
      long increfShared,
      long increfPrivate,
      long decrefShared,
      long decrefPrivate,
      long cowRefcount,
      long cowGcHeader,
      long cowAllocator,
      long cowFinalize,
      long cowData) {}

  /** One process's collector state at a sampling point. Generation 3 is the permanent one. */
  public static void gcSample(
      int host,
      int slot,
      int pid,
      long timeNs,
      long count0,
      long count1,
      long count2,
      long threshold0,
      long threshold1,
      long threshold2,
      long tracked0,
      long tracked1,
      long tracked2,
      long permanent) {}

  /** One generation's statistics (gc.get_stats) of one process at a sampling point. */
  public static void gcStatsSample(
      int host,
      int slot,
      int generation,
      long timeNs,
      long collections,
      long collected,
      long uncollectable) {}

  /** The host's memory at a sampling point. */
  public static void hostSample(int host, long timeNs, long totalBytes, long availableBytes) {}
}
