package dev.preforklab.cpython.recipe;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What one act of a forked child did, in the figures that {@code capture/rig.py} gives too.
 *
 * @param act the act, JSON
 * @param unsupported the action that the release has not, or null; then all figures are 0
 * @param gcStats collections, collected, uncollectable of each generation; empty after an exit
 */
public record ActResult(
    String act,
    @Nullable String unsupported,
    long rssBytes,
    int pagesCopied,
    int pagesAppeared,
    int pagesVanished,
    int pagesPresentBefore,
    int minorFaults,
    int majorFaults,
    double shareRatio,
    int exitFaults,
    List<Integer> gcCounts,
    List<List<Long>> gcStats,
    List<Integer> gcCountsAtFork,
    long rssBytesBefore,
    double shareRatioBefore) {

  static ActResult unsupported(String act, String action) {
    return new ActResult(
        act, action, 0, 0, 0, 0, 0, 0, 0, 0, 0, List.of(), List.of(), List.of(), 0, 0);
  }
}
