package dev.preforklab.machine;

/**
 * One area of {@code /proc/PID/smaps}.
 *
 * @param start first address
 * @param end address after the last one
 * @param permissions as in the kernel, for example {@code rw-p}
 * @param name file name, a name like {@code [heap]}, or nothing
 * @param figures its memory, in bytes
 */
public record Smaps(long start, long end, String permissions, String name, SmapsRollup figures) {
  public long size() {
    return end - start;
  }
}
