package dev.preforklab.machine.process;

/** An access to an address where nothing is mapped, or a store to a read-only mapping. */
public final class SegmentationFault extends RuntimeException {
  private static final long serialVersionUID = 1L;
  private final long address;

  public SegmentationFault(long address) {
    super("segmentation fault at 0x" + Long.toHexString(address));
    this.address = address;
  }

  public long address() {
    return address;
  }
}
