package dev.preforklab.cpython.layout;

/**
 * What the collector and the deallocator know of a type: whether it is a GC type and where its
 * objects keep references (its tp_traverse).
 *
 * @param name as {@code __name__} gives it
 * @param traversal one of the constants below
 * @param isGc whether its objects have a GC head
 * @param basicBytes tp_basicsize
 * @param itemBytes tp_itemsize
 * @param firstReference for {@link #BLOCKS}: offset of the first reference word
 * @param references for {@link #BLOCKS}: number of reference words; for {@link #INSTANCE}: slots of
 *     the block of values
 * @param isHeapType whether Python code made it: instances own a reference to it
 * @param exact the builtin that it is exactly, for untracking and free lists
 */
public record TypeSpec(
    String name,
    int traversal,
    boolean isGc,
    int basicBytes,
    int itemBytes,
    int firstReference,
    int references,
    boolean isHeapType,
    Exact exact) {
  /** Builtins that the collector or the free lists treat by name. */
  public enum Exact {
    NONE,
    TUPLE,
    DICT,
    LIST,
    SET,
    FLOAT,
    INT,
    /** Owns the buffer that its third word points to. */
    ARRAY,
    /** GC type or not by object: tp_flags in its memory says whether it is a heap type. */
    TYPE
  }

  /** No references. */
  public static final int ATOMIC = 0;

  /** {@code references} words from {@code firstReference} on. */
  public static final int BLOCKS = 1;

  /** ob_size words behind the variable-size head. */
  public static final int TUPLE = 2;

  /** ob_size words in a separate buffer, its address behind the head. */
  public static final int LIST = 3;

  /** A table of keys, and perhaps one of values. */
  public static final int DICT = 4;

  /** Attributes where the release's {@code InstanceLayout} has them. */
  public static final int INSTANCE = 5;

  /** An open-addressed table of (key, hash). */
  public static final int SET = 6;

  /** Referents stand in an immutable table outside simulated memory: {@link ReferentTable}. */
  public static final int OPAQUE = 7;

  /** Where an opaque object keeps its index into the {@link ReferentTable}. */
  public static final int OPAQUE_INDEX = 16;

  /** Offset of tp_flags in a type object, and its bit that marks a heap type. */
  public static final int TYPE_FLAGS = 168;

  public static final long TYPE_FLAG_HEAP_TYPE = 1L << 9;

  // bits of the code that the registry's cache returns
  public static final int CODE_TRAVERSAL = 7;
  public static final int CODE_GC = 8;
  public static final int CODE_TUPLE = 16;
  public static final int CODE_DICT = 32;
  public static final int CODE_HEAP_TYPE = 64;
  public static final int CODE_GC_BY_FLAGS = 128;

  /** The 16 bits above the flags are the type's number in the registry. */
  public static final int CODE_NUMBER_SHIFT = 8;

  public static final int CODE_NUMBER_MASK = 0xffff;

  /**
   * The upper bits: number of reference words of a {@link #BLOCKS} type whose first one follows the
   * object's head, if it is below 256; 0 = look at the type.
   */
  public static final int CODE_BLOCKS_SHIFT = 24;

  /** A type without references. */
  public static TypeSpec atomic(String name, int basicBytes, int itemBytes) {
    return new TypeSpec(name, ATOMIC, false, basicBytes, itemBytes, 0, 0, false, Exact.NONE);
  }

  /** A type without references that the free lists treat by name. */
  public static TypeSpec atomic(String name, int basicBytes, int itemBytes, Exact exact) {
    return new TypeSpec(name, ATOMIC, false, basicBytes, itemBytes, 0, 0, false, exact);
  }

  /** A GC type whose objects have a fixed number of reference words. */
  public static TypeSpec blocks(
      String name, int basicBytes, int firstReference, int references, boolean isHeapType) {
    return new TypeSpec(
        name, BLOCKS, true, basicBytes, 0, firstReference, references, isHeapType, Exact.NONE);
  }

  /** A captured type: its objects' referents stand in the referent table. */
  public static TypeSpec opaque(
      String name, boolean isGc, int basicBytes, int itemBytes, Exact exact) {
    return new TypeSpec(
        name, isGc ? OPAQUE : ATOMIC, isGc, basicBytes, itemBytes, 0, 0, false, exact);
  }

  /** The flags of the cached code. */
  int code() {
    return traversal
        | (isGc ? CODE_GC : 0)
        | (exact == Exact.TUPLE ? CODE_TUPLE : 0)
        | (exact == Exact.DICT ? CODE_DICT : 0)
        | (isHeapType ? CODE_HEAP_TYPE : 0)
        | (exact == Exact.TYPE ? CODE_GC_BY_FLAGS : 0)
        | (traversal == BLOCKS && firstReference == ObjectHead.BYTES && references < 256
            ? references << CODE_BLOCKS_SHIFT
            : 0);
  }
}
