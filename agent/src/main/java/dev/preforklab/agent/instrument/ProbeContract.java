package dev.preforklab.agent.instrument;

import dev.preforklab.agent.advice.ArenaAdvice;
import dev.preforklab.agent.advice.FaultAdvice;
import dev.preforklab.agent.advice.GcAdvice;
import dev.preforklab.agent.advice.HostAdvice;
import dev.preforklab.agent.advice.LifecycleAdvice;
import dev.preforklab.agent.advice.MemoryAdvice;
import dev.preforklab.agent.advice.RequestAdvice;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import net.bytebuddy.description.method.MethodDescription;
import net.bytebuddy.description.type.TypeDescription;

/**
 * The probe signatures this agent was written for.
 *
 * <p>The agent has no compile dependency on the lab, so a probe whose parameters changed would be
 * bound to the wrong values without a word. Therefore each is compared when the probes' class is
 * transformed; one that does not match stays empty, and is reported.
 */
public final class ProbeContract {
  /** The class that holds the probes, by its name in the JVM's internal form. */
  public static final String PROBES_INTERNAL_NAME = "dev/preforklab/probe/Probes";

  private static final String INT = "int";
  private static final String LONG = "long";
  private static final String STRING = "java.lang.String";

  private static final List<Probe> PROBES =
      List.of(
          probe(
              InstrumentationModule.HOSTS,
              HostAdvice.HostStarted.class,
              List.of(INT, STRING, STRING, STRING, INT)),
          probe(InstrumentationModule.HOSTS, HostAdvice.HostStopped.class, List.of(INT)),
          probe(
              InstrumentationModule.LIFECYCLE,
              LifecycleAdvice.ProcessForked.class,
              ints(4).longs(1)),
          probe(
              InstrumentationModule.LIFECYCLE,
              LifecycleAdvice.ProcessExited.class,
              ints(4).longs(2)),
          probe(InstrumentationModule.FAULTS, FaultAdvice.PageFault.class, ints(4).longs(1)),
          probe(InstrumentationModule.GC, GcAdvice.GcDone.class, ints(3).longs(4)),
          probe(InstrumentationModule.GC, GcAdvice.GcSample.class, ints(3).longs(11)),
          probe(InstrumentationModule.GC, GcAdvice.GcStatsSample.class, ints(3).longs(4)),
          probe(InstrumentationModule.ARENAS, ArenaAdvice.ArenaAllocated.class, ints(2).longs(2)),
          probe(InstrumentationModule.ARENAS, ArenaAdvice.ArenaFreed.class, ints(2).longs(2)),
          probe(
              InstrumentationModule.REQUESTS,
              RequestAdvice.EndpointNamed.class,
              List.of(INT, INT, STRING, STRING)),
          probe(InstrumentationModule.REQUESTS, RequestAdvice.RequestStart.class, ints(3).longs(3)),
          probe(
              InstrumentationModule.REQUESTS,
              RequestAdvice.RequestEnd.class,
              List.of(INT, INT, INT, LONG, LONG, LONG, INT, LONG, LONG, LONG)),
          probe(InstrumentationModule.MEMORY, MemoryAdvice.MemorySample.class, ints(3).longs(8)),
          probe(InstrumentationModule.MEMORY, MemoryAdvice.CounterSample.class, ints(3).longs(14)),
          probe(InstrumentationModule.MEMORY, MemoryAdvice.HostSample.class, ints(1).longs(3)));

  private ProbeContract() {}

  /** All probes the agent can attach to. */
  public static List<Probe> probes() {
    return PROBES;
  }

  /**
   * The probes of {@code modules} that {@code type} really has, each as a static void method of the
   * expected parameters. Every other one is told to {@code report} in one line.
   */
  public static List<Probe> matching(
      TypeDescription type, Set<InstrumentationModule> modules, Consumer<String> report) {
    List<Probe> matching = new ArrayList<>();
    for (Probe probe : PROBES) {
      if (!modules.contains(probe.module())) {
        continue;
      }
      List<String> found = new ArrayList<>();
      boolean matches = false;
      for (MethodDescription method : type.getDeclaredMethods()) {
        if (method.getName().equals(probe.name())) {
          List<String> parameters =
              method.getParameters().asTypeList().asErasures().stream()
                  .map(TypeDescription::getName)
                  .toList();
          found.add(
              (method.isStatic() ? "" : "non-static ")
                  + Probe.signature(method.getName(), parameters));
          matches |= method.isStatic() && parameters.equals(probe.parameters());
        }
      }
      if (matches) {
        matching.add(probe);
      } else {
        report.accept(
            "probe "
                + probe.signature()
                + " is "
                + (found.isEmpty() ? "missing" : "declared as " + String.join(" and ", found))
                + " in "
                + type.getName()
                + ": switched off");
      }
    }
    return matching;
  }

  private static Probe probe(
      InstrumentationModule module, Class<?> advice, List<String> parameters) {
    String name = advice.getSimpleName();
    return new Probe(
        module, Character.toLowerCase(name.charAt(0)) + name.substring(1), parameters, advice);
  }

  private static Parameters ints(int count) {
    Parameters parameters = new Parameters();
    parameters.add(INT, count);
    return parameters;
  }

  /** So many ints, then so many longs. */
  private static final class Parameters {
    private final List<String> types = new ArrayList<>();

    void add(String type, int count) {
      for (int i = 0; i < count; i++) {
        types.add(type);
      }
    }

    List<String> longs(int count) {
      add(LONG, count);
      return List.copyOf(types);
    }
  }
}
