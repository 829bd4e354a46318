package dev.preforklab.prefork.profile;

import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * A captured application and, if it lies beside it, the same application captured with the
 * collector off while it loaded: {@code NAME.profile.gz} and {@code NAME.gc-off.profile.gz}. The
 * second is read only when it is asked for.
 */
public final class ProfilePair {
  private static final String SUFFIX = ".profile.gz";
  private static final String WITHOUT_COLLECTOR_SUFFIX = ".gc-off.profile.gz";

  private final Profile withCollector;
  private @Nullable Profile withoutCollector;

  private ProfilePair(Profile withCollector) {
    this.withCollector = withCollector;
  }

  /**
   * Reads a profile.
   *
   * @throws ProfileException if it can't be used
   */
  public static ProfilePair read(Path file) {
    Profile profile = ProfileReader.read(file);
    if (!profile.requestsFrom().isEmpty()) {
      throw new ProfileException(
          file, "holds no requests; give the profile \"" + profile.requestsFrom() + "\"");
    }
    return new ProfilePair(profile);
  }

  /** The application as it loads by default. */
  public Profile profile() {
    return withCollector;
  }

  /** Whether there is an image of the application loaded without the collector. */
  public boolean hasImageWithoutCollector() {
    return Files.isRegularFile(imageWithoutCollector());
  }

  /**
   * The application as it loads without the collector; the default image if there is no other.
   *
   * @throws ProfileException if there is one that can't be used
   */
  public Profile loadedWithoutCollector() {
    Profile known = withoutCollector;
    if (known == null) {
      known = withCollector;
      if (hasImageWithoutCollector()) {
        known = ProfileReader.read(imageWithoutCollector());
        if (!known.requestsFrom().isEmpty()) {
          known = known.withRequestsOf(withCollector);
        }
      }
      withoutCollector = known;
    }
    return known;
  }

  private Path imageWithoutCollector() {
    Path file = withCollector.file();
    String name = String.valueOf(file.getFileName());
    String stem = name.endsWith(SUFFIX) ? name.substring(0, name.length() - SUFFIX.length()) : name;
    return file.resolveSibling(stem + WITHOUT_COLLECTOR_SUFFIX);
  }
}
