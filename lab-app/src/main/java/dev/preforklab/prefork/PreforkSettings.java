package dev.preforklab.prefork;

/**
 * How the service is run.
 *
 * @param workers worker slots, at least 1
 * @param maxRequests requests after which a worker is replaced, 0 = never
 * @param maxRequestsJitter up to so many more, drawn for each worker
 * @param reloadOnRssBytes resident bytes above which a worker is replaced, 0 = never
 * @param exitMode how a worker that is replaced leaves
 */
public record PreforkSettings(
    int workers, int maxRequests, int maxRequestsJitter, long reloadOnRssBytes, ExitMode exitMode) {

  public PreforkSettings {
    if (workers < 1 || maxRequests < 0 || maxRequestsJitter < 0 || reloadOnRssBytes < 0) {
      throw new IllegalArgumentException("workers from 1, limits from 0");
    }
  }

  /** So many workers that are never replaced and leave normally. */
  public static PreforkSettings of(int workers) {
    return new PreforkSettings(workers, 0, 0, 0, ExitMode.NORMAL);
  }
}
