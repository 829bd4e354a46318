package dev.preforklab.prefork.profile;

import java.nio.file.Path;

/** Profiles for tests outside this package. */
public final class TestProfiles {
  private TestProfiles() {}

  /** A hand-written application of four objects and one endpoint. */
  public static Profile small(Path directory) {
    return ProfileReader.read(new SmallProfile().write(directory.resolve("small.profile.gz")));
  }
}
