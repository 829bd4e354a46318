package dev.preforklab.prefork.profile;

/** What a worker's application has gathered and will drop at once; see {@link RequestRecords}. */
final class GatheredObjects {
  private final int limit;
  private final LongArray own = new LongArray(256);
  private int inherited;

  GatheredObjects(RequestRecords.Gathering gathering) {
    limit = gathering.limit();
    inherited = gathering.waiting();
  }

  /** Takes what is dropped. */
  interface Sink {
    /** An object of the worker's. */
    void own(long address);

    /** As many that the master had made. */
    void inherited(int objects);
  }

  /** A new object joins those that wait; if these are enough, they go first. */
  void add(long address, Sink sink) {
    if (inherited + own.size() >= limit) {
      if (inherited > 0) {
        sink.inherited(inherited);
      }
      for (int i = 0; i < own.size(); i++) {
        sink.own(own.get(i));
      }
      inherited = 0;
      own.clear();
    }
    own.add(address);
  }
}
