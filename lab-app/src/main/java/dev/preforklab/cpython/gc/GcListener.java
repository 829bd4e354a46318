package dev.preforklab.cpython.gc;

/** Hears of a process's collections, as {@code gc.callbacks} would. */
public interface GcListener {
  /** A collection begins. */
  void started(int generation);

  /**
   * A collection is over.
   *
   * @param collected objects found unreachable and cleared
   * @param uncollectable objects found unreachable and kept; always 0 here, as no simulated type
   *     has a finaliser of the old kind
   * @param objects in the collected generations, each visited by every pass
   * @param references followed, both passes together
   */
  void done(int generation, long collected, long uncollectable, long objects, long references);
}
