package dev.preforklab.cpython.recipe;

import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.layout.TypeSpec;
import dev.preforklab.cpython.recipe.Recipe.Expression;
import dev.preforklab.cpython.recipe.Recipe.Statement;
import java.util.ArrayList;
import java.util.Collection;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What stands before a recipe's heap: its classes, the constants that the compiler has made, and
 * what compiling and defining leave behind.
 */
final class Definitions {
  private static final int FIXED_OBJECT_BYTES = 48;
  private static final long[] NO_KEYS = {};

  private final Mutator mutator;
  private final Interpreter interpreter;
  private final Instances instances;
  private final Calls calls;
  private final long metatype;

  /** In the order of the source. */
  private final List<PyClass> order = new ArrayList<>();

  private final List<PyClass> withMethods = new ArrayList<>();

  private final IdentityHashMap<Expression, PyClass> classes = new IdentityHashMap<>();

  /** Displays that the compiler has made, by their place; the same in all processes. */
  private final IdentityHashMap<Expression, Long> constants;

  /** Of 2.7, of whose code only the frames are known. */
  private final @Nullable OldClasses old;

  /** The recipe's code; null before it is loaded, and on 2.7. */
  private @Nullable CodeObjects code;

  Definitions(Mutator mutator, Instances instances, Calls calls) {
    this(
        mutator,
        instances,
        calls,
        mutator.interpreter.addStaticType(TypeSpec.blocks("type", 1064, 16, 0, false)));
  }

  private Definitions(Mutator mutator, Instances instances, Calls calls, long metatype) {
    this(
        mutator,
        instances,
        calls,
        metatype,
        new IdentityHashMap<>(),
        mutator.version.major == 2 ? new OldClasses(mutator, instances, calls, metatype) : null);
  }

  private Definitions(
      Mutator mutator,
      Instances instances,
      Calls calls,
      long metatype,
      IdentityHashMap<Expression, Long> constants,
      @Nullable OldClasses old) {
    this.old = old;
    this.mutator = mutator;
    this.instances = instances;
    this.calls = calls;
    this.metatype = metatype;
    this.constants = constants;
    interpreter = mutator.interpreter;
  }

  /** The definitions as a forked process has them. */
  Definitions forked(Mutator child, Instances childInstances, Calls childCalls) {
    Definitions copy =
        new Definitions(
            child,
            childInstances,
            childCalls,
            metatype,
            constants,
            old == null ? null : old.forked(child, childInstances, childCalls));
    IdentityHashMap<PyClass, PyClass> copies = new IdentityHashMap<>();
    for (PyClass one : order) {
      PyClass own = one.copy();
      copies.put(one, own);
      copy.order.add(own);
      if (withMethods.contains(one)) {
        copy.withMethods.add(own);
      }
    }
    classes.forEach((place, one) -> copy.classes.put(place, copies.get(one)));
    copy.code = code == null ? null : code.forked();
    return copy;
  }

  /** The class of a place in the recipe. */
  PyClass classOf(Expression place) {
    PyClass type = classes.get(place);
    if (type == null) {
      throw new IllegalStateException("class not defined: " + place);
    }
    return type;
  }

  /** The classes of instances, in the order of the source; not those of rings. */
  List<PyClass> classesWithMethods() {
    return withMethods;
  }

  /** Whether the module's dict is reachable for the collector at exit, whatever lies in cycles. */
  boolean moduleIsHeld() {
    return order.stream().anyMatch(instances::isHeldUnseen);
  }

  /** The module drops its functions; frees them with their code, as far as it is the recipe's. */
  void freeFunctions() {
    if (code != null) {
      code.freeFunctions(mutator, calls);
    }
  }

  /** The names of the code that are never freed. */
  Collection<Long> immortalNames() {
    return code == null || !mutator.version.hasImmortalObjects ? List.of() : code.names();
  }

  /** The constant that the compiler has made of a display, or null. */
  @Nullable Long constantOf(Expression place) {
    return constants.get(place);
  }

  /** Takes the recipe's code, which is loaded before it defines anything. */
  /** The recipe's code, from 3.6 on. */
  CodeObjects code() {
    return Objects.requireNonNull(code);
  }

  void setCode(CodeObjects loaded) {
    code = loaded;
  }

  /** Takes the recipe's code on 2.7. */
  void setOldCode(OldCode loaded) {
    if (old != null) {
      old.setCode(loaded);
    }
  }

  /** Runs the code of one of the functions build and act. */
  void run(String function) {
    if (code != null) {
      code.run(mutator, function, !calls.isFrameCaptured(function));
    }
  }

  /** The function of the act begins: its frame, which stays with its code. */
  void frameOfAct() {
    if (code != null && !calls.isFrameCaptured("act")) {
      code.frameOfAct(mutator);
    }
  }

  /** The code of a place begins to run. */
  void enter(Object place) {
    if (code != null) {
      code.enter(mutator, place);
    }
  }

  /** Of the frame of a place's code or of a function: what it holds besides its head. */
  int places(Object place) {
    if (old != null) {
      return old.places(place);
    }
    return code == null ? Calls.PLACES : code.places(place);
  }

  /** The keys of a dict display; none on 2.7. */
  long[] keys(Expression place) {
    return code == null ? NO_KEYS : code.keys(place);
  }

  /** Defines the classes of statements, in the order of the source. */
  void define(List<Statement> statements) {
    for (Statement statement : statements) {
      definePlaces(statement.make());
      define(statement.also());
    }
  }

  private void definePlaces(Expression place) {
    if (place instanceof Recipe.InstanceValue instance) {
      instance.values().forEach(this::definePlaces);
      addClass(place, instance.attributes(), instance.slots());
    } else if (place instanceof Recipe.CycleValue) {
      addClass(place, List.of("next"), false);
    } else if (place instanceof Recipe.ListValue list) {
      list.items().forEach(this::definePlaces);
    } else if (place instanceof Recipe.TupleValue tuple) {
      if (isConstant(tuple)) {
        constants.put(tuple, constant(tuple));
      }
      tuple.items().forEach(this::definePlaces);
    } else if (place instanceof Recipe.SetValue set) {
      set.items().forEach(this::definePlaces);
    } else if (place instanceof Recipe.DictValue dict) {
      dict.values().forEach(this::definePlaces);
    } else if (place instanceof Recipe.TimesValue times) {
      definePlaces(times.of());
    }
  }

  /** Whether the compiler makes all of several values. */
  boolean areConstants(List<Expression> places) {
    for (Expression place : places) {
      if (!isConstant(place)) {
        return false;
      }
    }
    return true;
  }

  /** Whether the compiler makes a value: None and tuples of constants. */
  boolean isConstant(Expression place) {
    if (!(place instanceof Recipe.TupleValue tuple)) {
      return place instanceof Recipe.NoneValue;
    }
    // 2.7 folds a tuple in a tuple no further; 3.6 does not load () as a constant.
    return switch (mutator.version.toString()) {
      case "2.7" -> tuple.items().stream().allMatch(Recipe.NoneValue.class::isInstance);
      case "3.6" -> !tuple.items().isEmpty() && areConstants(tuple.items());
      default -> areConstants(tuple.items());
    };
  }

  private long constant(Expression place) {
    if (!(place instanceof Recipe.TupleValue tuple)) {
      return mutator.none();
    }
    long[] items = tuple.items().stream().mapToLong(this::constant).toArray();
    return items.length == 0 ? mutator.newTuple(items) : mutator.newConstantTuple(items);
  }

  private void addClass(Expression place, List<String> attributes, boolean slots) {
    if (old != null) {
      add(place, old.define(place, attributes, slots));
      return;
    }
    defineClass(place, attributes, slots);
  }

  private void defineClass(Expression place, List<String> attributes, boolean slots) {
    boolean hasInit = place instanceof Recipe.InstanceValue;
    PyClass type =
        calls.areSimulated
            ? new EarlyClassStatement(mutator, instances, calls, metatype)
                .run(attributes, slots, hasInit, () -> makeFrame(place), () -> makeFunction(place))
            : new ClassStatement(mutator, instances, metatype)
                .run(attributes, slots, hasInit, () -> enterBody(place), () -> makeFunction(place));
    add(place, type);
    if (!hasInit) {
      // That of the ring, which the module makes.
      makeFunction(place);
    }
  }

  /** The body's code has a frame. */
  private void makeFrame(Expression place) {
    interpreter.collector.objectAllocated();
    if (code != null) {
      code.runClassBody(mutator, place);
    }
  }

  private void enterBody(Expression place) {
    // The body's code keeps the frame, a new one or one that waited on 3.10's free list.
    boolean hasFrame = !mutator.version.atLeast(3, 11);
    if (!calls.takeFreeFrame() && hasFrame) {
      interpreter.collector.objectAllocated();
    }
    if (code != null) {
      code.runClassBody(mutator, place);
    }
  }

  private void makeFunction(Expression place) {
    if (code == null) {
      makeFixtures(1);
      return;
    }
    long function = interpreter.newGcObject(metatype, CodeObjects.functionBytes(mutator.version));
    interpreter.track(function);
    if (place instanceof Recipe.CycleValue) {
      code.defineName();
    }
    code.setFunction(place, function);
  }

  /** The module makes the function of read_deep. */
  void makeReader() {
    if (old != null) {
      old.makeFunction();
      return;
    }
    if (code == null) {
      makeFixtures(1);
      return;
    }
    long function = interpreter.newGcObject(metatype, CodeObjects.functionBytes(mutator.version));
    interpreter.track(function);
    code.defineName();
    code.setReader(function);
  }

  /** The code of read_deep's function begins to run. */
  void enterReader() {
    if (code != null) {
      code.enterReader(mutator);
    }
  }

  /** Looks an attribute up, which takes a reference to its name. */
  void touchName(String name) {
    if (code != null) {
      code.touchName(mutator, name);
    }
  }

  private void add(Expression place, PyClass type) {
    if (code != null) {
      code.defineName();
    }
    classes.put(place, type);
    order.add(type);
    if (place instanceof Recipe.InstanceValue) {
      withMethods.add(type);
    }
  }

  /** Functions, tuples and the like, which stay: what counts is their number. */
  void makeFixtures(int count) {
    for (int i = 0; i < count; i++) {
      interpreter.track(interpreter.newGcObject(metatype, FIXED_OBJECT_BYTES));
    }
  }
}
