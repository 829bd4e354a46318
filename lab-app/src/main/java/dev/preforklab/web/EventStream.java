package dev.preforklab.web;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import dev.preforklab.experiment.live.LabSnapshot;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Server-sent events: the newest snapshot once a second to every listener.
 *
 * <p>A snapshot is turned into bytes once and put into a short queue of each listener, whose own
 * request thread writes it out. A listener whose queue is full has not read for {@value
 * #QUEUED_EVENTS} seconds: it is dropped by interrupting its thread, which closes its channel. So
 * nobody waits for the slowest.
 */
final class EventStream implements AutoCloseable {
  static final int MAX_LISTENERS = 24;
  private static final int QUEUED_EVENTS = 4;
  private static final long PERIOD_MS = 1000;

  /**
   * A stream ends by itself after this time and the browser opens the next one. Other users of the
   * JDK's server in this process may have set a limit on the time of a response, which would cut it
   * off less politely.
   */
  private static final long MAX_STREAM_SECONDS = 540;

  private final Supplier<LabSnapshot> snapshots;
  private final Semaphore places = new Semaphore(MAX_LISTENERS);
  private final List<Listener> listeners = new CopyOnWriteArrayList<>();
  private final ScheduledExecutorService ticker =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread thread = new Thread(task, "web-stream");
            thread.setDaemon(true);
            return thread;
          });
  private final Future<?> ticks;
  private volatile boolean closed;

  EventStream(Supplier<LabSnapshot> snapshots) {
    this.snapshots = snapshots;
    this.ticks =
        ticker.scheduleAtFixedRate(this::tick, PERIOD_MS, PERIOD_MS, TimeUnit.MILLISECONDS);
  }

  /** Serves one listener on the calling thread until it leaves or the stream ends. */
  void serve(HttpExchange exchange) throws IOException {
    if (closed || !places.tryAcquire()) {
      exchange.getResponseHeaders().set("Retry-After", "5");
      Reply.error(exchange, 503, "stream: " + MAX_LISTENERS + " listeners are connected already");
      return;
    }
    Listener listener = new Listener(Thread.currentThread());
    try {
      Headers headers = exchange.getResponseHeaders();
      Reply.securityHeaders(exchange);
      headers.set("Content-Type", "text/event-stream; charset=utf-8");
      headers.set("Cache-Control", "no-store");
      headers.set("X-Accel-Buffering", "no");
      exchange.sendResponseHeaders(200, 0);
      OutputStream out = exchange.getResponseBody();
      out.write("retry: 1000\n\n".getBytes(StandardCharsets.UTF_8));
      out.write(event(snapshots.get()));
      out.flush();
      listeners.add(listener);
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(MAX_STREAM_SECONDS);
      while (!closed && System.nanoTime() - end < 0) {
        byte[] event = listener.queue.poll(PERIOD_MS, TimeUnit.MILLISECONDS);
        if (event != null) {
          out.write(event);
          out.flush();
        }
      }
      out.close();
    } catch (InterruptedException e) {
      // Dropped as too slow, or the server stops: either way the connection just ends.
    } finally {
      listeners.remove(listener);
      listener.leave();
      places.release();
    }
  }

  int listeners() {
    return listeners.size();
  }

  private void tick() {
    if (listeners.isEmpty()) {
      return;
    }
    try {
      byte[] event = event(snapshots.get());
      for (Listener listener : listeners) {
        if (!listener.queue.offer(event)) {
          listener.drop();
        }
      }
    } catch (IOException | RuntimeException e) {
      System.getLogger("dev.preforklab.web").log(System.Logger.Level.WARNING, "stream", e);
    }
  }

  private static byte[] event(LabSnapshot snapshot) throws IOException {
    ByteArrayOutputStream event = new ByteArrayOutputStream();
    event.write("data: ".getBytes(StandardCharsets.UTF_8));
    event.write(SnapshotJson.state(snapshot));
    event.write("\n\n".getBytes(StandardCharsets.UTF_8));
    return event.toByteArray();
  }

  @Override
  public void close() {
    closed = true;
    ticks.cancel(true);
    ticker.shutdownNow();
    listeners.forEach(Listener::drop);
  }

  private static final class Listener {
    final BlockingQueue<byte[]> queue = new ArrayBlockingQueue<>(QUEUED_EVENTS);
    private @Nullable Thread thread;

    Listener(Thread thread) {
      this.thread = thread;
    }

    /** After this the thread belongs to the pool again and must not be interrupted. */
    synchronized void leave() {
      thread = null;
      Thread.interrupted();
    }

    synchronized void drop() {
      if (thread != null) {
        thread.interrupt();
      }
    }
  }
}
