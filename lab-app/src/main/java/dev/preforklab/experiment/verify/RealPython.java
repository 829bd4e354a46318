package dev.preforklab.experiment.verify;

import dev.preforklab.cpython.PythonVersion;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A real interpreter of this machine.
 *
 * @param path of its program
 * @param fullVersion with the micro number
 * @param version the simulated release that it is
 */
public record RealPython(String path, String fullVersion, PythonVersion version) {
  private static final Duration LIMIT = Duration.ofSeconds(10);
  private static final String PROBE =
      "import sys, platform; print('%s %d.%d %s' % (platform.python_implementation(),"
          + " sys.version_info[0], sys.version_info[1], sys.version.split()[0]))";

  /** What a shell, and pyenv's shims with it, answer when there is no such program after all. */
  private static final Set<Integer> NOT_THERE = Set.of(126, 127);

  /** A program that should be an interpreter and does not answer as one. */
  public record Broken(String path, String why) {}

  /** The interpreters of a machine, oldest release first. */
  public record Found(List<RealPython> pythons, List<Broken> broken) {
    public Found {
      pythons = List.copyOf(pythons);
      broken = List.copyOf(broken);
    }

    public boolean isEmpty() {
      return pythons.isEmpty() && broken.isEmpty();
    }
  }

  /**
   * The interpreters to verify against: those named, or else all that are found on the path and
   * among pyenv's, one for each release.
   *
   * @param path the search path, colon-separated
   * @param home the user's home directory
   * @throws IllegalArgumentException if a named one says that it is no supported CPython
   */
  public static Found find(List<String> named, String path, Path home) {
    return find(named, path, home, LIMIT);
  }

  static Found find(List<String> named, String path, Path home, Duration limit) {
    List<RealPython> pythons = new ArrayList<>();
    List<Broken> broken = new ArrayList<>();
    Set<String> releases = new HashSet<>();
    for (String candidate : named.isEmpty() ? candidates(path, home) : named) {
      try {
        RealPython python = probe(candidate, limit);
        if (python == null) {
          if (!named.isEmpty()) {
            throw new IllegalArgumentException(
                candidate
                    + " is no CPython of a simulated release; known: "
                    + PythonVersion.SUPPORTED);
          }
        } else if (!named.isEmpty() || releases.add(python.version.toString())) {
          pythons.add(python);
        }
      } catch (Command.Failure e) {
        if (!named.isEmpty() || !NOT_THERE.contains(e.status())) {
          broken.add(new Broken(candidate, String.valueOf(e.getMessage())));
        }
      }
    }
    if (named.isEmpty()) {
      pythons.sort(Comparator.comparingInt(p -> PythonVersion.SUPPORTED.indexOf(p.version)));
    }
    return new Found(pythons, broken);
  }

  private static List<String> candidates(String path, Path home) {
    List<Path> candidates = new ArrayList<>();
    Path versions = home.resolve(".pyenv").resolve("versions");
    if (Files.isDirectory(versions)) {
      try (Stream<Path> entries = Files.list(versions)) {
        entries.sorted().forEach(p -> candidates.add(p.resolve("bin/python")));
      } catch (IOException e) {
        candidates.clear();
      }
    }
    for (String directory : path.split(":", -1)) {
      try {
        for (PythonVersion version : PythonVersion.SUPPORTED) {
          candidates.add(Path.of(directory, "python" + version));
        }
        candidates.add(Path.of(directory, "python3"));
      } catch (InvalidPathException ignored) {
        // an entry of PATH that names no directory
      }
    }
    List<String> programs = new ArrayList<>();
    Set<Path> known = new HashSet<>();
    for (Path candidate : candidates) {
      try {
        // One program under several names is asked once.
        if (Files.isExecutable(candidate)
            && Files.isRegularFile(candidate)
            && known.add(candidate.toRealPath())) {
          programs.add(candidate.toString());
        }
      } catch (IOException ignored) {
        // gone between the two looks
      }
    }
    return programs;
  }

  /** The interpreter, or null if it is another than those simulated. */
  private static @Nullable RealPython probe(String path, Duration limit) throws Command.Failure {
    String answer = Command.output(List.of(path, "-S", "-c", PROBE), limit).strip();
    String[] words = answer.split(" ", -1);
    if (words.length != 3 || !words[1].matches("[0-9]{1,3}\\.[0-9]{1,3}")) {
      throw new Command.Failure(
          "does not answer as a Python does: " + Command.excerptOrNothing(answer));
    }
    try {
      PythonVersion version = PythonVersion.parse(words[1]);
      return words[0].equals("CPython") && version.isVerified()
          ? new RealPython(path, words[2], version)
          : null;
    } catch (IllegalArgumentException e) {
      return null;
    }
  }
}
