package dev.preforklab.prefork.profile;

import java.nio.file.Path;
import java.util.Arrays;

/** Profiles for tests outside this package. */
public final class TestProfiles {
  private TestProfiles() {}

  /**
   * An application loaded under other thresholds, its collector's counters set to those of a real
   * master. When the next full collection is due hangs by a few objects of the loading, so that one
   * real load differs in it from the next.
   *
   * @param counters counts of the three generations, long_lived_total, long_lived_pending
   */
  public static Profile loadedLike(Profile profile, int[] thresholds, int[] counters) {
    Profile loaded = profile.loadedUnder(thresholds);
    Profile.GcFacts gc = loaded.gc();
    return loaded.withCollector(
        new Profile.GcFacts(
                gc.enabled(),
                gc.thresholds(),
                Arrays.copyOf(counters, 3),
                counters[3],
                counters[4],
                gc.stats(),
                gc.freezeCount())
            .withFreeLists(gc.freeLists()),
        loaded.heap.generations[0].length,
        loaded.heap.generations[1].length);
  }

  /** A hand-written application of four objects and one endpoint. */
  public static Profile small(Path directory) {
    return ProfileReader.read(new SmallProfile().write(directory.resolve("small.profile.gz")));
  }
}
