package dev.preforklab.cli;

import dev.preforklab.scenario.InputException;
import dev.preforklab.scenario.ScenarioLoader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** Where the shipped profiles and scenarios lie. */
final class LabHome {
  private static final String PROFILE_SUFFIX = ".profile.gz";

  private LabHome() {}

  /** The directory of the launcher, or the current one when started without it. */
  static Path directory() {
    return Path.of(System.getProperty("lab.home", ""));
  }

  /** The file of a profile given by name or path. */
  static Path profile(String profile, ScenarioLoader loader) {
    try {
      if (ScenarioLoader.isPath(profile)) {
        return Path.of(profile);
      }
      Path file = directory().resolve("profiles").resolve(profile + PROFILE_SUFFIX);
      if (Files.exists(file)) {
        return file;
      }
    } catch (InvalidPathException e) {
      throw loader.error("profile", "is not a path");
    }
    throw loader.error(
        "profile",
        "there is no profile named \""
            + profile
            + "\" ("
            + known("profiles", PROFILE_SUFFIX)
            + "); a path has a slash or ends in .gz");
  }

  /** The file of a scenario given by name or path. */
  static Path scenario(String scenario) {
    try {
      Path path = Path.of(scenario);
      if (Files.exists(path)
          || scenario.indexOf('/') >= 0
          || scenario.endsWith(".yaml")
          || scenario.endsWith(".yml")) {
        return path;
      }
      Path shipped = directory().resolve("scenarios").resolve(scenario + ".yaml");
      if (Files.exists(shipped)) {
        return shipped;
      }
    } catch (InvalidPathException e) {
      throw new InputException("scenario \"" + scenario + "\" is not a path", e);
    }
    throw new InputException(
        "there is no scenario named \"" + scenario + "\" (" + known("scenarios", ".yaml") + ")");
  }

  private static String known(String directory, String suffix) {
    List<String> names = List.of();
    try (Stream<Path> files = Files.list(directory().resolve(directory))) {
      names =
          files
              .map(f -> String.valueOf(f.getFileName()))
              .filter(n -> n.endsWith(suffix))
              .map(n -> n.substring(0, n.length() - suffix.length()))
              .sorted()
              .toList();
    } catch (IOException e) {
      // a directory that cannot be listed has no names to offer
    }
    return names.isEmpty() ? "none is shipped here" : "known: " + String.join(", ", names);
  }
}
