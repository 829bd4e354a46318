package dev.preforklab.agent;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** A JVM that runs {@link ScriptedLab}, with the built agent jar or without. */
final class LabProcess implements AutoCloseable {
  private static final Pattern URL = Pattern.compile("metrics on (http://\\S+?)/metrics");
  private static final HttpClient HTTP =
      HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).build();

  private final Process process;
  private final List<String> errors = new ArrayList<>();
  private final BufferedReader output;
  private final Thread errorReader;

  private LabProcess(Process process) {
    this.process = process;
    this.output = process.inputReader(StandardCharsets.UTF_8);
    this.errorReader =
        new Thread(
            () -> {
              try (BufferedReader reader =
                  new BufferedReader(
                      new InputStreamReader(process.getErrorStream(), StandardCharsets.UTF_8))) {
                String line;
                while ((line = reader.readLine()) != null) {
                  synchronized (errors) {
                    errors.add(line);
                    errors.notifyAll();
                  }
                }
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            });
    errorReader.setDaemon(true);
    errorReader.start();
  }

  /** The jar that {@code mvn package} built. */
  static Path agentJar() {
    Path jar = Path.of("target", "agent.jar").toAbsolutePath();
    if (!Files.exists(jar)) {
      throw new IllegalStateException(jar + " is not built; run mvn package");
    }
    return jar;
  }

  /**
   * Starts the JVM.
   *
   * @param agentArguments null: without the agent
   */
  static LabProcess start(
      @Nullable String agentArguments, Map<String, String> environment, String script)
      throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-Xmx256m");
    if (agentArguments != null) {
      command.add("-javaagent:" + agentJar() + "=" + agentArguments);
    }
    if (Runtime.version().feature() >= 21) {
      command.add("-XX:+EnableDynamicAgentLoading");
    }
    command.addAll(
        List.of("-cp", Path.of("target", "test-classes").toString(), ScriptedLab.class.getName()));
    command.add(script);
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().keySet().removeIf(name -> name.startsWith("OTEL_"));
    builder.environment().remove("JAVA_TOOL_OPTIONS");
    builder.environment().putAll(environment);
    return new LabProcess(builder.start());
  }

  /** Waits until the script is done (or, where it goes on, has begun). */
  LabProcess awaitReady() throws IOException {
    String line;
    while ((line = output.readLine()) != null) {
      if (line.equals("ready")) {
        return this;
      }
    }
    throw new IllegalStateException("the lab ended before it was ready: " + errors());
  }

  /** All that stands on standard error so far. */
  List<String> errors() {
    synchronized (errors) {
      return List.copyOf(errors);
    }
  }

  /** The first line on standard error that contains {@code text}; waits for it. */
  String awaitError(String text) throws InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(15);
    synchronized (errors) {
      while (true) {
        for (String line : errors) {
          if (line.contains(text)) {
            return line;
          }
        }
        long left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
        if (left <= 0) {
          throw new AssertionError("no \"" + text + "\" on standard error: " + errors);
        }
        errors.wait(left);
      }
    }
  }

  /** Where the agent serves, without a path. */
  String url() throws InterruptedException {
    Matcher matcher = URL.matcher(awaitError("metrics on"));
    if (!matcher.find()) {
      throw new AssertionError("no URL in " + errors());
    }
    return matcher.group(1);
  }

  HttpResponse<String> get(String path, String accept) throws IOException, InterruptedException {
    return HTTP.send(
        HttpRequest.newBuilder(URI.create(url() + path))
            .timeout(Duration.ofSeconds(10))
            .header("Accept", accept)
            .build(),
        HttpResponse.BodyHandlers.ofString());
  }

  /** The whole scrape as Prometheus text. */
  String scrape() throws IOException, InterruptedException {
    return get("/metrics", "text/plain").body();
  }

  long pid() {
    return process.pid();
  }

  /** Waits for the JVM to end by itself and returns its exit code. */
  int awaitExit() throws InterruptedException {
    if (!process.waitFor(20, TimeUnit.SECONDS)) {
      throw new AssertionError("still running; standard error: " + errors());
    }
    errorReader.join();
    return process.exitValue();
  }

  /** Ends the script's input, so that the JVM shuts down in order. */
  void stop() throws IOException, InterruptedException {
    process.getOutputStream().close();
    awaitExit();
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
