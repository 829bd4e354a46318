package dev.preforklab.prefork.profile;

import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.layout.ObjectHead;
import dev.preforklab.cpython.layout.TypeSpec;

/**
 * The types of replayed objects: an atomic one, and collectable ones with a number of reference
 * words. A live object has none; garbage gets as many as it needs to hold its cycle together.
 */
final class ReplayTypes {
  /** Most reference words that a replayed object gets: what fits in the largest pool block. */
  static final int REFERENCES_MAX = 60;

  /** Address of the type of objects without a GC head. */
  final long atomic;

  /** Address of the type of tuples that a collection takes off its lists. */
  final long atomicTuple;

  /** Address of the type of such tuples with another in them. */
  final long tupleOfOne;

  /** Address of the type of collectable objects, by number of reference words. */
  private final long[] collectable = new long[REFERENCES_MAX + 1];

  /** Adds the types to an interpreter; processes forked from it know them, too. */
  ReplayTypes(Interpreter interpreter) {
    atomic = interpreter.addStaticType(TypeSpec.atomic("replayed block", ObjectHead.BYTES, 0));
    atomicTuple = interpreter.addStaticType(tuple("replayed tuple", 0));
    tupleOfOne = interpreter.addStaticType(tuple("replayed tuple of one", 1));
    for (int references = 0; references <= REFERENCES_MAX; references++) {
      collectable[references] =
          interpreter.addStaticType(
              TypeSpec.blocks(
                  "replayed object of " + references,
                  ObjectHead.BYTES + 8 * references,
                  ObjectHead.BYTES,
                  references,
                  false));
    }
  }

  private static TypeSpec tuple(String name, int references) {
    return new TypeSpec(
        name,
        TypeSpec.BLOCKS,
        true,
        ObjectHead.BYTES + 8 * references,
        0,
        ObjectHead.BYTES,
        references,
        false,
        TypeSpec.Exact.TUPLE);
  }

  long collectable(int references) {
    return collectable[references];
  }
}
