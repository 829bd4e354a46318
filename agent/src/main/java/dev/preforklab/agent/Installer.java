package dev.preforklab.agent;

import dev.preforklab.agent.instrument.ProbeContract;
import dev.preforklab.agent.instrument.ProbeTransformer;
import dev.preforklab.agent.metrics.HostSeries;
import dev.preforklab.agent.metrics.LabSeries;
import dev.preforklab.agent.metrics.MetricsServer;
import dev.preforklab.agent.tracing.TracingSetup;
import io.opentelemetry.sdk.autoconfigure.spi.ConfigurationException;
import io.prometheus.client.CollectorRegistry;
import io.prometheus.client.hotspot.DefaultExports;
import java.io.IOException;
import java.lang.instrument.Instrumentation;
import java.lang.instrument.UnmodifiableClassException;
import java.net.BindException;
import java.net.InetSocketAddress;
import org.jspecify.annotations.Nullable;

/** Puts the agent into a JVM, at its start or while it runs, and takes it out again. */
final class Installer {
  private static @Nullable Installer installed;

  private final Instrumentation instrumentation;
  private final ProbeTransformer transformer;
  private final MetricsServer server;
  private final TracingSetup tracing;

  private Installer(
      Instrumentation instrumentation,
      ProbeTransformer transformer,
      MetricsServer server,
      TracingSetup tracing) {
    this.instrumentation = instrumentation;
    this.transformer = transformer;
    this.server = server;
    this.tracing = tracing;
  }

  /**
   * Starts the metrics server and, where configured, tracing; then attaches to the probes.
   *
   * @throws AgentArgumentException where the address cannot be served or the agent is already
   *     there; nothing is left behind then
   */
  static synchronized void install(AgentArguments arguments, Instrumentation instrumentation)
      throws AgentArgumentException {
    if (installed != null) {
      throw new AgentArgumentException("the agent is already attached to this JVM");
    }
    MetricsServer server = serve(arguments);
    try {
      TracingSetup tracing = TracingSetup.start(arguments.trace());
      ProbeTransformer transformer =
          new ProbeTransformer(arguments.modules(), PreforkAgent::report);
      instrumentation.addTransformer(transformer, true);
      installed = new Installer(instrumentation, transformer, server, tracing);
      retransformProbes(instrumentation);
      PreforkAgent.report(
          "metrics on http://" + hostInUrl(arguments.listen()) + ":" + server.port() + "/metrics");
    } catch (ConfigurationException e) {
      server.close();
      throw new AgentArgumentException("OpenTelemetry settings: " + e.getMessage());
    } catch (Throwable t) {
      server.close();
      throw t;
    }
  }

  /**
   * Takes the advice out of the probes, closes the server and flushes what is left to send.
   *
   * @throws AgentArgumentException where the agent is not there
   */
  static synchronized void reset() throws AgentArgumentException {
    Installer present = installed;
    if (present == null) {
      throw new AgentArgumentException("the agent is not attached to this JVM");
    }
    installed = null;
    present.instrumentation.removeTransformer(present.transformer);
    retransformProbes(present.instrumentation);
    present.server.close();
    present.tracing.close();
    HostSeries.reset();
    PreforkAgent.report("detached");
  }

  private static MetricsServer serve(AgentArguments arguments) throws AgentArgumentException {
    InetSocketAddress address = new InetSocketAddress(arguments.listen(), arguments.port());
    if (address.isUnresolved()) {
      throw new AgentArgumentException(
          "agent argument listen=" + arguments.listen() + " is not an address");
    }
    CollectorRegistry lab = new CollectorRegistry();
    lab.register(new LabSeries());
    CollectorRegistry jvm = null;
    if (arguments.jvm()) {
      jvm = new CollectorRegistry();
      DefaultExports.register(jvm);
    }
    try {
      return MetricsServer.start(address, lab, jvm);
    } catch (BindException e) {
      throw new AgentArgumentException(
          "metrics port "
              + arguments.port()
              + " on "
              + arguments.listen()
              + " cannot be used: "
              + e.getMessage());
    } catch (IOException e) {
      throw new AgentArgumentException(
          "metrics port " + arguments.port() + " cannot be served: " + e.getMessage());
    }
  }

  private static void retransformProbes(Instrumentation instrumentation) {
    for (Class<?> loaded : instrumentation.getAllLoadedClasses()) {
      if (loaded.getName().equals(ProbeContract.PROBES_INTERNAL_NAME.replace('/', '.'))) {
        try {
          instrumentation.retransformClasses(loaded);
        } catch (UnmodifiableClassException e) {
          PreforkAgent.report("the probes cannot be changed: " + e.getMessage());
        }
      }
    }
  }

  private static String hostInUrl(String address) {
    return address.indexOf(':') >= 0 ? "[" + address + "]" : address;
  }
}
