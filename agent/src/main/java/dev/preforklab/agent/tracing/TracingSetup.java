package dev.preforklab.agent.tracing;

import dev.preforklab.agent.metrics.GcMetrics;
import dev.preforklab.agent.metrics.RequestMetrics;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.autoconfigure.AutoConfiguredOpenTelemetrySdk;
import io.opentelemetry.sdk.autoconfigure.spi.ConfigurationException;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * The OpenTelemetry SDK, configured by the standard {@code OTEL_*} variables (or {@code otel.*}
 * system properties).
 *
 * <p>Where they name neither an OTLP endpoint nor an exporter, no SDK is made at all: nothing is
 * sent, no thread runs and a request costs one comparison with null.
 */
public final class TracingSetup implements AutoCloseable {
  private static final String[] SIGNALS = {"traces", "metrics"};

  /** Tells of a failure it also throws; held here, since the logging system holds it weakly. */
  private static final Logger SDK_BUILDER =
      Logger.getLogger(AutoConfiguredOpenTelemetrySdk.class.getName() + "Builder");

  private final @Nullable OpenTelemetrySdk sdk;
  private final @Nullable OtelMetrics metrics;

  private TracingSetup(@Nullable OpenTelemetrySdk sdk, @Nullable OtelMetrics metrics) {
    this.sdk = sdk;
    this.metrics = metrics;
  }

  /**
   * Starts what is configured.
   *
   * @param trace the agent argument: auto, on, off, or the URL of an OTLP receiver
   * @throws ConfigurationException where an OTEL_ variable has a value that cannot be
   */
  public static TracingSetup start(String trace) {
    Map<String, String> defaults = new HashMap<>();
    defaults.put("otel.exporter.otlp.protocol", "http/protobuf");
    defaults.put("otel.traces.sampler", "parentbased_traceidratio");
    defaults.put("otel.traces.sampler.arg", "0.01");
    defaults.put("otel.service.name", "prefork-lab");
    defaults.put("otel.logs.exporter", "none");
    boolean url = trace.contains("://");
    if (url) {
      defaults.put("otel.exporter.otlp.endpoint", trace);
    }
    boolean any = false;
    boolean[] on = new boolean[SIGNALS.length];
    for (int i = 0; i < SIGNALS.length; i++) {
      on[i] = wanted(SIGNALS[i], trace, url);
      any |= on[i];
      if (!on[i]) {
        defaults.put("otel." + SIGNALS[i] + ".exporter", "none");
      }
    }
    if (!any) {
      return new TracingSetup(null, null);
    }
    SDK_BUILDER.setLevel(Level.WARNING);
    boolean tracesOn = on[0];
    boolean metricsOn = on[1];
    OpenTelemetrySdk sdk =
        AutoConfiguredOpenTelemetrySdk.builder()
            .setServiceClassLoader(loaderOf(TracingSetup.class))
            .addPropertiesSupplier(() -> defaults)
            .build()
            .getOpenTelemetrySdk();
    OtelMetrics metrics = metricsOn ? new OtelMetrics(sdk) : null;
    RequestSpans spans = new RequestSpans(tracesOn ? sdk : null, metrics);
    RequestMetrics.listener(spans);
    GcMetrics.listener(spans);
    return new TracingSetup(sdk, metrics);
  }

  private static ClassLoader loaderOf(Class<?> type) {
    ClassLoader loader = type.getClassLoader();
    return loader == null ? ClassLoader.getSystemClassLoader() : loader;
  }

  private static boolean wanted(String signal, String trace, boolean url) {
    String exporter = setting("OTEL_" + signal.toUpperCase(Locale.ROOT) + "_EXPORTER");
    if (trace.equals("off")
        || "none".equals(exporter)
        || "true".equals(setting("OTEL_SDK_DISABLED"))) {
      return false;
    }
    return url
        || (trace.equals("on") && signal.equals("traces"))
        || exporter != null
        || setting("OTEL_EXPORTER_OTLP_ENDPOINT") != null
        || setting("OTEL_EXPORTER_OTLP_" + signal.toUpperCase(Locale.ROOT) + "_ENDPOINT") != null;
  }

  /** A setting as the SDK itself finds it: system property first, then the variable. */
  private static @Nullable String setting(String variable) {
    String value = System.getProperty(variable.toLowerCase(Locale.ROOT).replace('_', '.'));
    if (value == null) {
      value = System.getenv(variable);
    }
    return value == null || value.isBlank() ? null : value;
  }

  @Override
  public void close() {
    RequestMetrics.listener(null);
    GcMetrics.listener(null);
    if (metrics != null) {
      metrics.close();
    }
    if (sdk != null) {
      boolean unused = sdk.shutdown().join(5, TimeUnit.SECONDS).isSuccess();
    }
  }
}
