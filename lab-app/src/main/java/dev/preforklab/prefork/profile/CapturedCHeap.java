package dev.preforklab.prefork.profile;

/**
 * The captured C heap: what its past has made of malloc's thresholds, the chunk at its end, and the
 * chunks that were free. Addresses are the captured process's own.
 */
final class CapturedCHeap {
  final long trimThreshold;
  final long mmapThreshold;
  final long top;
  final long topBytes;

  /** Free blocks: address and bytes in turn. */
  final long[] free;

  CapturedCHeap(long trimThreshold, long mmapThreshold, long top, long topBytes, long[] free) {
    this.trimThreshold = trimThreshold;
    this.mmapThreshold = mmapThreshold;
    this.top = top;
    this.topBytes = topBytes;
    this.free = free;
  }
}
