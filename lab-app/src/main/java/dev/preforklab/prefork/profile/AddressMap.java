package dev.preforklab.prefork.profile;

import java.util.List;

/**
 * Where the captured process's mappings lie in a simulated address space: packed, so that a flat
 * page table stays small. The place inside a page is kept, and for memory that can hold arenas the
 * place inside a mebibyte, so pools and arenas stay aligned and what shared a page still does.
 *
 * <p>File mappings come first, then stack and anonymous memory, then the data segment's heap with
 * {@link #HEAP_ROOM_BYTES} to grow; new mappings belong above {@link #mmapBase}.
 */
final class AddressMap {
  /** Address space kept free behind the captured heap for {@code sbrk}. */
  static final long HEAP_ROOM_BYTES = 512L << 20;

  private static final long PAGE = 4096;
  private static final long MEBIBYTE = 1 << 20;
  private static final long FIRST = 16 * PAGE;

  private final long[] start;
  private final long[] end;
  private final long[] labStart;
  private final long heapStart;
  private final long heapEnd;

  AddressMap(List<CapturedVma> vmas) {
    int n = vmas.size();
    start = new long[n];
    end = new long[n];
    labStart = new long[n];
    for (int i = 0; i < n; i++) {
      start[i] = vmas.get(i).start();
      end[i] = vmas.get(i).end();
    }
    long cursor = FIRST;
    for (int i = 0; i < n; i++) {
      if (isFile(vmas.get(i))) {
        cursor = place(i, cursor + PAGE, PAGE);
      }
    }
    int heap = -1;
    for (int i = 0; i < n; i++) {
      CapturedVma vma = vmas.get(i);
      if (vma.kind() == CapturedVma.Kind.BRK_HEAP) {
        heap = i;
      } else if (!isFile(vma)) {
        boolean adjacent = i > 0 && end[i - 1] == start[i] && labStart[i - 1] != 0;
        boolean joined = adjacent && cursor == labStart[i - 1] + end[i - 1] - start[i - 1];
        cursor = place(i, joined ? cursor : cursor + PAGE, MEBIBYTE);
      }
    }
    cursor = (cursor + MEBIBYTE) & -MEBIBYTE;
    if (heap >= 0) {
      cursor = place(heap, cursor, PAGE);
    }
    heapStart = heap >= 0 ? labStart[heap] : cursor;
    heapEnd = cursor;
  }

  private static boolean isFile(CapturedVma vma) {
    return vma.kind() == CapturedVma.Kind.FILE_RO || vma.kind() == CapturedVma.Kind.LIB_DATA;
  }

  /** Gives a mapping the first address from {@code from} on that is congruent to its own. */
  private long place(int vma, long from, long modulus) {
    long offset = (start[vma] - from) & (modulus - 1);
    labStart[vma] = from + offset;
    return labStart[vma] + end[vma] - start[vma];
  }

  /** First byte of the simulated process's data segment heap. */
  long heapStart() {
    return heapStart;
  }

  /** The captured program break, simulated. */
  long heapEnd() {
    return heapEnd;
  }

  /** Where new mappings may begin. */
  long mmapBase() {
    return heapEnd + HEAP_ROOM_BYTES;
  }

  /** The simulated address of a mapping. */
  long labStart(int vma) {
    return labStart[vma];
  }

  /**
   * The simulated address of a captured one, or -1 if nothing was mapped there.
   *
   * <p>A binary search; for loading, not for running.
   */
  long toLab(long address) {
    int vma = find(address);
    return vma < 0 ? -1 : labStart[vma] + address - start[vma];
  }

  /**
   * The simulated addresses of captured ones that ascend.
   *
   * @throws IllegalArgumentException if nothing was mapped at one of them
   */
  long[] toLabAscending(long[] addresses) {
    long[] lab = new long[addresses.length];
    int vma = 0;
    for (int i = 0; i < lab.length; i++) {
      long address = addresses[i];
      if (vma < 0 || address < start[vma] || address >= end[vma]) {
        vma = find(address);
        if (vma < 0) {
          throw new IllegalArgumentException("nothing mapped at 0x" + Long.toHexString(address));
        }
      }
      lab[i] = labStart[vma] + address - start[vma];
    }
    return lab;
  }

  /** Index of the mapping that holds a captured address, or -1. */
  int find(long address) {
    int low = 0;
    int high = start.length - 1;
    while (low <= high) {
      int middle = (low + high) >>> 1;
      if (address < start[middle]) {
        high = middle - 1;
      } else if (address >= end[middle]) {
        low = middle + 1;
      } else {
        return middle;
      }
    }
    return -1;
  }
}
