package dev.preforklab.prefork.profile;

import java.util.List;

/** The measured requests of a profile, and the state they leave from one to the next. */
record RequestRecords(List<RequestTrace> traces, Gathering gathering) {
  /**
   * What an application gathers and drops at once, as sqlite3's connections do with their weak
   * references to cursors.
   *
   * @param limit objects that are there when one more makes it drop them; 0 if it gathers none
   * @param waiting how many the captured master had
   */
  record Gathering(int limit, int waiting) {
    static final Gathering NONE = new Gathering(0, 0);
  }

  RequestRecords {
    traces = List.copyOf(traces);
  }
}
