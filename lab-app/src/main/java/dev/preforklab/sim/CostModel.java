package dev.preforklab.sim;

import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.lang.reflect.RecordComponent;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What each step costs, in simulated nanoseconds of CPU time. The values, and where each comes
 * from, stand in one place: the resource {@code costs.properties} beside this class. How often a
 * step happens is an outcome of the simulation; only its price is an assumption.
 *
 * @param faultDemandZeroNs minor fault that hands out a zeroed frame
 * @param faultZeroPageNs read fault of anonymous memory, served with the shared zero page
 * @param faultCowCopyNs write-protect fault that copies the page
 * @param faultCowReuseNs write-protect fault of the page's last user: the protection is lifted
 * @param faultFileMapNs minor fault that maps a page of the page cache
 * @param faultAroundPageNs each further page that the same fault maps by fault-around
 * @param faultMajorNs fault that waits for the disk
 * @param forkBaseNs fork without its page tables
 * @param forkPageNs fork, each page table entry copied
 * @param exitBaseNs end of a process without its pages
 * @param exitPageNs end of a process, each page unmapped
 * @param mmapNs a call of mmap
 * @param munmapNs a call of munmap without its pages
 * @param munmapPageNs munmap, each page unmapped
 * @param mremapNs a call of mremap; one that moves costs an mmap and a munmap besides
 * @param mremapPageNs mremap, each page table entry moved
 * @param brkNs a call of brk
 * @param contextSwitchNs a core goes over to another process
 * @param gcBaseNs a collection without its objects
 * @param gcYoungObjectNs a collection of generation 0 or 1, each object visited
 * @param gcFullObjectNs a full collection, each object visited (mostly cache misses)
 * @param mallocNs an allocation served by a pool
 * @param freeNs a block given back to its pool
 * @param rawMallocNs an allocation of the system's allocator
 * @param rawFreeNs a block given back to the system's allocator
 * @param refcountWriteNs a reference count read, changed and stored
 * @param readObjectNs an inherited object read in passing, its refcount apart
 */
public record CostModel(
    long faultDemandZeroNs,
    long faultZeroPageNs,
    long faultCowCopyNs,
    long faultCowReuseNs,
    long faultFileMapNs,
    long faultAroundPageNs,
    long faultMajorNs,
    long forkBaseNs,
    long forkPageNs,
    long exitBaseNs,
    long exitPageNs,
    long mmapNs,
    long munmapNs,
    long munmapPageNs,
    long mremapNs,
    long mremapPageNs,
    long brkNs,
    long contextSwitchNs,
    long gcBaseNs,
    long gcYoungObjectNs,
    long gcFullObjectNs,
    long mallocNs,
    long freeNs,
    long rawMallocNs,
    long rawFreeNs,
    long refcountWriteNs,
    long readObjectNs) {

  private static final String RESOURCE = "costs.properties";
  private static final long LONGEST_NS = 60 * SimTime.NANOSECONDS_IN_SECOND;

  /** The documented costs. */
  public static CostModel defaults() {
    try (InputStream in = CostModel.class.getResourceAsStream(RESOURCE)) {
      if (in == null) {
        throw new IllegalStateException("resource " + RESOURCE + " is missing");
      }
      return read(new InputStreamReader(in, StandardCharsets.UTF_8), RESOURCE);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Reads costs as properties: one {@code component=nanoseconds} a line, every component of this
   * record exactly once.
   *
   * @param source the name of what is read, for messages
   * @throws IllegalArgumentException naming the source and the key that is missing, unknown or no
   *     number from 0 to a minute
   */
  public static CostModel read(Reader reader, String source) throws IOException {
    Properties properties = new Properties();
    properties.load(reader);
    RecordComponent[] components = CostModel.class.getRecordComponents();
    Class<?>[] types = new Class<?>[components.length];
    Object[] values = new Object[components.length];
    Set<String> known = new HashSet<>();
    for (int i = 0; i < components.length; i++) {
      String key = components[i].getName();
      known.add(key);
      types[i] = components[i].getType();
      values[i] = value(properties.getProperty(key), source, key);
    }
    for (String key : new TreeSet<>(properties.stringPropertyNames())) {
      if (!known.contains(key)) {
        throw new IllegalArgumentException(source + ": unknown cost '" + key + "'");
      }
    }
    try {
      return CostModel.class.getDeclaredConstructor(types).newInstance(values);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("a record has its canonical constructor", e);
    }
  }

  private static Long value(@Nullable String text, String source, String key) {
    if (text == null) {
      throw new IllegalArgumentException(source + ": cost '" + key + "' is missing");
    }
    try {
      long ns = Long.parseLong(text.trim().replace("_", ""));
      if (ns >= 0 && ns <= LONGEST_NS) {
        return ns;
      }
    } catch (NumberFormatException e) {
      // the message below covers it
    }
    throw new IllegalArgumentException(
        source
            + ": cost '"
            + key
            + "' must be nanoseconds from 0 to "
            + LONGEST_NS
            + ", not '"
            + text
            + "'");
  }
}
