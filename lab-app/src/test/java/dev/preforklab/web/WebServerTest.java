package dev.preforklab.web;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.Headers;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class WebServerTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final FakeLiveControl lab = new FakeLiveControl("default", "freeze");
  private final HttpClient client = HttpClient.newHttpClient();
  private WebServer server;

  @BeforeEach
  void start() throws ListenException {
    server = WebServer.start("127.0.0.1", 0, lab);
  }

  @AfterEach
  void stop() {
    server.close();
  }

  @Test
  void stateHoldsTheRecordsOwnNamesAndNullForWhatIsNotANumberYet() throws Exception {
    JsonNode before = JSON.readTree(get("/api/state").body());
    assertThat(before.at("/hosts/0/latencyP50Ms").isNull()).isTrue();
    lab.tick();
    HttpResponse<String> answer = get("/api/state");
    JsonNode state = JSON.readTree(answer.body());
    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.headers().firstValue("Content-Type"))
        .contains("application/json; charset=utf-8");
    assertThat(answer.headers().firstValue("Cache-Control")).contains("no-store");
    assertThat(state.at("/simulatedSeconds").asDouble()).isEqualTo(1);
    assertThat(state.at("/hosts/1/gc").asText()).isEqualTo("freeze");
    assertThat(state.at("/hosts/1/sharedRatio").asDouble()).isBetween(0.1, 1.0);
    assertThat(state.at("/hosts/1/cowFaults")).hasSize(5);
    assertThat(state.at("/hosts/1/master/slot").asInt()).isEqualTo(-1);
    assertThat(state.at("/hosts/1/workers/3/slot").asInt()).isEqualTo(3);
  }

  @Test
  void historyIsOldestFirstAndWithoutProcesses() throws Exception {
    lab.tick();
    lab.tick();
    JsonNode history = JSON.readTree(get("/api/history").body());
    assertThat(history).hasSize(3);
    assertThat(history.at("/0/wallSeconds").asDouble()).isZero();
    assertThat(history.at("/2/wallSeconds").asDouble()).isEqualTo(2);
    assertThat(history.at("/2/hosts/0/gcCollections")).hasSize(3);
    assertThat(history.at("/2/hosts/0").has("workers")).isFalse();
    assertThat(history.at("/2/hosts/0").has("master")).isFalse();
  }

  @Test
  void streamSendsTheNewestSnapshotAtOnceAndThenOneASecond() throws Exception {
    try (BufferedReader stream = openStream()) {
      assertThat(nextEvent(stream).at("/wallSeconds").asDouble()).isZero();
      lab.tick();
      long begin = System.nanoTime();
      assertThat(nextEvent(stream).at("/wallSeconds").asDouble()).isEqualTo(1);
      nextEvent(stream);
      double seconds = (System.nanoTime() - begin) / 1e9;
      assertThat(seconds).isBetween(0.9, 6.0);
      assertThat(server.listeners()).isEqualTo(1);
    }
    awaitListeners(0);
  }

  @Test
  void streamRefusesOneListenerTooManyButStillServesThePage() throws Exception {
    List<BufferedReader> open = new ArrayList<>();
    try {
      for (int i = 0; i < EventStream.MAX_LISTENERS; i++) {
        BufferedReader stream = openStream();
        open.add(stream);
        nextEvent(stream);
      }
      HttpResponse<String> refused = get("/api/stream");
      assertThat(refused.statusCode()).isEqualTo(503);
      assertThat(error(refused)).isEqualTo("stream: 24 listeners are connected already");
      assertThat(get("/").statusCode()).isEqualTo(200);
    } finally {
      for (BufferedReader stream : open) {
        stream.close();
      }
    }
  }

  @Test
  void aListenerThatDoesNotReadIsDroppedAndHoldsNobodyUp() throws Exception {
    FakeLiveControl big = new FakeLiveControl(manySettings());
    try (WebServer other = WebServer.start("127.0.0.1", 0, big);
        Socket lazy = new Socket()) {
      lazy.setReceiveBufferSize(4096);
      lazy.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), other.port()));
      lazy.getOutputStream()
          .write("GET /api/stream HTTP/1.1\r\nHost: localhost\r\n\r\n".getBytes(UTF_8));
      try (BufferedReader diligent = openStream(other)) {
        int received = 0;
        long end = System.nanoTime() + 20_000_000_000L;
        do {
          nextEvent(diligent);
          received++;
        } while ((received < 3 || other.listeners() > 1) && System.nanoTime() < end);
        assertThat(received).isGreaterThanOrEqualTo(3);
        assertThat(other.listeners()).as("only the one that reads is left").isEqualTo(1);
      }
    }
  }

  @Test
  void controlsHandOnWhatWasAsked() throws Exception {
    assertThat(post("/api/restart?gc=freeze&mode=rolling").body())
        .isEqualTo("{\"gc\":\"freeze\",\"mode\":\"rolling\"}");
    assertThat(post("/api/restart?gc=all&mode=full").statusCode()).isEqualTo(200);
    assertThat(post("/api/rate?rps=12.5").body()).isEqualTo("{\"rps\":12.5}");
    assertThat(post("/api/speed?x=2").body()).isEqualTo("{\"x\":2.0}");
    assertThat(lab.asked)
        .containsExactly("restart freeze rolling", "restart all full", "rate 12.5", "speed 2.0");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "/api/restart | gc: missing",
        "/api/restart?gc= | gc: missing",
        "/api/restart?gc=freeze | mode: missing",
        "/api/restart?gc=freeze&mode=slow | mode: 'slow' is neither rolling nor full",
        "/api/restart?gc=no&mode=full | gc: 'no' is not one of default, freeze, all",
        "/api/restart?gc=freeze&gc=all&mode=full | gc: given twice",
        "/api/restart?gc=freeze&mode=full&now=1 | 'now': unknown parameter; known: gc, mode",
        "/api/rate | rps: missing",
        "/api/rate?rps=fast | rps: 'fast' is not a number",
        "/api/rate?rps=-3 | rps: '-3' is not from 0.1 to 100000",
        "/api/rate?rps=0 | rps: '0' is not from 0.1 to 100000",
        "/api/rate?rps=NaN | rps: 'NaN' is not from 0.1 to 100000",
        "/api/rate?rps=Infinity | rps: 'Infinity' is not from 0.1 to 100000",
        "/api/speed?x=1e300 | x: '1e300' is not from 0.01 to 1000",
        "/api/speed?y=1 | 'y': unknown parameter; known: x",
        "/api/speed?x=%0A | x: missing",
      })
  void badValuesAreAnsweredByOneLineThatNamesTheParameter(String path, String message)
      throws Exception {
    HttpResponse<String> answer = post(path);
    assertThat(answer.statusCode()).isEqualTo(400);
    assertThat(error(answer)).isEqualTo(message);
    assertThat(answer.body()).doesNotContain("\n");
    assertThat(lab.asked).isEmpty();
  }

  @Test
  void otherSitesAndForeignNamesMayNotChangeTheRun() throws Exception {
    String path = "/api/rate?rps=1";
    assertThat(raw("POST", path, "Host: evil.example\r\n")).startsWith("HTTP/1.1 403");
    assertThat(raw("POST", path, "Host: evil.example:" + server.port() + "\r\n"))
        .contains("Host: 'evil.example:" + server.port() + "' is not this server");
    assertThat(raw("POST", path, "Host: 192.168.1.9\r\n")).startsWith("HTTP/1.1 403");
    String own = "Host: localhost:" + server.port() + "\r\n";
    assertThat(raw("POST", path, own + "Origin: http://evil.example\r\n"))
        .startsWith("HTTP/1.1 403");
    assertThat(raw("POST", path, own + "Origin: null\r\n")).startsWith("HTTP/1.1 403");
    assertThat(raw("POST", path, own + "Origin: http://localhost:1\r\n"))
        .startsWith("HTTP/1.1 403");
    assertThat(raw("POST", path, own + "Sec-Fetch-Site: cross-site\r\n"))
        .startsWith("HTTP/1.1 403");
    assertThat(lab.asked).isEmpty();
    assertThat(raw("POST", path, own + "Origin: http://localhost:" + server.port() + "\r\n"))
        .startsWith("HTTP/1.1 200");
    assertThat(raw("POST", path, "Host: [::1]\r\n")).startsWith("HTTP/1.1 200");
    assertThat(lab.asked).containsExactly("rate 1.0", "rate 1.0");
  }

  @ParameterizedTest
  @CsvSource({
    "localhost:8080, true",
    "127.0.0.1, true",
    "[::1]:8080, true",
    "lab:8080, true",
    "192.168.1.9:8080, true",
    "[fe80::1]:8080, true",
    "evil.example, false",
    "127.0.0.1.evil.example, false",
    "'', false",
  })
  void beyondLoopbackAddressesAndLocalNamesAreOurOwnToo(String host, boolean passes) {
    Headers headers = new Headers();
    headers.set("Host", host);
    String refusal = new OriginGuard("0.0.0.0", false).refusal(headers);
    assertThat(refusal == null).isEqualTo(passes);
  }

  @ParameterizedTest
  @CsvSource({
    "/, text/html",
    "/base.css, text/css",
    "/page.css, text/css",
    "/theme.js, text/javascript",
    "/app.js, text/javascript",
    "/vendor/uplot.js, text/javascript",
    "/vendor/uplot.css, text/css",
    "/favicon.svg, image/svg+xml",
  })
  void filesHaveTheirTypeAndTheSecurityHeaders(String path, String type) throws Exception {
    HttpResponse<String> answer = get(path);
    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.body()).isNotBlank();
    assertThat(answer.headers().firstValue("Content-Type").orElse("")).startsWith(type);
    assertThat(answer.headers().firstValue("Content-Security-Policy").orElse(""))
        .contains("default-src 'none'")
        .contains("script-src 'self'")
        .doesNotContain("unsafe");
    assertThat(answer.headers().firstValue("X-Content-Type-Options")).contains("nosniff");
    assertThat(answer.headers().firstValue("X-Frame-Options")).contains("DENY");
  }

  @Test
  void everyFileThatThePageNamesIsServedAndNothingComesFromElsewhere() throws Exception {
    List<String> pending = new ArrayList<>(List.of("/"));
    for (int i = 0; i < pending.size(); i++) {
      HttpResponse<String> answer = get(pending.get(i));
      assertThat(answer.statusCode()).as(pending.get(i)).isEqualTo(200);
      if (pending.get(i).startsWith("/vendor/") || pending.get(i).startsWith("/api/")) {
        continue;
      }
      assertThat(answer.body().replace("http://www.w3.org/2000/svg", "")).doesNotContain("://");
      Matcher named =
          Pattern.compile("(?:src|href)=\"(/[^\"]*)\"|from '\\.?(/[^']+)'").matcher(answer.body());
      while (named.find()) {
        String path = named.group(1) == null ? named.group(2) : named.group(1);
        if (!pending.contains(path)) {
          pending.add(path);
        }
      }
    }
    assertThat(pending).contains("/app.js", "/charts.js", "/vendor/uplot.js", "/base.css");
  }

  @Test
  void anUnchangedFileIsNotSentAgainAndLargeAnswersArePacked() throws Exception {
    String tag = get("/app.js").headers().firstValue("ETag").orElseThrow();
    HttpResponse<String> again =
        client.send(
            request("/app.js").header("If-None-Match", tag).build(), BodyHandlers.ofString());
    assertThat(again.statusCode()).isEqualTo(304);
    assertThat(again.body()).isEmpty();

    HttpResponse<byte[]> packed =
        client.send(
            request("/api/state").header("Accept-Encoding", "gzip").build(),
            BodyHandlers.ofByteArray());
    assertThat(packed.headers().firstValue("Content-Encoding")).contains("gzip");
    try (InputStream in = new GZIPInputStream(new ByteArrayInputStream(packed.body()))) {
      assertThat(JSON.readTree(in).at("/hosts/0/gc").asText()).isEqualTo("default");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/nothing",
        "/api",
        "/api/",
        "/index.html",
        "/../pom.xml",
        "/vendor/%2e%2e/x",
      })
  void anUnknownPathIsNotFoundInJson(String path) throws Exception {
    String answer = raw("GET", path, "Host: localhost\r\n");
    assertThat(answer).startsWith("HTTP/1.1 404").contains("{\"error\":\"path: ");
  }

  @Test
  void headHasTheHeadersAndNoBody() throws Exception {
    for (String path : List.of("/", "/api/state", "/healthz", "/api/stream")) {
      HttpResponse<String> head =
          client.send(
              request(path).method("HEAD", BodyPublishers.noBody()).build(),
              BodyHandlers.ofString());
      assertThat(head.statusCode()).as(path).isEqualTo(200);
      assertThat(head.body()).isEmpty();
    }
    assertThat(get("/healthz").body()).isEqualTo("{\"status\":\"ok\"}");
  }

  @Test
  void aWrongMethodIsToldTheRightOne() throws Exception {
    HttpResponse<String> got = get("/api/rate?rps=1");
    assertThat(got.statusCode()).isEqualTo(405);
    assertThat(got.headers().firstValue("Allow")).contains("POST");
    HttpResponse<String> posted = post("/api/state");
    assertThat(posted.statusCode()).isEqualTo(405);
    assertThat(posted.headers().firstValue("Allow")).contains("GET, HEAD");
    assertThat(lab.asked).isEmpty();
  }

  @Test
  void aTakenPortIsNamedInOneLine() throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      int port = taken.getLocalPort();
      assertThatThrownBy(() -> WebServer.start("127.0.0.1", port, lab))
          .isInstanceOf(ListenException.class)
          .hasMessage("port " + port + " on 127.0.0.1 is taken: another program listens there");
    }
    assertThatThrownBy(() -> WebServer.start("127.0.0.1", 70_000, lab))
        .isInstanceOf(ListenException.class)
        .hasMessage("port 70000 is not a port: 0 to 65535");
    assertThatThrownBy(() -> WebServer.start("192.0.2.1", 0, lab))
        .isInstanceOf(ListenException.class)
        .hasMessageContaining("192.0.2.1");
  }

  @Test
  void closingEndsStreamsFreesThePortAndLeavesNoThreadThatIsNotADaemon() throws Exception {
    int port = server.port();
    try (BufferedReader stream = openStream()) {
      nextEvent(stream);
      assertThat(Thread.getAllStackTraces().keySet())
          .filteredOn(
              thread ->
                  thread.getName().startsWith("web-") || thread.getName().startsWith("HTTP-Disp"))
          .isNotEmpty()
          .allMatch(Thread::isDaemon);
      server.close();
      assertThatThrownBy(
              () -> {
                while (stream.readLine() != null) {
                  // Reads what was still under way, up to the end or the reset.
                }
                throw new IOException("ended");
              })
          .isInstanceOf(IOException.class);
    }
    try (WebServer next = WebServer.start("127.0.0.1", port, lab)) {
      assertThat(next.url()).isEqualTo(URI.create("http://127.0.0.1:" + port + "/"));
    }
  }

  private HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(server.url().resolve(path));
  }

  private HttpResponse<String> get(String path) throws Exception {
    return client.send(request(path).build(), BodyHandlers.ofString());
  }

  private HttpResponse<String> post(String path) throws Exception {
    return client.send(
        request(path).POST(BodyPublishers.noBody()).build(), BodyHandlers.ofString());
  }

  private static String error(HttpResponse<String> answer) throws IOException {
    return JSON.readTree(answer.body()).at("/error").asText();
  }

  private BufferedReader openStream() throws Exception {
    return openStream(server);
  }

  private BufferedReader openStream(WebServer from) throws Exception {
    HttpResponse<InputStream> answer =
        client.send(
            HttpRequest.newBuilder(from.url().resolve("/api/stream")).build(),
            BodyHandlers.ofInputStream());
    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.headers().firstValue("Content-Type").orElse(""))
        .startsWith("text/event-stream");
    return new BufferedReader(new InputStreamReader(answer.body(), UTF_8));
  }

  private static JsonNode nextEvent(BufferedReader stream) throws IOException {
    String line = stream.readLine();
    while (line != null && !line.startsWith("data: ")) {
      line = stream.readLine();
    }
    if (line == null) {
      throw new IOException("the stream ended");
    }
    return JSON.readTree(line.substring("data: ".length()));
  }

  private void awaitListeners(int expected) throws InterruptedException {
    long end = System.nanoTime() + 8_000_000_000L;
    while (server.listeners() != expected && System.nanoTime() < end) {
      Thread.sleep(50);
    }
    assertThat(server.listeners()).isEqualTo(expected);
  }

  /** A request as it stands, for what a client library would not send. */
  private String raw(String method, String path, String headers) throws IOException {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.port())) {
      socket.setSoTimeout(10_000);
      String request =
          method
              + " "
              + path
              + " HTTP/1.1\r\n"
              + headers
              + "Content-Length: 0\r\nConnection: close\r\n\r\n";
      socket.getOutputStream().write(request.getBytes(UTF_8));
      return new String(socket.getInputStream().readAllBytes(), UTF_8);
    }
  }

  /** So many hosts that a snapshot does not fit into the buffers of a socket. */
  private static String[] manySettings() {
    String[] settings = new String[1000];
    for (int i = 0; i < settings.length; i++) {
      settings[i] = "threshold=" + (i + 1) + ",10,10";
    }
    return settings;
  }
}
