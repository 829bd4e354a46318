package dev.preforklab.agent;

import java.io.Serial;

/** An agent argument that cannot be used; the message is one line and names the key. */
public final class AgentArgumentException extends Exception {
  @Serial private static final long serialVersionUID = 1L;

  AgentArgumentException(String message) {
    super(message);
  }
}
