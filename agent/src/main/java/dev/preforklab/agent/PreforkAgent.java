package dev.preforklab.agent;

import java.lang.instrument.Instrumentation;
import org.jspecify.annotations.Nullable;

/**
 * Where the JVM enters the agent: {@code -javaagent:agent.jar=port=9464} or an attach.
 *
 * <p>Arguments that cannot be used, or a metrics port that is taken, end a JVM that was started
 * with the agent (one line, exit code 2): a lab whose dashboards stay empty helps nobody. A JVM
 * that already ran is never ended. Any other fault leaves the lab unwatched and says so.
 */
public final class PreforkAgent {
  /** Bad usage or input, as the lab's own commands exit. */
  private static final int EXIT_USAGE = 2;

  private PreforkAgent() {}

  /** Entered before the application's main. */
  public static void premain(@Nullable String arguments, Instrumentation instrumentation) {
    if (!enter(arguments, instrumentation)) {
      System.exit(EXIT_USAGE);
    }
  }

  /** Entered when attached to a running JVM. */
  public static void agentmain(@Nullable String arguments, Instrumentation instrumentation) {
    boolean unused = enter(arguments, instrumentation);
  }

  private static boolean enter(@Nullable String arguments, Instrumentation instrumentation) {
    try {
      AgentArguments parsed = AgentArguments.parse(arguments == null ? "" : arguments);
      if (parsed.detach()) {
        Installer.reset();
      } else {
        Installer.install(parsed, instrumentation);
      }
    } catch (AgentArgumentException e) {
      report(String.valueOf(e.getMessage()));
      return false;
    } catch (Throwable t) {
      report("not attached: " + t);
    }
    return true;
  }

  /** One line on standard error. */
  static void report(String line) {
    System.err.println("prefork-agent: " + line.replace('\n', ' '));
  }
}
