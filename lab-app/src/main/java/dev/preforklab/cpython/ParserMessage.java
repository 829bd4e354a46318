package dev.preforklab.cpython;

/** What a JSON parser says of broken input, for users. */
public final class ParserMessage {
  private ParserMessage() {}

  /** The first line, without the names of the parser's own settings and control characters. */
  public static String plain(String message) {
    int end = message.indexOf('\n');
    return (end < 0 ? message : message.substring(0, end))
        .replaceAll(", from `[^`]*`", "")
        .replaceAll(" \\((start marker|for \\w+ starting) at .*", "")
        .replaceAll("[\\p{Cntrl}\\p{Cs}]", "?");
  }
}
