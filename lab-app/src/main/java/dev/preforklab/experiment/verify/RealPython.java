package dev.preforklab.experiment.verify;

import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.recipe.Addresses;
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
import java.util.regex.Pattern;
import java.util.stream.Collectors;
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
  private static final Duration PERSONALITY_LIMIT = Duration.ofSeconds(2);
  private static final String PROBE =
      "import sys, platform; print('%s %d.%d %s' % (platform.python_implementation(),"
          + " sys.version_info[0], sys.version_info[1], sys.version.split()[0]))";
  private static final Pattern INTERPRETER =
      Pattern.compile("(python|pypy|graalpy)([23](\\.[0-9]{1,2})?)?");
  private static final String NO_RELEASE =
      "no CPython of a simulated release; known: " + PythonVersion.SUPPORTED;

  /** What a shell, and pyenv's shims with it, answer when there is no such program after all. */
  private static final Set<Integer> NOT_THERE = Set.of(126, 127);

  /** {@code ADDR_NO_RANDOMIZE} of personality(2), as in rig.py. */
  private static final String FIX_ADDRESSES =
      "import ctypes, sys; sys.exit(ctypes.CDLL(None).personality(0x0040000) == -1)";

  /** A program that should be an interpreter and does not answer as one. */
  public record Broken(String path, String why) {}

  /**
   * A working interpreter that nothing simulated can be held against.
   *
   * @param what implementation and version, by its own word
   */
  public record Other(String path, String what) {
    @Override
    public String toString() {
      return path + " (" + what + ")";
    }
  }

  /**
   * The interpreters of a machine, oldest release first.
   *
   * @param others those met that are not simulated; none of them if the interpreters were named
   */
  public record Found(List<RealPython> pythons, List<Broken> broken, List<Other> others) {
    public Found {
      pythons = List.copyOf(pythons);
      broken = List.copyOf(broken);
      others = List.copyOf(others);
    }

    public boolean isEmpty() {
      return pythons.isEmpty() && broken.isEmpty();
    }

    /** The newest working interpreter. */
    RealPython newest() {
      return pythons.get(pythons.size() - 1);
    }

    /**
     * How measured processes get their addresses on this machine: {@link Addresses#FIXED} if the
     * newest interpreter may ask for that; containers often forbid it.
     */
    public Addresses addresses() {
      return pythons.isEmpty() ? Addresses.RANDOM : newest().addresses();
    }
  }

  /**
   * The interpreters to verify against: those named, or else all that are found on the path and
   * among pyenv's, one for each release. A named one that is no supported CPython is a broken one.
   *
   * @param path the search path, colon-separated
   * @param home the user's home directory
   * @throws IllegalArgumentException if all that are named say that they are no supported CPython
   */
  public static Found find(List<String> named, String path, Path home) {
    return find(named, path, home, LIMIT);
  }

  static Found find(List<String> named, String path, Path home, Duration limit) {
    boolean searching = named.isEmpty();
    List<RealPython> pythons = new ArrayList<>();
    List<Broken> broken = new ArrayList<>();
    List<Other> others = new ArrayList<>();
    Set<String> releases = new HashSet<>();
    for (String candidate : searching ? candidates(path, home) : named) {
      try {
        Answer answer = ask(candidate, limit);
        PythonVersion version = answer.simulated();
        if (version == null) {
          if (!searching || releases.add(answer.toString())) {
            others.add(new Other(candidate, answer.toString()));
          }
        } else if (!searching || releases.add(version.toString())) {
          pythons.add(new RealPython(candidate, answer.fullVersion, version));
        }
      } catch (Command.Failure e) {
        if (!searching || !NOT_THERE.contains(e.status())) {
          broken.add(new Broken(candidate, String.valueOf(e.getMessage())));
        }
      }
    }
    if (searching) {
      pythons.sort(Comparator.comparingInt(p -> PythonVersion.SUPPORTED.indexOf(p.version)));
      return new Found(pythons, broken, others);
    }
    if (pythons.isEmpty() && broken.isEmpty()) {
      throw new IllegalArgumentException(
          others.stream().map(Other::toString).collect(Collectors.joining(", "))
              + ": "
              + NO_RELEASE);
    }
    for (Other other : others) {
      broken.add(new Broken(other.path, other.what + " is " + NO_RELEASE));
    }
    return new Found(pythons, broken, List.of());
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
        candidates.addAll(others(Path.of(directory)));
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

  /** Programs of a directory that are named as an interpreter is. */
  private static List<Path> others(Path directory) {
    try (Stream<Path> entries = Files.list(directory)) {
      return entries
          .filter(p -> INTERPRETER.matcher(String.valueOf(p.getFileName())).matches())
          .sorted()
          .toList();
    } catch (IOException e) {
      return List.of(); // an entry of PATH that is not there
    }
  }

  private Addresses addresses() {
    try {
      Command.output(List.of(path, "-S", "-c", FIX_ADDRESSES), PERSONALITY_LIMIT);
      return Addresses.FIXED;
    } catch (Command.Failure e) {
      return Addresses.RANDOM;
    }
  }

  /** Asks a program what interpreter it is. */
  private static Answer ask(String path, Duration limit) throws Command.Failure {
    String answer = Command.output(List.of(path, "-S", "-c", PROBE), limit).strip();
    String[] words = answer.split(" ", -1);
    if (words.length != 3 || !words[1].matches("[0-9]{1,3}\\.[0-9]{1,3}")) {
      throw new Command.Failure(
          "does not answer as a Python does: " + Command.excerptOrNothing(answer));
    }
    return new Answer(words[0], words[1], words[2]);
  }

  /** What an interpreter says that it is. */
  private record Answer(String implementation, String release, String fullVersion) {
    /** The simulated release, or null if it is another than those held against real ones. */
    @Nullable PythonVersion simulated() {
      try {
        PythonVersion version = PythonVersion.parse(release);
        return implementation.equals("CPython") && version.isVerified() ? version : null;
      } catch (IllegalArgumentException e) {
        return null;
      }
    }

    @Override
    public String toString() {
      return implementation + " " + fullVersion;
    }
  }
}
