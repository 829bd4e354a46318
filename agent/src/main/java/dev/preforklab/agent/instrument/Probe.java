package dev.preforklab.agent.instrument;

import java.util.List;

/**
 * One probe the agent knows: its signature as it must be, and the advice for it.
 *
 * @param parameters Java names of the parameter types, in order
 */
public record Probe(
    InstrumentationModule module, String name, List<String> parameters, Class<?> advice) {

  /** {@code name(int, long)}, as messages show it. */
  public String signature() {
    return signature(name, parameters);
  }

  static String signature(String name, List<String> parameters) {
    return name
        + "("
        + String.join(", ", parameters.stream().map(p -> p.replace("java.lang.", "")).toList())
        + ")";
  }
}
