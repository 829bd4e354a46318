package dev.preforklab.load;

import dev.preforklab.sim.EventQueue;
import java.util.BitSet;
import org.jspecify.annotations.Nullable;

/**
 * Drives one service: lets requests arrive when they are due, hands each to a worker or the accept
 * queue, and keeps the latencies of those that were answered.
 *
 * <p>The generator never looks at how the service fares, except through the answers that a closed
 * loop waits for. A refused or failed request counts as an error and has no latency.
 */
public final class LoadGenerator {
  /** The worker side: begins to serve a request in an idle slot at the present simulated time. */
  public interface Service {
    void serve(int slot, Request request);
  }

  /** HTTP status of a request that no worker took because the backlog was full. */
  public static final int STATUS_REFUSED = 503;

  /** HTTP status of a request whose worker died while serving it. */
  public static final int STATUS_WORKER_DIED = 502;

  public static final int STATUS_OK = 200;

  /** A closed loop's user who was refused does not ask again at the very same moment. */
  private static final long RETRY_AFTER_REFUSAL_NS = 10_000_000;

  private final EventQueue events;
  private final ArrivalProcess arrivals;
  private final RequestMix mix;
  private final AcceptQueue accept;
  private final LatencyRecorder latency;
  private final Service service;

  /** Sources whose next request is due but held back by the limit. */
  private final BitSet held = new BitSet();

  private long limit = Long.MAX_VALUE;
  private long issued;
  private long answered;
  private long errors;
  private @Nullable Runnable onLimit;

  public LoadGenerator(
      EventQueue events,
      ArrivalProcess arrivals,
      RequestMix mix,
      AcceptQueue accept,
      LatencyRecorder latency,
      Service service) {
    this.events = events;
    this.arrivals = arrivals;
    this.mix = mix;
    this.accept = accept;
    this.latency = latency;
    this.service = service;
  }

  /** Starts all sources at the present simulated time. */
  public void start() {
    for (int source = 0; source < arrivals.sources(); source++) {
      scheduleArrival(source, arrivals.first(source, events.now()));
    }
  }

  /**
   * Issues no more than so many requests in all, until told another limit; sources due beyond it
   * wait and go on at once when it is raised.
   *
   * @param reached called once, when that many requests have been issued and have ended
   */
  public void limit(long requests, Runnable reached) {
    limit = requests;
    onLimit = reached;
    for (int source = held.nextSetBit(0);
        source >= 0 && issued < limit;
        source = held.nextSetBit(source + 1)) {
      held.clear(source);
      arrive(source, events.now());
    }
    checkLimit();
  }

  private void scheduleArrival(int source, long dueNs) {
    if (dueNs != ArrivalProcess.NEVER) {
      events.schedule(dueNs, now -> arrive(source, now));
    }
  }

  private void arrive(int source, long dueNs) {
    if (issued >= limit) {
      held.set(source);
      return;
    }
    Request request = new Request(issued++, mix.next(), source, dueNs);
    scheduleArrival(source, arrivals.afterArrival(source, dueNs));
    int slot = accept.offer(request);
    if (slot >= 0) {
      service.serve(slot, request);
    } else if (slot == AcceptQueue.REFUSED) {
      errors++;
      long next = arrivals.afterAnswer(source, dueNs);
      scheduleArrival(
          source,
          next == ArrivalProcess.NEVER ? next : Math.max(next, dueNs + RETRY_AFTER_REFUSAL_NS));
      checkLimit();
    }
  }

  /** A worker is ready to take a request: after its start, or after each answer. */
  public void workerReady(int slot) {
    Request next = accept.workerReady(slot);
    if (next != null) {
      service.serve(slot, next);
    }
  }

  /** A worker takes no more requests; it need not have been idle. */
  public void workerGone(int slot) {
    accept.workerGone(slot);
  }

  /** A request that a worker took has ended, well or not. */
  public void ended(Request request, int status) {
    long now = events.now();
    if (status < 500) {
      answered++;
      latency.record(request, now);
    } else {
      errors++;
    }
    scheduleArrival(request.source(), arrivals.afterAnswer(request.source(), now));
    checkLimit();
  }

  private void checkLimit() {
    Runnable reached = onLimit;
    if (reached != null && issued >= limit && answered + errors >= limit) {
      onLimit = null;
      reached.run();
    }
  }

  /**
   * Changes the mean rate of an open loop.
   *
   * @return false if the load has no rate
   */
  public boolean setRate(double requestsPerSecond) {
    return arrivals.setRate(requestsPerSecond);
  }

  public long issued() {
    return issued;
  }

  /** Requests answered well. */
  public long answered() {
    return answered;
  }

  /** Requests refused, or whose worker died. */
  public long errors() {
    return errors;
  }

  /** Requests that wait for a worker. */
  public int queued() {
    return accept.length();
  }

  public LatencyRecorder latency() {
    return latency;
  }
}
