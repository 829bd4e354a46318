package dev.preforklab.web;

import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;

/**
 * The page's files, read from the class path when the server starts and served from memory. A fixed
 * list: no request path is ever turned into a file name.
 */
final class StaticFiles {
  /** Where the chart library lies in its jar; the version is the one pinned in the build. */
  private static final String UPLOT = "META-INF/resources/webjars/uplot/1.6.30/dist/";

  private static final String HTML = "text/html; charset=utf-8";
  private static final String CSS = "text/css; charset=utf-8";
  private static final String SCRIPT = "text/javascript; charset=utf-8";

  private final Map<String, File> byPath = new LinkedHashMap<>();

  StaticFiles() {
    add("/", "web/index.html", HTML);
    for (String sheet : new String[] {"base.css", "page.css"}) {
      add("/" + sheet, "web/" + sheet, CSS);
    }
    for (String script :
        new String[] {
          "theme.js",
          "app.js",
          "charts.js",
          "connection.js",
          "controls.js",
          "dom.js",
          "format.js",
          "recipes.js",
          "series.js",
          "settings.js",
          "tiles.js",
          "workers.js"
        }) {
      add("/" + script, "web/" + script, SCRIPT);
    }
    add("/favicon.svg", "web/favicon.svg", "image/svg+xml");
    add("/vendor/uplot.js", UPLOT + "uPlot.esm.js", SCRIPT);
    add("/vendor/uplot.css", UPLOT + "uPlot.min.css", CSS);
  }

  @Nullable File find(String path) {
    return byPath.get(path);
  }

  /** Sends the file, or 304 if the browser's copy is the same. */
  static void send(HttpExchange exchange, File file) throws IOException {
    exchange.getResponseHeaders().set("ETag", file.tag());
    exchange.getResponseHeaders().set("Cache-Control", "no-cache");
    if (file.tag().equals(exchange.getRequestHeaders().getFirst("If-None-Match"))) {
      Reply.securityHeaders(exchange);
      exchange.sendResponseHeaders(304, -1);
      return;
    }
    Reply.bytes(exchange, 200, file.contentType(), file.content());
  }

  private void add(String path, String resource, String contentType) {
    try (InputStream in = StaticFiles.class.getClassLoader().getResourceAsStream(resource)) {
      if (in == null) {
        throw new IllegalStateException("not on the class path: " + resource);
      }
      byte[] content = in.readAllBytes();
      CRC32 crc = new CRC32();
      crc.update(content);
      String tag =
          '"' + HexFormat.of().toHexDigits((int) crc.getValue()) + '-' + content.length + '"';
      byPath.put(path, new File(contentType, content, tag));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + resource, e);
    }
  }

  /** A file in memory; not a record, because equality of arrays is by identity. */
  static final class File {
    private final String contentType;
    private final byte[] content;
    private final String tag;

    File(String contentType, byte[] content, String tag) {
      this.contentType = contentType;
      this.content = content;
      this.tag = tag;
    }

    String contentType() {
      return contentType;
    }

    byte[] content() {
      return content;
    }

    String tag() {
      return tag;
    }
  }
}
