package dev.preforklab.cpython.recipe;

import dev.preforklab.cpython.Interpreter;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the recipe's classes and functions take on 2.7: the objects of a class statement, in the
 * order in which {@code build_class} and {@code type_new} make them, and how large frames are.
 */
final class OldClasses {
  private static final int FUNCTION_BYTES = 88;
  private static final int DESCRIPTOR_BYTES = 40;
  private static final int WEAK_REFERENCE_BYTES = 56;
  private static final int MRO_BYTES = 40;

  private final Mutator mutator;
  private final Interpreter interpreter;
  private final Instances instances;
  private final Calls calls;
  private final long metatype;

  private @Nullable OldCode code;

  OldClasses(Mutator mutator, Instances instances, Calls calls, long metatype) {
    this.mutator = mutator;
    this.instances = instances;
    this.calls = calls;
    this.metatype = metatype;
    interpreter = mutator.interpreter;
  }

  OldClasses forked(Mutator child, Instances childInstances, Calls childCalls) {
    OldClasses copy = new OldClasses(child, childInstances, childCalls, metatype);
    copy.code = code;
    return copy;
  }

  /** Takes the recipe's code. */
  void setCode(OldCode loaded) {
    code = loaded;
  }

  /** What the frame of a place's code has room for. */
  int places(Object place) {
    return code == null ? Calls.PLACES : code.places(place);
  }

  /** Runs a class statement; the function of a ring comes behind it. */
  PyClass define(Recipe.Expression place, List<String> attributes, boolean slots) {
    long bases = mutator.newTuple(new long[] {mutator.none()});
    // The body's code keeps it.
    int stack = slots ? Math.max(1, attributes.size()) : 1;
    interpreter.newGcObject(metatype, ReaderFrames.emptyBytes(mutator.version) + 8 * stack);
    long names = mutator.dictObjects.newDictObject();
    if (place instanceof Recipe.InstanceValue) {
      makeFunction();
    }
    Held held = calls.holdForClass();
    PyClass type = instances.define(attributes, slots, metatype, () -> {});
    if (slots && !attributes.isEmpty()) {
      long[] texts = new long[attributes.size()];
      Arrays.setAll(texts, i -> mutator.none());
      mutator.newTuple(texts);
    }
    interpreter.track(mutator.dictObjects.newDictObject());
    int descriptors = slots ? attributes.size() : 2;
    for (int i = 0; i < descriptors; i++) {
      interpreter.newTracked(metatype, DESCRIPTOR_BYTES);
    }
    interpreter.newTracked(metatype, MRO_BYTES);
    interpreter.newTracked(metatype, WEAK_REFERENCE_BYTES);
    held.release();
    interpreter.decref(names);
    interpreter.refCounts.touch(bases);
    if (place instanceof Recipe.CycleValue) {
      makeFunction();
    }
    return type;
  }

  void makeFunction() {
    interpreter.newTracked(metatype, FUNCTION_BYTES);
  }
}
