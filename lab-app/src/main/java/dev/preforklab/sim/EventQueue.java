package dev.preforklab.sim;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The pending events of a run in the order (time, serial): events of equal times run in the order
 * they were scheduled in, so a run is a function of its inputs alone.
 *
 * <p>A binary heap over three parallel arrays; scheduling and running allocate nothing once the
 * arrays have their size. Cancelling looks through the whole heap, which holds a few dozen events
 * in the runs this is made for. Not safe for use by several threads.
 */
public final class EventQueue {
  private long[] times = new long[64];
  private long[] serials = new long[64];
  private @Nullable Event[] events = new @Nullable Event[64];
  private int size;
  private long nextSerial = 1;
  private long nowNs;

  /** The time of the event that ran last, or that {@link #runUntil} has moved on to. */
  public long now() {
    return nowNs;
  }

  public int size() {
    return size;
  }

  public boolean isEmpty() {
    return size == 0;
  }

  /** Time of the next event, or {@link Long#MAX_VALUE} if there is none. */
  public long nextTime() {
    return size == 0 ? Long.MAX_VALUE : times[0];
  }

  /**
   * Schedules an event.
   *
   * @param timeNs not before {@link #now}
   * @return a handle for {@link #cancel}, never 0
   */
  public long schedule(long timeNs, Event event) {
    if (timeNs < nowNs) {
      throw new IllegalArgumentException(
          "event at " + timeNs + " ns lies before the present, " + nowNs + " ns");
    }
    if (size == times.length) {
      times = Arrays.copyOf(times, size * 2);
      serials = Arrays.copyOf(serials, size * 2);
      events = Arrays.copyOf(events, size * 2);
    }
    long serial = nextSerial++;
    siftUp(size++, timeNs, serial, event);
    return serial;
  }

  /** Schedules an event a number of nanoseconds from now. */
  public long scheduleAfter(long delayNs, Event event) {
    return schedule(Math.addExact(nowNs, delayNs), event);
  }

  /** Takes an event back; returns false if it has run already or was cancelled before. */
  public boolean cancel(long handle) {
    for (int i = 0; i < size; i++) {
      if (serials[i] == handle) {
        removeAt(i);
        return true;
      }
    }
    return false;
  }

  /** Runs the next event; returns false if there is none. */
  public boolean runNext() {
    if (size == 0) {
      return false;
    }
    Event event = events[0];
    nowNs = times[0];
    removeAt(0);
    if (event != null) {
      event.run(nowNs);
    }
    return true;
  }

  /** Runs all events up to and including a time, then moves the present on to it. */
  public void runUntil(long timeNs) {
    while (size > 0 && times[0] <= timeNs) {
      runNext();
    }
    nowNs = Math.max(nowNs, timeNs);
  }

  private void removeAt(int index) {
    int last = --size;
    long time = times[last];
    long serial = serials[last];
    Event event = events[last];
    events[last] = null;
    if (index == last) {
      return;
    }
    if (index > 0 && before(time, serial, (index - 1) >>> 1)) {
      siftUp(index, time, serial, event);
    } else {
      siftDown(index, time, serial, event);
    }
  }

  private boolean before(long time, long serial, int index) {
    return time < times[index] || (time == times[index] && serial < serials[index]);
  }

  private void siftUp(int start, long time, long serial, @Nullable Event event) {
    int index = start;
    while (index > 0) {
      int parent = (index - 1) >>> 1;
      if (!before(time, serial, parent)) {
        break;
      }
      move(parent, index);
      index = parent;
    }
    put(index, time, serial, event);
  }

  private void siftDown(int start, long time, long serial, @Nullable Event event) {
    int index = start;
    while (2 * index + 1 < size) {
      int child = 2 * index + 1;
      if (child + 1 < size && before(times[child + 1], serials[child + 1], child)) {
        child++;
      }
      if (before(time, serial, child)) {
        break;
      }
      move(child, index);
      index = child;
    }
    put(index, time, serial, event);
  }

  private void move(int from, int to) {
    put(to, times[from], serials[from], events[from]);
  }

  private void put(int index, long time, long serial, @Nullable Event event) {
    times[index] = time;
    serials[index] = serial;
    events[index] = event;
  }
}
