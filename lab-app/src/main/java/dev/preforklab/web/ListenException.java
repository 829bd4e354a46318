package dev.preforklab.web;

import java.io.IOException;

/** The server could not listen. The message is one line that names the port or the host. */
public final class ListenException extends IOException {
  private static final long serialVersionUID = 1L;

  ListenException(String message, Throwable cause) {
    super(message, cause);
  }
}
