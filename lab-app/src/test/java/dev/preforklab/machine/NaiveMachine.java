package dev.preforklab.machine;

import dev.preforklab.probe.Probes;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The oracle of {@link AddressSpacePropertyTest}: memory as a map from page to words for each
 * process, copied word by word at fork. A token says which pages are one frame in a real machine;
 * who holds a token is found by looking through everything. Slow and plain on purpose.
 */
final class NaiveMachine {
  /** What one page of a process shows. */
  private static final class Page {
    /** Equal tokens are one frame; 0 is the zero page. */
    final long token;

    final boolean anonymous;
    final long[] words;
    boolean writable;

    Page(long token, boolean anonymous, boolean writable, long[] words) {
      this.token = token;
      this.anonymous = anonymous;
      this.writable = writable;
      this.words = words;
    }
  }

  /**
   * What may be at one page; pages of one mapping carry its number. Anonymous memory is one mapping
   * wherever it lies, but for what has been moved: its number says how far.
   */
  private static final class Slot {
    final int mapping;
    final boolean writable;
    final int file;
    final int filePage;
    boolean ownPages;

    Slot(int mapping, boolean writable, int file, int filePage, boolean ownPages) {
      this.mapping = mapping;
      this.writable = writable;
      this.file = file;
      this.filePage = filePage;
      this.ownPages = ownPages;
    }
  }

  /** One process. */
  static final class Proc {
    final Map<Integer, Slot> slots = new TreeMap<>();
    final Map<Integer, Page> pages = new HashMap<>();
    final long[][] faults = new long[5][6];
  }

  static final int ANONYMOUS = -1;
  private static final int ANONYMOUS_MAPPING = 1 << 20;
  private static final int LEAST_PAGE = 16;
  static final int NO_SINGLE_MAPPING = -1;
  static final int NO_ROOM = -2;

  final List<Proc> processes = new ArrayList<>();
  private final boolean[][] cached;
  private long nextToken = 1_000_000;
  private int nextMapping = 1;

  NaiveMachine(boolean[][] cached) {
    this.cached = cached;
  }

  boolean isFree(Proc p, int start, int end) {
    for (int page = start; page < end; page++) {
      if (p.slots.containsKey(page)) {
        return false;
      }
    }
    return true;
  }

  void map(Proc p, int start, int end, boolean writable, int file, int filePage) {
    int mapping = file == ANONYMOUS ? ANONYMOUS_MAPPING : nextMapping++;
    for (int page = start; page < end; page++) {
      p.slots.put(page, new Slot(mapping, writable, file, filePage + page - start, false));
    }
    spreadOwn(p, start);
  }

  /** A page of its own anywhere in an area counts for all of it. */
  private static void spreadOwn(Proc p, int start) {
    int[] area = area(p, start);
    for (int page = area[0]; page < area[1]; page++) {
      if (slot(p, page).ownPages) {
        markOwn(p, start);
        return;
      }
    }
  }

  /** Where so many pages go, tried one page after the other; {@link #NO_ROOM} if nowhere. */
  int place(Proc p, int pages, int base, boolean downwards, int limit) {
    for (int start = base - pages; downwards && start >= LEAST_PAGE; start--) {
      if (isFree(p, start, start + pages)) {
        return start;
      }
    }
    for (int start = base; start + pages <= limit; start++) {
      if (isFree(p, start, start + pages)) {
        return start;
      }
    }
    return NO_ROOM;
  }

  /** mremap; returns the page, {@link #NO_SINGLE_MAPPING} or {@link #NO_ROOM}. */
  int remap(Proc p, int start, int end, int pages, int base, boolean downwards, int limit) {
    if (!p.slots.containsKey(start)) {
      return NO_SINGLE_MAPPING;
    }
    if (start + pages <= end) {
      unmap(p, start + pages, end);
      return start;
    }
    int[] area = area(p, start);
    if (end > area[1]) {
      return NO_SINGLE_MAPPING;
    }
    Slot first = slot(p, start);
    boolean stays = end == area[1] && start + pages <= limit && isFree(p, end, start + pages);
    int to = stays ? start : place(p, pages, base, downwards, limit);
    if (to < 0) {
      return to;
    }
    int mapping = first.mapping;
    if (!stays) {
      mapping =
          first.file != ANONYMOUS
              ? nextMapping++
              : first.ownPages ? first.mapping + to - start : ANONYMOUS_MAPPING;
    }
    Map<Integer, Page> moved = new HashMap<>();
    for (int page = start; page < end; page++) {
      Page content = p.pages.get(page);
      if (content != null) {
        moved.put(page - start + to, content);
      }
    }
    unmap(p, start, end);
    p.pages.putAll(moved);
    for (int i = 0; i < pages; i++) {
      p.slots.put(
          to + i,
          new Slot(mapping, first.writable, first.file, first.filePage + i, first.ownPages));
    }
    spreadOwn(p, to);
    return to;
  }

  void unmap(Proc p, int start, int end) {
    for (int page = start; page < end; page++) {
      p.slots.remove(page);
      p.pages.remove(page);
    }
  }

  Proc fork(Proc parent) {
    Proc child = new Proc();
    for (Map.Entry<Integer, Slot> e : parent.slots.entrySet()) {
      Slot s = e.getValue();
      child.slots.put(e.getKey(), new Slot(s.mapping, s.writable, s.file, s.filePage, s.ownPages));
      Page page = parent.pages.get(e.getKey());
      if (page != null && s.ownPages) {
        page.writable = false;
        child.pages.put(
            e.getKey(), new Page(page.token, page.anonymous, false, page.words.clone()));
      }
    }
    processes.add(child);
    return child;
  }

  /** Reads a word; -1 on a segmentation fault. */
  long load(Proc p, int page, int word) {
    Slot slot = p.slots.get(page);
    if (slot == null || (slot.file != ANONYMOUS && slot.filePage >= cached[slot.file].length)) {
      return -1;
    }
    if (!p.pages.containsKey(page)) {
      if (slot.file == ANONYMOUS) {
        p.pages.put(page, new Page(0, true, false, new long[512]));
        p.faults[Probes.FAULT_DEMAND_ZERO][0]++;
      } else {
        loadFile(p, slot, page);
      }
    }
    return page(p, page).words[word];
  }

  private void loadFile(Proc p, Slot slot, int page) {
    int[] area = area(p, page);
    int first = Math.max(area[0], page / 16 * 16);
    for (int q = first; q < Math.min(area[1], first + 16) && q / 512 == page / 512; q++) {
      Slot s = slot(p, q);
      if (s.filePage < cached[s.file].length
          && cached[s.file][s.filePage]
          && !p.pages.containsKey(q)) {
        p.pages.put(q, filePage(s));
      }
    }
    if (p.pages.containsKey(page)) {
      p.faults[Probes.FAULT_FILE_MAP][0]++;
    } else {
      readFromDisk(slot);
      p.pages.put(page, filePage(slot));
      p.faults[Probes.FAULT_MAJOR][0]++;
    }
  }

  private void readFromDisk(Slot slot) {
    int from = Math.max(0, slot.filePage - 16);
    for (int q = from; q < from + 32 && q < cached[slot.file].length; q++) {
      cached[slot.file][q] = true;
    }
  }

  private static Page filePage(Slot slot) {
    return new Page(1 + slot.file * 1000L + slot.filePage, false, false, new long[512]);
  }

  /** Writes a word; false on a segmentation fault. */
  boolean store(Proc p, int page, int word, long value, int cause) {
    Slot slot = p.slots.get(page);
    if (slot == null
        || !slot.writable
        || (slot.file != ANONYMOUS && slot.filePage >= cached[slot.file].length)) {
      return false;
    }
    Page old = p.pages.get(page);
    if (old == null || !old.writable) {
      int kind;
      if (old != null && old.token != 0 && old.anonymous && holders(old.token) == 1) {
        kind = Probes.FAULT_COW_REUSE;
        old.writable = true;
      } else {
        long[] words = old == null ? new long[512] : old.words;
        if (slot.file != ANONYMOUS && old == null && !cached[slot.file][slot.filePage]) {
          kind = Probes.FAULT_MAJOR;
          readFromDisk(slot);
        } else if (old == null ? slot.file == ANONYMOUS : old.token == 0) {
          kind = Probes.FAULT_DEMAND_ZERO;
        } else {
          kind = Probes.FAULT_COW_COPY;
        }
        p.pages.put(page, new Page(nextToken++, true, true, words));
        markOwn(p, page);
      }
      p.faults[kind][cause + 1]++;
    }
    page(p, page).words[word] = value;
    return true;
  }

  private static void markOwn(Proc p, int page) {
    int[] area = area(p, page);
    for (int q = area[0]; q < area[1]; q++) {
      slot(p, q).ownPages = true;
    }
  }

  /** First page, and page after the last, of the area around a page. */
  private static int[] area(Proc p, int page) {
    int mapping = slot(p, page).mapping;
    int start = page;
    int end = page + 1;
    for (Slot s = p.slots.get(start - 1); s != null && s.mapping == mapping; ) {
      s = p.slots.get(--start - 1);
    }
    for (Slot s = p.slots.get(end); s != null && s.mapping == mapping; ) {
      s = p.slots.get(++end);
    }
    return new int[] {start, end};
  }

  private static Slot slot(Proc p, int page) {
    Slot slot = p.slots.get(page);
    if (slot == null) {
      throw new AssertionError("no slot for page " + page);
    }
    return slot;
  }

  private static Page page(Proc p, int number) {
    Page page = p.pages.get(number);
    if (page == null) {
      throw new AssertionError("page " + number + " is not present");
    }
    return page;
  }

  private int holders(long token) {
    int holders = 0;
    for (Proc p : processes) {
      for (Page page : p.pages.values()) {
        holders += page.token == token ? 1 : 0;
      }
    }
    return holders;
  }

  SmapsRollup rollup(Proc p) {
    long pss = 0;
    long[] bytes = new long[4];
    for (Page page : p.pages.values()) {
      if (page.token != 0) {
        int holders = holders(page.token);
        pss += (4096L << 12) / holders;
        bytes[(holders == 1 ? 2 : 0) + (page.anonymous ? 1 : 0)] += 4096;
      }
    }
    return new SmapsRollup(
        bytes[0] + bytes[1] + bytes[2] + bytes[3],
        pss >> 12,
        bytes[0],
        bytes[1],
        bytes[2],
        bytes[3],
        bytes[1] + bytes[3]);
  }

  /** Frames in use: anonymous ones by token, and the page cache. */
  int framesUsed() {
    java.util.Set<Long> tokens = new java.util.HashSet<>();
    for (Proc p : processes) {
      for (Page page : p.pages.values()) {
        if (page.anonymous && page.token != 0) {
          tokens.add(page.token);
        }
      }
    }
    int used = tokens.size();
    for (boolean[] file : cached) {
      for (boolean page : file) {
        used += page ? 1 : 0;
      }
    }
    return used;
  }
}
