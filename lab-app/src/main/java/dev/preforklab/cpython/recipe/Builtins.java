package dev.preforklab.cpython.recipe;

import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.layout.DictLayout;
import dev.preforklab.cpython.layout.TypeSpec;
import dev.preforklab.cpython.layout.TypeSpec.Exact;
import dev.preforklab.cpython.obmalloc.HeapBuilder;
import java.util.Map;

/** The addresses of the builtin types and singletons; equal in all processes of one family. */
record Builtins(
    long int_,
    long long_,
    long float_,
    long str,
    long bytes,
    long list,
    long tuple,
    long dict,
    long set,
    long array,
    long none,
    long smallInt,
    long emptyTuple,
    long emptyBytes) {

  static final int FLOAT_BYTES = 24;
  static final int LIST_BYTES = 40;

  /**
   * Adds the types to a fresh interpreter.
   *
   * @param places where those objects are that stand in the real interpreter's static memory; the
   *     others are put into pages of the simulation's own
   */
  static Builtins add(Interpreter interpreter, Map<String, Long> places) {
    Adder adder = new Adder(interpreter, places);
    PythonVersion version = interpreter.version;
    long int_ = adder.type(TypeSpec.atomic("int", 24, 4, Exact.INT));
    long tuple = adder.type(container("tuple", TypeSpec.TUPLE, 24, 8, Exact.TUPLE));
    long noneType = adder.type(TypeSpec.atomic("type(None)", 16, 0));
    long str = adder.type(TypeSpec.atomic("str", version.asciiHeaderBytes, 1));
    long bytes = adder.type(TypeSpec.atomic("bytes", 33, 1));
    return new Builtins(
        int_,
        adder.type(TypeSpec.atomic("long", 24, 4)),
        adder.type(TypeSpec.atomic("float", FLOAT_BYTES, 0, Exact.FLOAT)),
        str,
        bytes,
        adder.type(container("list", TypeSpec.LIST, LIST_BYTES, 0, Exact.LIST)),
        tuple,
        adder.type(
            container("dict", TypeSpec.DICT, new DictLayout(version).objectBytes, 0, Exact.DICT)),
        adder.type(container("set", TypeSpec.SET, 200, 0, Exact.SET)),
        interpreter.addStaticType(LongArrays.type(version)),
        interpreter.addStaticObject("None", noneType, 16, places.getOrDefault("None", 0L)),
        interpreter.addStaticObject("small int", int_, 32),
        emptyTuple(interpreter, tuple),
        interpreter.addStaticObject("b''", bytes, 33));
  }

  /** A collection has found long ago that it holds nothing. */
  private static long emptyTuple(Interpreter interpreter, long type) {
    interpreter.addStaticObject("head of ()", 0, interpreter.version.gcHeadBytes);
    long object = interpreter.addStaticObject("()", type, 24);
    new HeapBuilder(interpreter).writeUntrackedHead(object);
    return object;
  }

  private static TypeSpec container(
      String name, int traversal, int basicBytes, int itemBytes, Exact exact) {
    return new TypeSpec(name, traversal, true, basicBytes, itemBytes, 0, 0, false, exact);
  }

  private record Adder(Interpreter interpreter, Map<String, Long> places) {
    long type(TypeSpec spec) {
      return interpreter.addStaticType(spec, places.getOrDefault(spec.name(), 0L));
    }
  }
}
