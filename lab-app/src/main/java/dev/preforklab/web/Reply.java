package dev.preforklab.web;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.util.Locale;
import java.util.Map;
import java.util.zip.GZIPOutputStream;

/** Sends whole responses; every one carries the security headers, and HEAD gets no body. */
final class Reply {
  static final String JSON = "application/json; charset=utf-8";

  /** Nothing from elsewhere, no inline script, no inline style, no frame around the page. */
  private static final String CONTENT_SECURITY_POLICY =
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
          + "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

  private static final int MIN_GZIP_BYTES = 1400;

  private Reply() {}

  static void securityHeaders(HttpExchange exchange) {
    Headers headers = exchange.getResponseHeaders();
    headers.set("Content-Security-Policy", CONTENT_SECURITY_POLICY);
    headers.set("X-Content-Type-Options", "nosniff");
    headers.set("X-Frame-Options", "DENY");
    headers.set("Referrer-Policy", "no-referrer");
    headers.set("Cross-Origin-Resource-Policy", "same-origin");
    headers.set("Cross-Origin-Opener-Policy", "same-origin");
  }

  static void json(HttpExchange exchange, int status, byte[] body) throws IOException {
    exchange.getResponseHeaders().set("Cache-Control", "no-store");
    bytes(exchange, status, JSON, body);
  }

  /** One line: {@code {"error":"message"}}. */
  static void error(HttpExchange exchange, int status, String message) throws IOException {
    json(exchange, status, SnapshotJson.object(Map.of("error", message)));
  }

  static void bytes(HttpExchange exchange, int status, String contentType, byte[] body)
      throws IOException {
    securityHeaders(exchange);
    Headers headers = exchange.getResponseHeaders();
    headers.set("Content-Type", contentType);
    headers.set("Vary", "Accept-Encoding");
    byte[] sent = body;
    if (body.length >= MIN_GZIP_BYTES && acceptsGzip(exchange)) {
      sent = gzip(body);
      headers.set("Content-Encoding", "gzip");
    }
    if (exchange.getRequestMethod().equals("HEAD")) {
      headers.set("Content-Length", Integer.toString(sent.length));
      exchange.sendResponseHeaders(status, -1);
    } else {
      exchange.sendResponseHeaders(status, sent.length == 0 ? -1 : sent.length);
      if (sent.length > 0) {
        try (OutputStream out = exchange.getResponseBody()) {
          out.write(sent);
        }
      }
    }
  }

  private static boolean acceptsGzip(HttpExchange exchange) {
    String accepted = exchange.getRequestHeaders().getFirst("Accept-Encoding");
    if (accepted == null) {
      return false;
    }
    for (String coding : accepted.toLowerCase(Locale.ROOT).split(",", -1)) {
      String trimmed = coding.replace(" ", "");
      if (trimmed.equals("gzip") || (trimmed.startsWith("gzip;") && !trimmed.endsWith("q=0"))) {
        return true;
      }
    }
    return false;
  }

  private static byte[] gzip(byte[] body) throws IOException {
    ByteArrayOutputStream packed = new ByteArrayOutputStream(body.length / 3);
    try (GZIPOutputStream out = new GZIPOutputStream(packed)) {
      out.write(body);
    }
    return packed.toByteArray();
  }
}
