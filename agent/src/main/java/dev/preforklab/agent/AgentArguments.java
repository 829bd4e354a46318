package dev.preforklab.agent;

import dev.preforklab.agent.instrument.InstrumentationModule;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The agent's arguments, {@code key=value} separated by commas, read before anything starts.
 *
 * @param port TCP port of the metrics server; 0 takes a free one
 * @param listen address the metrics server binds to
 * @param modules which groups of probes to attach to
 * @param trace {@code auto} (as the OTEL_ variables say), {@code on}, {@code off}, or the URL of an
 *     OTLP receiver (http/protobuf)
 * @param jvm whether /metrics/jvm publishes the JVM's own metrics
 * @param detach true: take the agent out of a JVM that has it, and do nothing else
 */
public record AgentArguments(
    int port,
    String listen,
    Set<InstrumentationModule> modules,
    String trace,
    boolean jvm,
    boolean detach) {

  static final int DEFAULT_PORT = 9464;
  private static final String KNOWN = "port, listen, modules, trace, jvm, detach";

  /**
   * Reads the argument string of {@code -javaagent:agent.jar=ARGUMENTS}.
   *
   * @throws AgentArgumentException for an unknown or repeated key or a value that cannot be; its
   *     message names the key
   */
  static AgentArguments parse(String arguments) throws AgentArgumentException {
    int port = DEFAULT_PORT;
    String listen = "127.0.0.1";
    Set<InstrumentationModule> modules = EnumSet.allOf(InstrumentationModule.class);
    String trace = "auto";
    boolean jvm = true;
    boolean detach = false;
    Set<String> seen = new HashSet<>();
    for (String argument : arguments.split(",", -1)) {
      if (argument.isBlank()) {
        continue;
      }
      int equals = argument.indexOf('=');
      if (equals < 1) {
        throw new AgentArgumentException(
            "agent argument \"" + argument.strip() + "\" is not of the form key=value");
      }
      String key = argument.substring(0, equals).strip();
      String value = argument.substring(equals + 1).strip();
      if (!seen.add(key)) {
        throw new AgentArgumentException("agent argument " + key + " is given twice");
      }
      switch (key) {
        case "port" -> port = parsePort(value);
        case "listen" -> listen = parseListen(value);
        case "modules" -> modules = parseModules(value);
        case "trace" -> trace = parseTrace(value);
        case "jvm" -> jvm = parseBoolean(key, value);
        case "detach" -> detach = parseBoolean(key, value);
        default ->
            throw new AgentArgumentException(
                "unknown agent argument \"" + key + "\" (known: " + KNOWN + ")");
      }
    }
    return new AgentArguments(port, listen, Set.copyOf(modules), trace, jvm, detach);
  }

  private static int parsePort(String value) throws AgentArgumentException {
    try {
      int port = Integer.parseInt(value);
      if (port >= 0 && port <= 65535) {
        return port;
      }
    } catch (NumberFormatException e) {
      // falls through to the one message for every bad port
    }
    throw new AgentArgumentException(
        "agent argument port=" + value + " is not a port number (0 to 65535)");
  }

  private static String parseListen(String value) throws AgentArgumentException {
    if (value.isEmpty()) {
      throw new AgentArgumentException("agent argument listen is empty, an address is needed");
    }
    return value;
  }

  private static Set<InstrumentationModule> parseModules(String value)
      throws AgentArgumentException {
    Set<InstrumentationModule> modules = EnumSet.of(InstrumentationModule.HOSTS);
    if (value.equals("none")) {
      return modules;
    }
    if (value.equals("all")) {
      return EnumSet.allOf(InstrumentationModule.class);
    }
    for (String name : value.split("\\+", -1)) {
      modules.add(
          Stream.of(InstrumentationModule.values())
              .filter(module -> module.key().equals(name))
              .findFirst()
              .orElseThrow(() -> unknownModule(name)));
    }
    return modules;
  }

  private static AgentArgumentException unknownModule(String name) {
    return new AgentArgumentException(
        "agent argument modules: unknown module \""
            + name
            + "\" (known: all, none, or some of "
            + Stream.of(InstrumentationModule.values())
                .map(InstrumentationModule::key)
                .collect(Collectors.joining("+"))
            + ")");
  }

  private static String parseTrace(String value) throws AgentArgumentException {
    String mode = value.toLowerCase(Locale.ROOT);
    if (mode.equals("auto") || mode.equals("on") || mode.equals("off")) {
      return mode;
    }
    try {
      URI uri = new URI(value);
      if (("http".equals(uri.getScheme()) || "https".equals(uri.getScheme()))
          && uri.getHost() != null) {
        return value;
      }
    } catch (URISyntaxException e) {
      // falls through to the one message for every bad value
    }
    throw new AgentArgumentException(
        "agent argument trace=" + value + " is none of auto, on, off or an http(s) URL");
  }

  private static boolean parseBoolean(String key, String value) throws AgentArgumentException {
    return switch (value) {
      case "true", "on" -> true;
      case "false", "off" -> false;
      default ->
          throw new AgentArgumentException(
              "agent argument " + key + "=" + value + " is neither true nor false");
    };
  }
}
