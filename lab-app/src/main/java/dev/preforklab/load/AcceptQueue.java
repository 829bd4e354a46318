package dev.preforklab.load;

import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * The listening socket's queue: requests that wait for a worker, oldest first, up to the backlog;
 * one more is refused. Idle workers wait on the other side; never both sides at once.
 */
public final class AcceptQueue {
  private final ArrayDeque<Request> waiting = new ArrayDeque<>();
  private final int backlog;
  private final WorkerChoice choice;

  public AcceptQueue(int backlog, WorkerChoice choice) {
    this.backlog = backlog;
    this.choice = choice;
  }

  /** What became of a request that came in: a slot, or one of the two constants. */
  public static final int QUEUED = -1;

  public static final int REFUSED = -2;

  /**
   * A request comes in.
   *
   * @return the slot of the idle worker that takes it, {@link #QUEUED} or {@link #REFUSED}
   */
  public int offer(Request request) {
    int slot = choice.take();
    if (slot >= 0) {
      return slot;
    }
    if (waiting.size() >= backlog) {
      return REFUSED;
    }
    waiting.add(request);
    return QUEUED;
  }

  /**
   * A worker is ready to take a request.
   *
   * @return the oldest request that waits, or null: the worker waits
   */
  public @Nullable Request workerReady(int slot) {
    Request next = waiting.poll();
    if (next == null) {
      choice.idle(slot);
    }
    return next;
  }

  /** A worker that may have been idle takes no more requests. */
  public void workerGone(int slot) {
    choice.gone(slot);
  }

  /** Requests that wait. */
  public int length() {
    return waiting.size();
  }
}
