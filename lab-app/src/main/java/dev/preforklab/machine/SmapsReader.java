package dev.preforklab.machine;

import static dev.preforklab.machine.memory.MachineConstants.BYTES_IN_PAGE;
import static dev.preforklab.machine.memory.MachineConstants.LOG_BYTES_IN_PAGE;
import static dev.preforklab.machine.memory.MachineConstants.frameOf;

import dev.preforklab.machine.memory.FrameTable;
import dev.preforklab.machine.process.AddressSpace;
import dev.preforklab.machine.process.Vma;
import java.util.ArrayList;
import java.util.List;

/** Adds up a process's pages by map count, in one pass over its page table. */
final class SmapsReader {
  /** The kernel keeps Pss with so many fraction bits ({@code PSS_SHIFT}). */
  private static final int PSS_SHIFT = 12;

  private final FrameTable frames;
  private long pss;
  private int sharedClean;
  private int sharedDirty;
  private int privateClean;
  private int privateDirty;

  SmapsReader(FrameTable frames) {
    this.frames = frames;
  }

  SmapsRollup rollup(AddressSpace mm) {
    clear();
    for (Vma vma : mm.areas()) {
      add(mm, vma);
    }
    return figures();
  }

  List<Smaps> areas(AddressSpace mm) {
    List<Smaps> areas = new ArrayList<>();
    for (Vma vma : mm.areas()) {
      clear();
      add(mm, vma);
      areas.add(
          new Smaps(
              vma.startAddress(),
              vma.endAddress(),
              vma.writable() ? "rw-p" : "r--p",
              vma.name(),
              figures()));
    }
    return areas;
  }

  private void clear() {
    pss = 0;
    sharedClean = 0;
    sharedDirty = 0;
    privateClean = 0;
    privateDirty = 0;
  }

  private void add(AddressSpace mm, Vma vma) {
    int[] table = mm.table();
    int[] mapCounts = frames.mapCounts();
    boolean mayHoldFilePages = vma.file() != null;
    int end = Math.min(vma.endPage(), table.length);
    for (int page = vma.startPage(); page < end; page++) {
      int entry = table[page];
      if (entry == 0) {
        continue;
      }
      int frame = frameOf(entry);
      if (frame == FrameTable.ZERO_FRAME) {
        continue;
      }
      boolean clean = mayHoldFilePages && frames.isFile(frame);
      int mapCount = mapCounts[frame];
      if (mapCount == 1) {
        pss += (long) BYTES_IN_PAGE << PSS_SHIFT;
        if (clean) {
          privateClean++;
        } else {
          privateDirty++;
        }
      } else {
        pss += ((long) BYTES_IN_PAGE << PSS_SHIFT) / mapCount;
        if (clean) {
          sharedClean++;
        } else {
          sharedDirty++;
        }
      }
    }
  }

  private SmapsRollup figures() {
    int dirty = sharedDirty + privateDirty;
    return new SmapsRollup(
        bytes(dirty + sharedClean + privateClean),
        pss >>> PSS_SHIFT,
        bytes(sharedClean),
        bytes(sharedDirty),
        bytes(privateClean),
        bytes(privateDirty),
        bytes(dirty));
  }

  private static long bytes(int pages) {
    return (long) pages << LOG_BYTES_IN_PAGE;
  }
}
