package dev.preforklab.experiment.verify;

import dev.preforklab.cpython.PythonVersion;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * A real interpreter of this machine.
 *
 * @param path of its program
 * @param fullVersion with the micro number
 * @param version the simulated release that it is
 */
public record RealPython(String path, String fullVersion, PythonVersion version) {
  private static final Duration LIMIT = Duration.ofSeconds(20);
  private static final String PROBE =
      "import sys, platform; print('%s %d.%d %s' % (platform.python_implementation(),"
          + " sys.version_info[0], sys.version_info[1], sys.version.split()[0]))";

  /**
   * The interpreters to verify against: those named, or else all that are found on the path and
   * among pyenv's, one for each release.
   *
   * @param path the search path, colon-separated
   * @param home the user's home directory
   * @throws IllegalArgumentException if a named one is no supported CPython
   */
  public static List<RealPython> find(List<String> named, String path, Path home) {
    List<RealPython> found = new ArrayList<>();
    for (String one : named) {
      RealPython python = probe(one);
      if (python == null) {
        throw new IllegalArgumentException(
            one + " is no CPython of a simulated release; known: " + PythonVersion.SUPPORTED);
      }
      found.add(python);
    }
    if (!named.isEmpty()) {
      return found;
    }
    Set<String> releases = new LinkedHashSet<>();
    for (String candidate : candidates(path, home)) {
      RealPython python = probe(candidate);
      if (python != null && releases.add(python.version.toString())) {
        found.add(python);
      }
    }
    found.sort(
        (a, b) ->
            Integer.compare(
                PythonVersion.SUPPORTED.indexOf(a.version),
                PythonVersion.SUPPORTED.indexOf(b.version)));
    return found;
  }

  private static List<String> candidates(String path, Path home) {
    List<String> candidates = new ArrayList<>();
    Path versions = home.resolve(".pyenv").resolve("versions");
    if (Files.isDirectory(versions)) {
      try (Stream<Path> entries = Files.list(versions)) {
        entries.sorted().forEach(p -> candidates.add(p.resolve("bin/python").toString()));
      } catch (IOException e) {
        candidates.clear();
      }
    }
    for (String directory : path.split(":", -1)) {
      for (PythonVersion version : PythonVersion.SUPPORTED) {
        candidates.add(Path.of(directory, "python" + version).toString());
      }
      candidates.add(Path.of(directory, "python3").toString());
    }
    candidates.removeIf(candidate -> !Files.isExecutable(Path.of(candidate)));
    return candidates;
  }

  private static @org.jspecify.annotations.Nullable RealPython probe(String path) {
    try {
      String[] words =
          Command.output(List.of(path, "-S", "-c", PROBE), LIMIT).strip().split(" ", -1);
      if (words.length == 3 && words[0].equals("CPython")) {
        return new RealPython(path, words[2], PythonVersion.parse(words[1]));
      }
    } catch (Command.Failure | IllegalArgumentException e) {
      return null;
    }
    return null;
  }
}
