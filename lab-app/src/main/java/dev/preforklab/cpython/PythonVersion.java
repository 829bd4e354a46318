package dev.preforklab.cpython;

import java.util.List;
import java.util.stream.Stream;

/**
 * All that differs between the simulated CPython releases, as data. Sizes are bytes on 64-bit
 * Linux.
 *
 * <p>Sources: {@code Modules/gcmodule.c} (to 3.12), {@code Python/gc.c} (3.13), {@code
 * Objects/obmalloc.c}, the object headers of each release, and measurements of real interpreters.
 */
public final class PythonVersion {
  /** Attribute names that the instances of one class can share, from 3.11 on. */
  public static final int SHARED_KEYS_MAX_SIZE = 30;

  /** The first micro number of 3.14 that has three generations again. */
  private static final int FIRST_WITHOUT = 5;

  /** Where an instance keeps its attributes. */
  public enum InstanceLayout {
    /** In a dict object of its own (to 3.10). */
    DICT,
    /** In a block of values beside the object, made with it (3.11, 3.12). */
    VALUES,
    /** Behind the object's head (from 3.13). */
    INLINE
  }

  public static final PythonVersion V2_7 = new PythonVersion(2, 7);
  public static final PythonVersion V3_6 = new PythonVersion(3, 6);
  public static final PythonVersion V3_7 = new PythonVersion(3, 7);
  public static final PythonVersion V3_8 = new PythonVersion(3, 8);
  public static final PythonVersion V3_9 = new PythonVersion(3, 9);
  public static final PythonVersion V3_10 = new PythonVersion(3, 10);
  public static final PythonVersion V3_11 = new PythonVersion(3, 11);
  public static final PythonVersion V3_12 = new PythonVersion(3, 12);
  public static final PythonVersion V3_13 = new PythonVersion(3, 13);

  /** 3.14.0 to 3.14.4, which have the incremental collector. */
  public static final PythonVersion V3_14 = new PythonVersion(3, 14, true);

  /** The simulated releases that have been held against real interpreters, oldest first. */
  public static final List<PythonVersion> SUPPORTED =
      List.of(V2_7, V3_6, V3_7, V3_8, V3_9, V3_10, V3_11, V3_12, V3_13);

  /** All simulated releases. 3.14 follows CPython's source; no real one has been asked. */
  public static final List<PythonVersion> KNOWN =
      Stream.concat(SUPPORTED.stream(), Stream.of(V3_14)).toList();

  /** What is said wherever an outcome of the incremental collector shows. */
  public static final String NOT_VERIFIED = "not verified against a real interpreter";

  public final int major;
  public final int minor;

  /** Bytes of PyGC_Head in front of each object of a GC type. */
  public final int gcHeadBytes;

  /** Whether gc_refs is a word of its own in the head (to 3.7) or lies in the prev pointer. */
  public final boolean separateGcRefs;

  /** Bits that gc_refs is shifted by in its word: 0 on 2.7, 1 on 3.4-3.7, 2 in the prev pointer. */
  public final int gcRefsShift;

  /** Whether tuples are untracked while reachable objects are moved or in a pass of their own. */
  public final boolean untracksTuplesInOwnPass;

  /** Whether the collector is the incremental one of 3.14.0 to 3.14.4. */
  public final boolean incremental;

  /** Whether a dict is tracked from the start (3.14) or once it holds what may be tracked. */
  public final boolean tracksDictsAtOnce;

  public final int threshold0;
  public final int threshold1;
  public final int threshold2;

  /** Alignment of pymalloc blocks, and distance between its size classes. */
  public final int alignment;

  public final int arenaBytes;
  public final int poolBytes;

  /** Whether the last arena with free pools is kept when it becomes empty (from 3.9). */
  public final boolean keepsLastArena;

  /** Whether addresses are looked up in a map of arenas (from 3.10) or in the pool's header. */
  public final boolean hasArenaMap;

  public final boolean hasImmortalObjects;

  /**
   * Immortal objects among the tracked ones that stand in the permanent generation at the start.
   */
  public final int immortalFrozenAtStart;

  /** Whether an automatic collection waits for the next eval-breaker check (from 3.12). */
  public final boolean collectsAtEvalBreaker;

  public final boolean hasFreeze;

  /** Full passes at a normal exit with the collector enabled. */
  public final int exitPasses;

  /** Full passes at a normal exit with the collector disabled. */
  public final int exitPassesDisabled;

  /** Lists and dicts kept for reuse, each. */
  public final int listFreeList;

  public final int dictFreeList;

  /** Key tables of the smallest size kept for reuse. */
  public final int keysFreeList;

  /** Largest tuple that is put on a free list, and largest that is taken from one. */
  public final int tupleFreeListPut;

  public final int tupleFreeListTake;

  /** Tuples kept for each length. */
  public final int tupleFreeList;

  public final int setFreeList;
  public final int floatFreeList;
  public final int methodFreeList;

  /** Whether the collector also follows the type of an instance of a class made by Python code. */
  public final boolean visitsHeapTypes;

  /** Whether instances of a class with empty {@code __slots__} are GC objects (from 3.8). */
  public final boolean emptyInstancesAreGc;

  public final InstanceLayout instanceLayout;

  /** Bytes in front of the GC head of an instance: dict and values, or dict and weak references. */
  public final int instancePreHeaderBytes;

  /** Bytes of an ASCII text (str; unicode objects of 2.7 are apart), without its characters. */
  public final int asciiHeaderBytes;

  private PythonVersion(int major, int minor) {
    this(major, minor, false);
  }

  private PythonVersion(int major, int minor, boolean incremental) {
    this.major = major;
    this.minor = minor;
    this.incremental = incremental;
    tracksDictsAtOnce = major == 3 && minor >= 14;
    boolean two = major == 2;
    separateGcRefs = two || minor <= 7;
    gcHeadBytes = separateGcRefs ? 32 : 16;
    gcRefsShift = two ? 0 : separateGcRefs ? 1 : 2;
    untracksTuplesInOwnPass = !two && minor >= 7;
    threshold0 = incremental || (!two && minor >= 13) ? 2000 : 700;
    threshold1 = 10;
    threshold2 = incremental ? 0 : 10;
    alignment = 16;
    boolean largePools = !two && minor >= 10;
    arenaBytes = largePools ? 1 << 20 : 1 << 18;
    poolBytes = largePools ? 1 << 14 : 1 << 12;
    keepsLastArena = !two && minor >= 9;
    hasArenaMap = largePools;
    hasImmortalObjects = !two && minor >= 12;
    immortalFrozenAtStart = !two && minor == 12 ? 375 : 0;
    collectsAtEvalBreaker = hasImmortalObjects || incremental;
    hasFreeze = !two && minor >= 7;
    exitPasses = two ? 1 : minor >= 10 ? 4 : 3;
    exitPassesDisabled = two ? 1 : exitPasses - 1;
    listFreeList = 80;
    dictFreeList = 80;
    keysFreeList = two ? 0 : 80;
    tupleFreeListPut = !two && minor >= 11 ? 20 : 19;
    tupleFreeListTake = !two && minor >= 13 ? 20 : 19;
    tupleFreeList = 2000;
    setFreeList = two ? 80 : 0;
    floatFreeList = two ? 0 : 100;
    methodFreeList = two || minor <= 8 ? 256 : minor >= 14 ? 20 : 0;
    visitsHeapTypes = !two && minor >= 9;
    emptyInstancesAreGc = !two && minor >= 8;
    instanceLayout =
        two || minor <= 10
            ? InstanceLayout.DICT
            : minor <= 12 ? InstanceLayout.VALUES : InstanceLayout.INLINE;
    instancePreHeaderBytes = instanceLayout == InstanceLayout.DICT ? 0 : 16;
    asciiHeaderBytes = two ? 37 : minor >= 12 ? 41 : 49;
  }

  /**
   * Finds a release by its name: {@code 3.11}, or with a micro number, {@code 3.11.2}.
   *
   * @throws IllegalArgumentException if it is not one of the simulated releases; the message says
   *     which those are
   */
  public static PythonVersion parse(String text) {
    String[] parts = text.strip().split("\\.", -1);
    if (parts.length == 2 || parts.length == 3) {
      boolean micro = parts.length == 2 || parts[2].matches("\\d{1,3}[a-z+0-9]*");
      for (PythonVersion version : KNOWN) {
        if (micro
            && (!version.incremental || parts.length == 2 || micro(parts[2]) < FIRST_WITHOUT)
            && parts[0].equals(Integer.toString(version.major))
            && parts[1].equals(Integer.toString(version.minor))) {
          return version;
        }
      }
    }
    String known = "; known: " + KNOWN;
    if (text.strip().matches("3\\.1[45](\\.\\d{1,3}[a-z+0-9]*)?")) {
      throw new IllegalArgumentException(
          "Python release \"" + text + "\" is not simulated: " + whyNot(parts) + known);
    }
    throw new IllegalArgumentException("unknown Python release \"" + text + "\"" + known);
  }

  /** Why a release after the last simulated one is refused. */
  private static String whyNot(String[] parts) {
    return parts[1].equals("15")
        ? "3.15 is to have three generations again"
        : "3.14 has three generations again from 3.14.5 on";
  }

  private static int micro(String text) {
    return Integer.parseInt(text.replaceFirst("[a-z+].*", ""));
  }

  /**
   * This release with the collector of 3.14 in place of its own: heads, allocator and objects stay.
   * For heaps that were captured from this release.
   *
   * @throws IllegalArgumentException if heads or pools of this release are not those of 3.14
   */
  public PythonVersion withIncrementalCollector() {
    if (gcHeadBytes != V3_14.gcHeadBytes || poolBytes != V3_14.poolBytes) {
      throw new IllegalArgumentException(
          "GC heads and pools of " + this + " are not those of 3.14, as they are from 3.10 on");
    }
    return new PythonVersion(major, minor, true);
  }

  /** Whether this release's own collector has been held against a real interpreter. */
  public boolean isVerified() {
    return !incremental;
  }

  /** True from a release on: {@code atLeast(3, 12)}. */
  public boolean atLeast(int otherMajor, int otherMinor) {
    return major > otherMajor || (major == otherMajor && minor >= otherMinor);
  }

  /** The release as people write it, {@code 3.11}. */
  @Override
  public String toString() {
    return major + "." + minor;
  }
}
