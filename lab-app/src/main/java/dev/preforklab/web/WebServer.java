package dev.preforklab.web;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.preforklab.experiment.live.LiveControl;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * The live page and its API over HTTP.
 *
 * <pre>
 * GET  /                                   the page; its files beside it
 * GET  /api/state                          the newest snapshot
 * GET  /api/history                        the last minutes, oldest first, without processes
 * GET  /api/stream                         server-sent events, a snapshot a second
 * POST /api/restart?gc=NAME&amp;mode=rolling|full
 * POST /api/rate?rps=REQUESTS_A_SECOND
 * POST /api/speed?x=FACTOR
 * GET  /healthz                            {"status":"ok"}
 * </pre>
 *
 * Errors are JSON of one line, {@code {"error":"parameter: what is wrong"}}. All threads are
 * daemons and their number is bounded: the process lives as long as its main thread wants.
 */
public final class WebServer implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger("dev.preforklab.web");

  /** Threads for requests that end at once; each listener of the stream has one more. */
  private static final int REQUEST_THREADS = 8;

  private static final int BACKLOG = 64;

  static {
    // The JDK's server reads these once. Without nodelay each answer on a kept connection may wait
    // 40 ms for the other side's delayed acknowledgement; without a limit a request that is never
    // finished holds its thread for good.
    setIfAbsent("sun.net.httpserver.nodelay", "true");
    setIfAbsent("sun.net.httpserver.maxReqTime", "20");
  }

  private interface Handler {
    void handle(HttpExchange exchange) throws IOException, BadParameterException;
  }

  private record Route(String method, Handler handler) {}

  private final HttpServer server;
  private final ExecutorService threads;
  private final EventStream stream;
  private final StaticFiles files = new StaticFiles();
  private final OriginGuard guard;
  private final Map<String, Route> routes = new LinkedHashMap<>();
  private final String host;

  private WebServer(HttpServer server, String host, LiveControl control) {
    this.server = server;
    this.host = host;
    this.stream = new EventStream(control::snapshot);
    this.guard = new OriginGuard(host, server.getAddress().getAddress().isLoopbackAddress());
    this.threads = requestThreads();
    ControlApi api = new ControlApi(control);
    route("GET", "/api/state", x -> Reply.json(x, 200, SnapshotJson.state(control.snapshot())));
    route("GET", "/api/history", x -> Reply.json(x, 200, SnapshotJson.history(control.history())));
    route("GET", "/api/stream", stream::serve);
    route("GET", "/healthz", x -> Reply.json(x, 200, SnapshotJson.object(Map.of("status", "ok"))));
    route("POST", "/api/restart", api::restart);
    route("POST", "/api/rate", api::rate);
    route("POST", "/api/speed", api::speed);
    server.createContext("/", this::handle);
    server.setExecutor(threads);
  }

  /**
   * Starts to listen.
   *
   * @param host a name or address of this machine; "127.0.0.1" unless others are meant to see it
   * @param port 0 for any free one, see {@link #port()}
   * @throws ListenException if the port is taken or not allowed, or the host is not this machine;
   *     its message is one line that names it
   */
  public static WebServer start(String host, int port, LiveControl control) throws ListenException {
    if (port < 0 || port > 65_535) {
      throw new ListenException(
          "port " + port + " is not a port: 0 to 65535", new IllegalArgumentException());
    }
    WebServer web = new WebServer(listen(host, port), host, control);
    // The dispatcher thread inherits being a daemon from the thread that starts it.
    Thread starter = new Thread(web.server::start, "web-start");
    starter.setDaemon(true);
    starter.start();
    try {
      starter.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return web;
  }

  private static HttpServer listen(String host, int port) throws ListenException {
    try {
      InetAddress address = InetAddress.getByName(host);
      return HttpServer.create(new InetSocketAddress(address, port), BACKLOG);
    } catch (UnknownHostException e) {
      throw new ListenException("host " + host + " is unknown", e);
    } catch (BindException e) {
      String reason = String.valueOf(e.getMessage());
      if (reason.contains("in use")) {
        throw new ListenException(
            "port " + port + " on " + host + " is taken: another program listens there", e);
      }
      throw new ListenException(
          "cannot listen on port " + port + " of host " + host + ": " + reason, e);
    } catch (IOException e) {
      throw new ListenException(
          "cannot listen on port " + port + " of host " + host + ": " + e.getMessage(), e);
    }
  }

  /** The port it listens on. */
  public int port() {
    return server.getAddress().getPort();
  }

  /** The page's address for people. */
  public URI url() {
    boolean anyAddress = server.getAddress().getAddress().isAnyLocalAddress();
    String shown = anyAddress ? "localhost" : host.contains(":") ? "[" + host + "]" : host;
    return URI.create("http://" + shown + ":" + port() + "/");
  }

  /** How many pages listen to the stream at this moment. */
  public int listeners() {
    return stream.listeners();
  }

  /** Ends all connections and gives the port back. */
  @Override
  public void close() {
    stream.close();
    server.stop(0);
    threads.shutdownNow();
  }

  private void route(String method, String path, Handler handler) {
    routes.put(path, new Route(method, handler));
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      try {
        dispatch(exchange);
      } catch (BadParameterException e) {
        Reply.error(exchange, 400, String.valueOf(e.getMessage()));
      } catch (RuntimeException e) {
        LOG.log(System.Logger.Level.WARNING, "request " + exchange.getRequestURI().getPath(), e);
        if (exchange.getResponseCode() < 0) {
          Reply.error(exchange, 500, "internal fault: " + e.getClass().getSimpleName());
        }
      }
    } catch (IOException e) {
      // The client went away; there is nobody left to tell.
      LOG.log(System.Logger.Level.DEBUG, "connection ended", e);
    }
  }

  private void dispatch(HttpExchange exchange) throws IOException, BadParameterException {
    String path = String.valueOf(exchange.getRequestURI().getPath());
    String method = exchange.getRequestMethod();
    Route route = routes.get(path);
    StaticFiles.@Nullable File file = route == null ? files.find(path) : null;
    if (route == null && file == null) {
      Reply.error(exchange, 404, "path: there is nothing at " + Parameters.quote(path));
      return;
    }
    String expected = route == null ? "GET" : route.method();
    boolean head = method.equals("HEAD") && expected.equals("GET");
    if (!method.equals(expected) && !head) {
      exchange.getResponseHeaders().set("Allow", expected.equals("GET") ? "GET, HEAD" : expected);
      Reply.error(exchange, 405, "method: " + path + " takes " + expected);
    } else if (file != null) {
      StaticFiles.send(exchange, file);
    } else if (route != null) {
      String refusal = expected.equals("POST") ? guard.refusal(exchange.getRequestHeaders()) : null;
      if (refusal != null) {
        Reply.error(exchange, 403, refusal);
      } else if (head && path.equals("/api/stream")) {
        Reply.bytes(exchange, 200, "text/event-stream; charset=utf-8", new byte[0]);
      } else {
        route.handler().handle(exchange);
      }
    }
  }

  private static ExecutorService requestThreads() {
    AtomicInteger serial = new AtomicInteger();
    int size = REQUEST_THREADS + EventStream.MAX_LISTENERS;
    ThreadPoolExecutor pool =
        new ThreadPoolExecutor(
            size,
            size,
            30,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            task -> {
              Thread thread = new Thread(task, "web-" + serial.incrementAndGet());
              thread.setDaemon(true);
              return thread;
            });
    pool.allowCoreThreadTimeOut(true);
    return pool;
  }

  private static void setIfAbsent(String key, String value) {
    if (System.getProperty(key) == null) {
      System.setProperty(key, value);
    }
  }
}
