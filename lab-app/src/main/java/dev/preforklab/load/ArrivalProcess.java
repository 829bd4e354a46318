package dev.preforklab.load;

import java.util.function.DoubleSupplier;

/**
 * When requests are due. A process has one or more independent sources: an open loop has one, a
 * closed loop has one for each user.
 *
 * <p>An open loop never waits for answers, so that a service that stalls meets the full queue it
 * would meet in reality; with latency counted from the due time there is no coordinated omission
 * (G. Tene, "How NOT to Measure Latency"). In a closed loop a slow answer delays the user's next
 * request by definition, and the latencies say less about a service under pressure.
 */
public abstract class ArrivalProcess {
  /** Never: the source waits for an answer. */
  public static final long NEVER = Long.MAX_VALUE;

  private static final double NANOSECONDS_IN_SECOND = 1e9;

  /** How many sources there are. */
  public int sources() {
    return 1;
  }

  /** When a source's first request is due, given the time the load starts. */
  public abstract long first(int source, long startNs);

  /** When a source's next request is due once the one of {@code dueNs} has arrived, or NEVER. */
  public abstract long afterArrival(int source, long dueNs);

  /** When a source's next request is due after an answer at {@code nowNs}, or NEVER. */
  public long afterAnswer(int source, long nowNs) {
    return NEVER;
  }

  /**
   * Changes the mean rate from the next arrival on.
   *
   * @return false if the process has no rate
   */
  public boolean setRate(double requestsPerSecond) {
    return false;
  }

  /** Requests at equal distances. */
  public static ArrivalProcess constant(double requestsPerSecond) {
    return new OpenLoop(requestsPerSecond, 1) {
      @Override
      double gap() {
        return 1;
      }
    };
  }

  /**
   * A Poisson process: exponential gaps, drawn by inversion.
   *
   * @param uniform draws from [0, 1)
   */
  public static ArrivalProcess poisson(double requestsPerSecond, DoubleSupplier uniform) {
    return new OpenLoop(requestsPerSecond, 1) {
      @Override
      double gap() {
        return -StrictMath.log1p(-uniform.getAsDouble());
      }
    };
  }

  /** So many requests at one moment, at equal distances that keep the mean rate. */
  public static ArrivalProcess bursts(double requestsPerSecond, int burstSize) {
    return new OpenLoop(requestsPerSecond, burstSize) {
      @Override
      double gap() {
        return 1;
      }
    };
  }

  /** Users who ask, wait for the answer, think, and ask again. All ask at the start. */
  public static ArrivalProcess closed(int users, long thinkTimeNs) {
    return new ArrivalProcess() {
      @Override
      public int sources() {
        return users;
      }

      @Override
      public long first(int source, long startNs) {
        return startNs;
      }

      @Override
      public long afterArrival(int source, long dueNs) {
        return NEVER;
      }

      @Override
      public long afterAnswer(int source, long nowNs) {
        return nowNs + thinkTimeNs;
      }
    };
  }

  /** One source whose requests come in groups, the groups apart by a gap of mean 1 / rate each. */
  private abstract static class OpenLoop extends ArrivalProcess {
    private final int groupSize;
    private double meanGapNs;
    private int leftInGroup;

    /** The fraction of a nanosecond that rounding to whole ones has left over. */
    private double remainder;

    OpenLoop(double requestsPerSecond, int groupSize) {
      this.groupSize = groupSize;
      this.meanGapNs = groupSize * NANOSECONDS_IN_SECOND / requestsPerSecond;
      this.leftInGroup = groupSize;
    }

    /** The next gap as a multiple of the mean gap. */
    abstract double gap();

    @Override
    public final long first(int source, long startNs) {
      return later(startNs);
    }

    @Override
    public final long afterArrival(int source, long dueNs) {
      if (--leftInGroup > 0) {
        return dueNs;
      }
      leftInGroup = groupSize;
      return later(dueNs);
    }

    @Override
    public final boolean setRate(double requestsPerSecond) {
      meanGapNs = groupSize * NANOSECONDS_IN_SECOND / requestsPerSecond;
      return true;
    }

    private long later(long fromNs) {
      double exact = gap() * meanGapNs + remainder;
      long whole = (long) exact;
      remainder = exact - whole;
      return fromNs + whole;
    }
  }
}
