package dev.preforklab.machine.process;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The areas of an address space in the order of their addresses, disjoint, adjacent anonymous ones
 * merged. A sorted list: a process has some hundred areas at most.
 */
final class VmaList {
  private final ArrayList<Vma> areas = new ArrayList<>();
  private @Nullable Vma lastFound;

  List<Vma> areas() {
    return areas;
  }

  VmaList duplicate() {
    VmaList copy = new VmaList();
    for (Vma vma : areas) {
      copy.areas.add(new Vma(vma));
    }
    return copy;
  }

  /** The area that holds a page, or null. */
  @Nullable Vma find(int page) {
    Vma last = lastFound;
    if (last != null && page >= last.startPage() && page < last.endPage()) {
      return last;
    }
    int index = indexOfFirstEndingAfter(page);
    if (index == areas.size() || areas.get(index).startPage() > page) {
      return null;
    }
    lastFound = areas.get(index);
    return lastFound;
  }

  /** Whether nothing is mapped from a page up to another. */
  boolean isFree(int startPage, int endPage) {
    int index = indexOfFirstEndingAfter(startPage);
    return index == areas.size() || areas.get(index).startPage() >= endPage;
  }

  /** Lowest page in [from, limit) that is aligned and begins a gap of so many pages, or -1. */
  int findGap(int from, int pages, int alignmentPages, int limit) {
    long candidate = alignUp(from, alignmentPages);
    for (int i = indexOfFirstEndingAfter(from); i < areas.size(); i++) {
      Vma vma = areas.get(i);
      if (candidate + pages <= vma.guardedStartPage()) {
        break;
      }
      candidate = Math.max(candidate, alignUp(vma.endPage(), alignmentPages));
    }
    return candidate + pages <= limit ? (int) candidate : -1;
  }

  /**
   * Highest page in [lowest, base) that is aligned and begins a gap of so many pages below the
   * base, or -1. A gap below a stack is smaller by the stack's guard.
   */
  int findGapBelow(int base, int pages, int alignmentPages, int lowest) {
    long end = base;
    int above = indexOfFirstEndingAfter(base - 1);
    if (above < areas.size()) {
      end = Math.min(end, areas.get(above).guardedStartPage());
    }
    for (int i = above - 1; ; i--) {
      long floor = i < 0 ? lowest : Math.max(lowest, areas.get(i).endPage());
      long start = end - pages & -(long) alignmentPages;
      if (start >= floor) {
        return (int) start;
      }
      if (floor == lowest) {
        return -1;
      }
      end = areas.get(i).guardedStartPage();
    }
  }

  private static long alignUp(int page, int alignmentPages) {
    return ((long) page + alignmentPages - 1) & -(long) alignmentPages;
  }

  /** Adds an area where nothing is mapped. */
  void add(Vma vma) {
    int index = indexOfFirstEndingAfter(vma.startPage());
    lastFound = null;
    if (index > 0 && areas.get(index - 1).canAbsorb(vma)) {
      Vma merged = areas.get(index - 1);
      merged.absorb(vma);
      if (index < areas.size() && merged.canAbsorb(areas.get(index))) {
        merged.absorb(areas.remove(index));
      }
    } else if (index < areas.size() && vma.canAbsorb(areas.get(index))) {
      vma.absorb(areas.get(index));
      areas.set(index, vma);
    } else {
      areas.add(index, vma);
    }
  }

  /** Lengthens an area over pages where nothing is mapped. */
  void extend(Vma vma, int endPage) {
    vma.setEndPage(endPage);
    int next = indexOfFirstEndingAfter(endPage);
    if (next < areas.size() && vma.canAbsorb(areas.get(next))) {
      lastFound = null;
      vma.absorb(areas.remove(next));
    }
  }

  /** Removes everything from a page up to another, splitting areas at the edges. */
  void remove(int startPage, int endPage) {
    lastFound = null;
    int index = indexOfFirstEndingAfter(startPage);
    while (index < areas.size() && areas.get(index).startPage() < endPage) {
      Vma vma = areas.get(index);
      if (vma.endPage() > endPage) {
        areas.add(index + 1, vma.tail(endPage));
      }
      if (vma.startPage() < startPage) {
        vma.setEndPage(startPage);
        index++;
      } else {
        areas.remove(index);
      }
    }
  }

  private int indexOfFirstEndingAfter(int page) {
    int low = 0;
    int high = areas.size();
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (areas.get(middle).endPage() > page) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return low;
  }
}
