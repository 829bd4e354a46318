package dev.preforklab.cpython.layout;

/** Offsets in {@code PyObject} and {@code PyVarObject}, in bytes. */
public final class ObjectHead {
  public static final int REF_COUNT = 0;
  public static final int TYPE = 8;

  /** Of objects of variable size. */
  public static final int SIZE = 16;

  public static final int BYTES = 16;
  public static final int VAR_BYTES = 24;

  /** The reference count of an immortal object, from 3.12 on. */
  public static final long IMMORTAL_REF_COUNT = 0xffffffffL;

  private ObjectHead() {}

  /** Whether a reference count is that of an immortal object (3.12 and later). */
  public static boolean isImmortal(long refCount) {
    return (int) refCount < 0;
  }
}
