package dev.preforklab.scenario;

/**
 * The user's input cannot be used. The message is one line that names the file and key, or the
 * option, and says what would be accepted.
 */
public final class InputException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public InputException(String message) {
    super(message);
  }

  public InputException(String message, Throwable cause) {
    super(message, cause);
  }
}
