package dev.preforklab.cpython.replay;

/** A trace cannot be read or replayed; the message is one line that says where and why. */
public final class TraceException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public TraceException(String message) {
    super(message);
  }
}
