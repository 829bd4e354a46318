package dev.preforklab.prefork.profile;

import java.util.Arrays;

/** Blocks that outlive their request, by the request of the worker they die in. Unboxed. */
final class CarriedBlocks {
  private static final int WHEEL = 256;
  private static final int NONE = -1;

  private final int[] first = new int[WHEEL];
  private long[] address = new long[256];
  private long[] due = new long[256];
  private byte[] domain = new byte[256];
  private int[] next = new int[256];
  private int size;
  private int free = NONE;

  /** Takes the blocks that are due, one call of this each. */
  interface Sink {
    void release(long address, int domain);
  }

  CarriedBlocks() {
    Arrays.fill(first, NONE);
  }

  /** Keeps a block until a request number. */
  void add(long blockAddress, int blockDomain, long dueRequest) {
    int entry = free;
    if (entry != NONE) {
      free = next[entry];
    } else {
      if (size == address.length) {
        address = Arrays.copyOf(address, 2 * size);
        due = Arrays.copyOf(due, 2 * size);
        domain = Arrays.copyOf(domain, 2 * size);
        next = Arrays.copyOf(next, 2 * size);
      }
      entry = size++;
    }
    address[entry] = blockAddress;
    domain[entry] = (byte) blockDomain;
    due[entry] = dueRequest;
    int slot = (int) (dueRequest & (WHEEL - 1));
    next[entry] = first[slot];
    first[slot] = entry;
  }

  /** Releases what is due at a request number; numbers come one by one. */
  void release(long request, Sink sink) {
    int slot = (int) (request & (WHEEL - 1));
    int entry = first[slot];
    int kept = NONE;
    first[slot] = NONE;
    while (entry != NONE) {
      int following = next[entry];
      if (due[entry] <= request) {
        sink.release(address[entry], domain[entry]);
        next[entry] = free;
        free = entry;
      } else {
        next[entry] = kept;
        kept = entry;
      }
      entry = following;
    }
    first[slot] = kept;
  }
}
