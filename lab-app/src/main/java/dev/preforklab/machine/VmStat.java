package dev.preforklab.machine;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The host's counters in the words of {@code /proc/vmstat}. The first four are pages now, the
 * others grow from the host's start.
 *
 * @param nrFreePages frames that are free
 * @param nrAnonPages anonymous frames that are mapped
 * @param nrMapped page cache frames that are mapped
 * @param nrFilePages page cache frames
 * @param pgalloc frames handed out
 * @param pgfree frames given back
 * @param pgfault faults, major ones included
 * @param pgmajfault faults that waited for the disk
 * @param pgreuse write-protect faults that reused the page
 * @param oomKill processes that the out-of-memory killer ended
 */
public record VmStat(
    long nrFreePages,
    long nrAnonPages,
    long nrMapped,
    long nrFilePages,
    long pgalloc,
    long pgfree,
    long pgfault,
    long pgmajfault,
    long pgreuse,
    long oomKill) {

  /** By the kernel's names, in its order. */
  public Map<String, Long> byName() {
    Map<String, Long> map = new LinkedHashMap<>();
    map.put("nr_free_pages", nrFreePages);
    map.put("nr_anon_pages", nrAnonPages);
    map.put("nr_mapped", nrMapped);
    map.put("nr_file_pages", nrFilePages);
    map.put("pgalloc_normal", pgalloc);
    map.put("pgfree", pgfree);
    map.put("pgfault", pgfault);
    map.put("pgmajfault", pgmajfault);
    map.put("pgreuse", pgreuse);
    map.put("oom_kill", oomKill);
    return map;
  }
}
