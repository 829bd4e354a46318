package dev.preforklab.prefork.profile;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * What a worker's n-th request touches of the memory it inherited, as measured in a child that
 * served the endpoints in turn: for each page first found copied then, an object on it whose
 * reference count is written, or, where no object is known, a plain word; and pages of files.
 *
 * <p>Pages of which the profile tells request by request who touches them ({@link RequestNeeds})
 * are left out here. Of what all requests of an endpoint touch, the profile tells the endpoints: a
 * worker touches it at its first request of one of these.
 *
 * <p>Fork copies no page table entries of read-only file mappings, so a child reads those anew. A
 * measurement after several requests is spread evenly over them. The capture tells how many pages
 * of files appeared, not which: the master's are taken, from the lowest address on.
 */
final class InheritedPages {
  /** In an access's low bits: a reference count is taken and dropped. */
  static final int REFCOUNT = 0;

  /** A data word is written. */
  static final int DATA = 1;

  /** A page of a file is read. */
  static final int FILE = 2;

  private static final int FAULT_AROUND_PAGES = 16;

  /**
   * Accesses, address | kind; those of request n (from 1) begin at start[n]; start[0] = boot. Then
   * come those of the endpoints.
   */
  private final long[] accesses;

  private final int[] start;
  private final int requests;

  private InheritedPages(long[] accesses, int[] start, int requests) {
    this.accesses = accesses;
    this.start = start;
    this.requests = requests;
  }

  /** Requests for which something is known, the fork itself (0) included. */
  int requests() {
    return requests;
  }

  /**
   * What a worker touches at its first request of an endpoint is what it touches at this number, if
   * the profile tells it; else 0.
   */
  int ofEndpoint(int endpoint) {
    return requests + endpoint < start.length - 1 ? requests + endpoint : 0;
  }

  int begin(int request) {
    return start[request];
  }

  int end(int request) {
    return start[request + 1];
  }

  /** An access: address in the upper bits, kind in the lowest three. */
  long access(int index) {
    return accesses[index];
  }

  static InheritedPages of(Profile profile, AddressMap map) {
    int last = 1;
    for (Profile.Touched touched : profile.pages.touched()) {
      last = Math.max(last, touched.request());
    }
    for (Profile.Appeared appeared : profile.pages.appeared()) {
      last = Math.max(last, appeared.request());
    }
    int endpoints = profile.pages.copies().isEmpty() ? 0 : profile.endpoints().size();
    List<LongArray> byRequest = lists(last + 1);
    List<LongArray> byEndpoint = lists(endpoints);
    Set<Long> told = toldByRequest(profile);
    addCopies(profile, map, told, byEndpoint);
    addTouched(profile, map, told, byRequest);
    addFilePages(profile, map, byRequest);
    LongArray all = new LongArray(1 << 12);
    IntArray start = new IntArray(last + 2 + endpoints);
    for (List<LongArray> lists : List.of(byRequest, byEndpoint)) {
      for (LongArray list : lists) {
        start.add(all.size());
        for (int i = 0; i < list.size(); i++) {
          all.add(list.get(i));
        }
      }
    }
    start.add(all.size());
    return new InheritedPages(all.toArray(), start.toArray(), last + 1);
  }

  private static List<LongArray> lists(int count) {
    List<LongArray> lists = new ArrayList<>();
    for (int n = 0; n < count; n++) {
      lists.add(new LongArray(8));
    }
    return lists;
  }

  /** Takes note of what is told by endpoint, too. */
  private static void addCopies(
      Profile profile, AddressMap map, Set<Long> told, List<LongArray> byEndpoint) {
    long[] pages =
        profile.pages.touched().stream()
            .flatMapToLong(touched -> Arrays.stream(touched.pages()))
            .toArray();
    Set<Long> copied = new HashSet<>();
    for (Profile.Copies copies : profile.pages.copies()) {
      LongArray list = byEndpoint.get(copies.endpoint());
      int page = 0;
      for (int i = 0; i < copies.runs().length; i++) {
        for (int k = 0; k < copies.runs()[i]; k++, page++) {
          long access = i % 2 == 0 ? 0 : accessTo(profile.heap, map, pages[page] << 12);
          if (access > 0 && !told.contains(pages[page])) {
            list.add(access);
            copied.add(pages[page]);
          }
        }
      }
    }
    told.addAll(copied);
  }

  private static void addTouched(
      Profile profile, AddressMap map, Set<Long> told, List<LongArray> byRequest) {
    int before = 0;
    for (Profile.Touched touched : profile.pages.touched()) {
      int span = Math.max(1, touched.request() - before);
      long[] pages = touched.pages();
      for (int i = 0; i < pages.length; i++) {
        int request = touched.request() - span + 1 + (int) ((long) i * span / pages.length);
        long access = accessTo(profile.heap, map, pages[i] << 12);
        if (access > 0 && !told.contains(pages[i])) {
          byRequest.get(request).add(access);
        }
      }
      before = touched.request();
    }
  }

  /** Pages of which is known which requests touch them. */
  private static Set<Long> toldByRequest(Profile profile) {
    Set<Long> told = new HashSet<>();
    for (Profile.Touched needs : profile.pages.needs()) {
      for (long page : needs.pages()) {
        told.add(page);
      }
    }
    return told;
  }

  /** How a captured page is touched, or 0 if the lab does not have it. */
  static long accessTo(HeapImage heap, AddressMap map, long page) {
    long object = objectOn(heap, page);
    long address = map.toLab(object >= 0 ? object : page);
    if (address <= 0) {
      return 0;
    }
    return address | (object >= 0 ? REFCOUNT : isReadOnly(heap, page) ? FILE : DATA);
  }

  private static boolean isReadOnly(HeapImage heap, long address) {
    for (CapturedVma vma : heap.vmas) {
      if (vma.start() <= address && address < vma.end()) {
        return vma.kind() == CapturedVma.Kind.FILE_RO;
      }
    }
    return false;
  }

  /** Address of the first object whose head begins on a page, or -1. */
  private static long objectOn(HeapImage heap, long page) {
    int index = Arrays.binarySearch(heap.address, page);
    if (index < 0) {
      index = ~index;
    }
    boolean found = index < heap.objects() && heap.address[index] < page + 4096;
    return found ? heap.address[index] : -1;
  }

  private static void addFilePages(Profile profile, AddressMap map, List<LongArray> byRequest) {
    LongArray windows = new LongArray(1 << 10);
    IntArray windowPages = new IntArray(1 << 10);
    listWindows(profile.heap, map, windows, windowPages);
    int[] wanted = new int[byRequest.size()];
    for (Profile.Appeared appeared : profile.pages.appeared()) {
      if (appeared.kind().equals("file_ro")) {
        wanted[appeared.request()] += appeared.pages();
      }
    }
    if (wanted[0] == 0) {
      // Not measured: a fork alone makes a child read about as many as its first request does.
      wanted[0] = wanted[1];
    }
    int cursor = 0;
    int missing = 0;
    for (int request = 0; request < wanted.length; request++) {
      missing += wanted[request];
      while (missing > 0 && cursor < windows.size()) {
        byRequest.get(request).add(windows.get(cursor) | FILE);
        missing -= windowPages.get(cursor++);
      }
    }
  }

  /** The aligned runs of pages that one file fault maps, and how many of each the master had. */
  private static void listWindows(
      HeapImage heap, AddressMap map, LongArray windows, IntArray windowPages) {
    for (int v = 0; v < heap.vmas.size(); v++) {
      CapturedVma vma = heap.vmas.get(v);
      if (vma.kind() != CapturedVma.Kind.FILE_RO) {
        continue;
      }
      long page = map.labStart(v) >>> 12;
      long window = -1;
      int count = 0;
      int[] runs = vma.runs();
      for (int i = 0; i < runs.length; i++) {
        for (int k = 0; k < runs[i] && i % 2 == 1; k++) {
          long own = (page + k) / FAULT_AROUND_PAGES;
          if (own != window) {
            if (count > 0) {
              windowPages.add(count);
            }
            windows.add((page + k) << 12);
            window = own;
            count = 0;
          }
          count++;
        }
        page += runs[i];
      }
      if (count > 0) {
        windowPages.add(count);
      }
    }
  }
}
