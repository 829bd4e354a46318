package dev.preforklab.cpython.recipe;

/** A recipe that says something wrong or unknown; the message names the key. */
public final class RecipeException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public RecipeException(String message) {
    super(message);
  }

  RecipeException(String message, Throwable cause) {
    super(message, cause);
  }
}
