package dev.preforklab.agent;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/** Takes OTLP over http/protobuf and keeps what it was sent. */
final class OtlpReceiver implements AutoCloseable {
  private final HttpServer server;
  private final List<ProtobufFields> spans = new ArrayList<>();
  private final StringBuilder metrics = new StringBuilder();
  private int requests;

  OtlpReceiver() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/",
        exchange -> {
          byte[] body = exchange.getRequestBody().readAllBytes();
          synchronized (this) {
            requests++;
            if (exchange.getRequestURI().getPath().equals("/v1/traces")) {
              for (ProtobufFields resource : new ProtobufFields(body).messages(1)) {
                for (ProtobufFields scope : resource.messages(2)) {
                  spans.addAll(scope.messages(2));
                }
              }
            } else {
              metrics.append(new String(body, StandardCharsets.ISO_8859_1));
            }
            notifyAll();
          }
          exchange.sendResponseHeaders(200, -1);
          exchange.close();
        });
    server.start();
  }

  String endpoint() {
    return "http://127.0.0.1:" + server.getAddress().getPort();
  }

  synchronized List<ProtobufFields> spans() {
    return List.copyOf(spans);
  }

  /** All bodies sent to /v1/metrics; names stand in them in plain. */
  synchronized String metrics() {
    return metrics.toString();
  }

  synchronized int requests() {
    return requests;
  }

  /** Waits until what was received is enough, at most 15 s. */
  synchronized void await(Predicate<OtlpReceiver> enough) throws InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(15);
    while (!enough.test(this)) {
      long left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
      if (left <= 0) {
        throw new AssertionError("received only " + spans.size() + " spans: " + metrics);
      }
      wait(left);
    }
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
