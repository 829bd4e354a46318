package dev.preforklab.agent.tracing;

import dev.preforklab.agent.metrics.EndpointSeries;
import dev.preforklab.agent.metrics.HostSeries;
import dev.preforklab.agent.metrics.RequestListener;
import dev.preforklab.agent.metrics.SlotSeries;
import dev.preforklab.agent.metrics.SpanIdentity;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanBuilder;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A server span for each sampled request, with a child for each of its garbage collection passes.
 *
 * <p>Spans are made when the request is over, with the simulated start and end as their timestamps:
 * a request that is not sampled costs one unrecorded span, and nothing is kept between the probes.
 */
final class RequestSpans implements RequestListener {
  static final AttributeKey<String> METHOD = AttributeKey.stringKey("http.request.method");
  static final AttributeKey<String> ROUTE = AttributeKey.stringKey("http.route");
  static final AttributeKey<Long> STATUS = AttributeKey.longKey("http.response.status_code");
  static final AttributeKey<String> SCENARIO = AttributeKey.stringKey("scenario");
  static final AttributeKey<String> GC = AttributeKey.stringKey("gc");
  static final AttributeKey<String> WORKER = AttributeKey.stringKey("worker");
  private static final AttributeKey<Long> PID = AttributeKey.longKey("process.pid");
  private static final AttributeKey<Long> MINOR_FAULTS =
      AttributeKey.longKey("prefork.request.minor_faults");
  private static final AttributeKey<Long> COW_COPIES =
      AttributeKey.longKey("prefork.request.cow_copies");
  private static final AttributeKey<Double> GC_PAUSE =
      AttributeKey.doubleKey("prefork.request.gc_pause_seconds");
  private static final AttributeKey<Double> QUEUED =
      AttributeKey.doubleKey("prefork.request.queue_seconds");
  static final AttributeKey<Long> GENERATION = AttributeKey.longKey("cpython.gc.generation");
  private static final AttributeKey<Long> COLLECTED =
      AttributeKey.longKey("prefork.gc.collected_objects");

  private final @Nullable Tracer tracer;
  private final @Nullable OtelMetrics metrics;

  RequestSpans(@Nullable OpenTelemetrySdk sdk, @Nullable OtelMetrics metrics) {
    this.tracer = sdk == null ? null : sdk.getTracer("dev.preforklab.agent");
    this.metrics = metrics;
  }

  @Override
  public @Nullable SpanIdentity requestEnded(
      HostSeries host,
      SlotSeries slot,
      EndpointSeries endpoint,
      long intendedNs,
      long startNs,
      long endNs,
      int status,
      long minorFaults,
      long cowCopies,
      long gcPauseNs) {
    Context context = Context.root();
    SpanIdentity identity = null;
    if (tracer != null) {
      SpanBuilder builder =
          tracer
              .spanBuilder(
                  endpoint.route().isEmpty()
                      ? endpoint.method()
                      : endpoint.method() + " " + endpoint.route())
              .setNoParent()
              .setSpanKind(SpanKind.SERVER)
              .setStartTimestamp(host.epochNs(startNs), TimeUnit.NANOSECONDS);
      Span span = builder.startSpan();
      SpanContext spanContext = span.getSpanContext();
      if (spanContext.isSampled()) {
        context = context.with(span);
        span.setAttribute(METHOD, endpoint.method())
            .setAttribute(ROUTE, endpoint.route())
            .setAttribute(STATUS, (long) status)
            .setAttribute(SCENARIO, host.scenario())
            .setAttribute(GC, host.gcSetting())
            .setAttribute(WORKER, slot.worker())
            .setAttribute(PID, (long) slot.pid())
            .setAttribute(MINOR_FAULTS, minorFaults)
            .setAttribute(COW_COPIES, cowCopies)
            .setAttribute(GC_PAUSE, gcPauseNs / 1e9)
            .setAttribute(QUEUED, (startNs - intendedNs) / 1e9);
        if (status >= 500) {
          span.setStatus(StatusCode.ERROR);
        }
        passSpans(tracer, context, host, slot);
        identity = new SpanIdentity(spanContext.getTraceId(), spanContext.getSpanId());
      }
      span.end(host.epochNs(endNs), TimeUnit.NANOSECONDS);
    }
    if (metrics != null) {
      metrics.requestEnded(host, endpoint, status, endNs - startNs, context);
    }
    return identity;
  }

  private static void passSpans(Tracer tracer, Context parent, HostSeries host, SlotSeries slot) {
    for (int pass = 0; pass < slot.passes(); pass++) {
      long start = slot.passStartNs(pass);
      tracer
          .spanBuilder("gc generation " + slot.passGeneration(pass))
          .setParent(parent)
          .setStartTimestamp(host.epochNs(start), TimeUnit.NANOSECONDS)
          .startSpan()
          .setAttribute(GENERATION, (long) slot.passGeneration(pass))
          .setAttribute(COLLECTED, slot.passCollected(pass))
          .end(host.epochNs(start + slot.passDurationNs(pass)), TimeUnit.NANOSECONDS);
    }
  }

  @Override
  public void collectionEnded(HostSeries host, SlotSeries slot, int generation, long durationNs) {
    if (metrics != null) {
      metrics.collectionEnded(host, slot, generation, durationNs);
    }
  }
}
