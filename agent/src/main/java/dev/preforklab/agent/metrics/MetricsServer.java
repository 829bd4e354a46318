package dev.preforklab.agent.metrics;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.prometheus.client.CollectorRegistry;
import io.prometheus.client.exporter.common.TextFormat;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.Writer;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.zip.GZIPOutputStream;
import org.jspecify.annotations.Nullable;

/**
 * Serves {@code /metrics} (the simulated hosts) and {@code /metrics/jvm} (this JVM), each its own
 * registry, as Prometheus text or, where the client's Accept header asks for it, OpenMetrics.
 *
 * <p>All threads are daemons: the server never keeps a finished lab alive.
 */
public final class MetricsServer implements AutoCloseable {
  private final HttpServer server;
  private final ExecutorService executor;

  private MetricsServer(HttpServer server, ExecutorService executor) {
    this.server = server;
    this.executor = executor;
  }

  /**
   * Binds and starts to serve.
   *
   * @param jvm registry of the JVM's own metrics, null for none
   * @throws IOException where the address cannot be bound
   */
  public static MetricsServer start(
      InetSocketAddress address, CollectorRegistry lab, @Nullable CollectorRegistry jvm)
      throws IOException {
    // Answers are header and body in two writes; without this they meet delayed acknowledgements.
    if (System.getProperty("sun.net.httpserver.nodelay") == null) {
      System.setProperty("sun.net.httpserver.nodelay", "true");
    }
    HttpServer server = HttpServer.create(address, 16);
    AtomicInteger number = new AtomicInteger();
    ExecutorService executor =
        Executors.newFixedThreadPool(
            2,
            task -> {
              Thread thread = new Thread(task, "prefork-agent-http-" + number.incrementAndGet());
              thread.setDaemon(true);
              return thread;
            });
    server.setExecutor(executor);
    server.createContext("/", exchange -> answer(exchange, "/metrics", lab, jvm));
    // HttpServer.start() makes its dispatcher thread inherit this thread's daemon flag.
    Thread starter = new Thread(server::start, "prefork-agent-http");
    starter.setDaemon(true);
    starter.start();
    try {
      starter.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return new MetricsServer(server, executor);
  }

  private static void answer(
      HttpExchange exchange, String labPath, CollectorRegistry lab, @Nullable CollectorRegistry jvm)
      throws IOException {
    try (exchange) {
      String path = exchange.getRequestURI().getPath();
      if (path.equals(labPath)) {
        sendMetrics(exchange, lab);
      } else if (path.equals(labPath + "/jvm") && jvm != null) {
        sendMetrics(exchange, jvm);
      } else {
        byte[] body = "not found; see /metrics and /metrics/jvm\n".getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "text/plain; charset=utf-8");
        exchange.sendResponseHeaders(404, body.length);
        exchange.getResponseBody().write(body);
      }
    }
  }

  private static void sendMetrics(HttpExchange exchange, CollectorRegistry registry)
      throws IOException {
    String contentType =
        TextFormat.chooseContentType(exchange.getRequestHeaders().getFirst("Accept"));
    String encodings = exchange.getRequestHeaders().getFirst("Accept-Encoding");
    boolean gzip = encodings != null && encodings.contains("gzip");
    byte[] body = render(contentType, registry);
    if (gzip) {
      body = compress(body);
    }
    exchange.getResponseHeaders().set("Content-Type", contentType);
    if (gzip) {
      exchange.getResponseHeaders().set("Content-Encoding", "gzip");
    }
    boolean head = exchange.getRequestMethod().equals("HEAD");
    exchange.sendResponseHeaders(200, head ? -1 : body.length);
    if (!head) {
      exchange.getResponseBody().write(body);
    }
  }

  /** The scrape itself, in UTF-8. */
  static byte[] render(String contentType, CollectorRegistry registry) throws IOException {
    TextBuffer text = new TextBuffer();
    TextFormat.writeFormat(contentType, text, registry.metricFamilySamples());
    return text.toString().getBytes(StandardCharsets.UTF_8);
  }

  private static byte[] compress(byte[] body) throws IOException {
    ByteArrayOutputStream compressed = new ByteArrayOutputStream(body.length / 8);
    try (OutputStream gzip = new GZIPOutputStream(compressed, 1 << 13)) {
      gzip.write(body);
    }
    return compressed.toByteArray();
  }

  /**
   * Where the format writes to. It writes label values one character at a time, hundreds of
   * thousands a scrape: no lock and no encoder may stand between.
   */
  private static final class TextBuffer extends Writer {
    private final StringBuilder text = new StringBuilder(1 << 18);

    @Override
    public void write(int c) {
      text.append((char) c);
    }

    @Override
    public void write(String s) {
      text.append(s);
    }

    @Override
    public void write(String s, int offset, int length) {
      text.append(s, offset, offset + length);
    }

    @Override
    public void write(char[] chars, int offset, int length) {
      text.append(chars, offset, length);
    }

    @Override
    public void flush() {}

    @Override
    public void close() {}

    @Override
    public String toString() {
      return text.toString();
    }
  }

  /** The port served, also where 0 was asked for. */
  public int port() {
    return server.getAddress().getPort();
  }

  @Override
  public void close() {
    server.stop(0);
    executor.shutdown();
  }
}
