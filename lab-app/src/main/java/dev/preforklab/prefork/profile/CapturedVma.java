package dev.preforklab.prefork.profile;

/** One mapping of the captured master and which of its pages were present. */
final class CapturedVma {
  private final long start;
  private final int pages;
  private final Kind kind;
  private final String library;
  private final int[] runs;

  CapturedVma(long start, int pages, Kind kind, String library, int[] runs) {
    this.start = start;
    this.pages = pages;
    this.kind = kind;
    this.library = library;
    this.runs = runs;
  }

  long start() {
    return start;
  }

  int pages() {
    return pages;
  }

  Kind kind() {
    return kind;
  }

  String library() {
    return library;
  }

  int[] runs() {
    return runs;
  }

  /** What a mapping is for; the names are those of the profile file. */
  enum Kind {
    ANON,
    BRK_HEAP,
    STACK,
    LIB_DATA,
    FILE_RO
  }

  /** The first byte after the mapping. */
  long end() {
    return start + ((long) pages << 12);
  }

  /** How many of its pages were present. */
  int presentPages() {
    int present = 0;
    for (int i = 1; i < runs.length; i += 2) {
      present += runs[i];
    }
    return present;
  }
}
