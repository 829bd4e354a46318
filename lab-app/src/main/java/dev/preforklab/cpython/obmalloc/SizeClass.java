package dev.preforklab.cpython.obmalloc;

/** Request sizes and size class indices. */
public final class SizeClass {
  /** Largest request, in bytes, that pymalloc serves itself. */
  public static final int SMALL_REQUEST_THRESHOLD = 512;

  private SizeClass() {}

  /** Index of the class that serves a request of 1 to 512 bytes. */
  public static int indexOf(long requestBytes, int alignment) {
    return (int) (requestBytes - 1) / alignment;
  }

  /** Bytes of the blocks of a class. */
  public static int bytesOf(int index, int alignment) {
    return (index + 1) * alignment;
  }
}
