package dev.preforklab.cpython.recipe;

import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.layout.TypeSpec;
import dev.preforklab.cpython.recipe.Recipe.Expression;
import dev.preforklab.cpython.recipe.Recipe.Statement;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Objects;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;

/**
 * Executes a recipe's statements as the bytecode compiled from them would: operands left to right,
 * then the container; the loop's index is a new int before the old one goes.
 */
final class Evaluator {

  private static final int FIXED_OBJECT_BYTES = 48;

  private final Mutator mutator;
  private final Instances instances;
  private final Interpreter interpreter;
  private final IdentityHashMap<Expression, PyClass> classes;

  /** Displays that the compiler has made, by their place; the same in all processes. */
  private final IdentityHashMap<Expression, Long> constants;

  private final long metatype;

  /** The list {@code out}; 0 after it was dropped. */
  long out;

  /** Local variables that hold loop indices. */
  private final long[] locals = new long[RecipeReader.DEEPEST_LOOP];

  private long index;
  private long indexValue;

  Evaluator(Mutator mutator) {
    this(
        mutator,
        new IdentityHashMap<>(),
        new IdentityHashMap<>(),
        mutator.interpreter.addStaticType(TypeSpec.blocks("type", 1064, 16, 0, false)),
        0);
  }

  private Evaluator(
      Mutator mutator,
      IdentityHashMap<Expression, PyClass> classes,
      IdentityHashMap<Expression, Long> constants,
      long metatype,
      long out) {
    this.mutator = mutator;
    this.classes = classes;
    this.constants = constants;
    this.metatype = metatype;
    this.out = out;
    interpreter = mutator.interpreter;
    instances = new Instances(mutator);
  }

  /** The evaluator of a forked process. */
  Evaluator forked(Interpreter child) {
    IdentityHashMap<Expression, PyClass> copies = new IdentityHashMap<>();
    classes.forEach((place, type) -> copies.put(place, type.copy()));
    return new Evaluator(mutator.forked(child), copies, constants, metatype, out);
  }

  // Definitions

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

  /** Whether the compiler makes a value: None and tuples of constants. */
  private boolean isConstant(Expression place) {
    if (!(place instanceof Recipe.TupleValue tuple)) {
      return place instanceof Recipe.NoneValue;
    }
    // 2.7 folds a tuple in a tuple no further; 3.6 does not load () as a constant.
    return switch (mutator.version.toString()) {
      case "2.7" -> tuple.items().stream().allMatch(Recipe.NoneValue.class::isInstance);
      case "3.6" -> !tuple.items().isEmpty() && tuple.items().stream().allMatch(this::isConstant);
      default -> tuple.items().stream().allMatch(this::isConstant);
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
    if (classes.isEmpty()) {
      if (mutator.version.atLeast(3, 9)) {
        makeFixtures(firstClassObjects());
      } else {
        // One of them is a call's arguments, a tuple that range() then has from the free list.
        makeFixtures(firstClassObjects() - 1);
        interpreter.decref(mutator.newTuple(new long[] {0}));
      }
    }
    classes.put(place, instances.define(attributes, slots, metatype));
    // Slots have a descriptor each, and a tuple of their names, but none for __dict__, __weakref__.
    int descriptors = !slots ? 0 : attributes.isEmpty() ? -2 : attributes.size() - 1;
    makeFixtures(classObjects() - 1 + descriptors);
  }

  /**
   * What 2.7's compiler leaves on free lists, which its collections do not empty: for each scope of
   * the source a dict and two lists, and nine dicts for each scope that it was inside of at once,
   * counted in the real interpreter. Each class has taken one dict from there since.
   *
   * @param reads whether there is the function of read_deep
   */
  void fillFreeLists(boolean reads) {
    if (mutator.version.major > 2) {
      return;
    }
    int count = interpreter.gcState.count(0);
    int scopes = 3 + 2 * classes.size() + (reads ? 1 : 0);
    boolean hasMethods = classes.keySet().stream().anyMatch(Recipe.InstanceValue.class::isInstance);
    mutator.fillFreeLists((hasMethods ? 26 : 17) + scopes - classes.size(), 4 + 2 * scopes, 2);
    interpreter.gcState.setCount(0, count);
  }

  /** GC objects that a class statement and its function leave, the class itself included. */
  private int classObjects() {
    return mutator.version.major == 2 || mutator.version.atLeast(3, 11) ? 8 : 9;
  }

  /** GC objects that only the first class statement makes. */
  private int firstClassObjects() {
    if (mutator.version.major == 2) {
      return 2;
    }
    return switch (mutator.version.minor) {
      case 6 -> 10;
      case 7, 8 -> 6;
      case 9, 10 -> 4;
      default -> 3;
    };
  }

  /** Functions, tuples and the like, which stay: what counts is their number. */
  void makeFixtures(int count) {
    for (int i = 0; i < count; i++) {
      interpreter.track(interpreter.newGcObject(metatype, FIXED_OBJECT_BYTES));
    }
  }

  // Statements

  /** {@code out = []}; the list object itself is counted among the bare interpreter's. */
  void makeOut() {
    out = mutator.newList(new long[0]);
  }

  /** Runs statements, then lets go of the local variables, as a function's return does. */
  void run(List<Statement> statements) {
    for (Statement statement : statements) {
      run(statement, 0);
    }
    for (int i = 0; i < locals.length; i++) {
      if (locals[i] != 0) {
        interpreter.decref(locals[i]);
        locals[i] = 0;
      }
    }
  }

  private void run(Statement statement, int depth) {
    long outerIndex = index;
    long outerValue = indexValue;
    Range range = new Range(mutator, statement.repeat());
    for (long i = 0; i < statement.repeat(); i++) {
      long next = range.next(i);
      if (locals[depth] != 0) {
        interpreter.decref(locals[depth]);
      }
      locals[depth] = next;
      index = next;
      indexValue = i;
      long value = evaluate(statement.make());
      if (statement.keep()) {
        mutator.append(out, value);
      } else {
        interpreter.decref(value);
      }
      if (statement.every() > 0 && i % statement.every() == statement.every() - 1) {
        for (Statement also : statement.also()) {
          run(also, depth + 1);
        }
      }
      interpreter.evalBreaker();
    }
    range.end();
    index = outerIndex;
    indexValue = outerValue;
  }

  // Expressions

  /** A new reference to the expression's value at the current index. */
  long evaluate(Expression expression) {
    if (expression instanceof Recipe.IntValue value) {
      return mutator.newSum(indexValue, value.base());
    }
    if (expression instanceof Recipe.FloatValue) {
      return mutator.newFloat();
    }
    if (expression instanceof Recipe.StrValue value) {
      return mutator.newStr(value.length(), digits(indexValue));
    }
    if (expression instanceof Recipe.BytesValue value) {
      return mutator.newBytes(value.length());
    }
    if (expression instanceof Recipe.NoneValue) {
      return mutator.none();
    }
    if (expression instanceof Recipe.ListValue value) {
      long[] items = evaluate(value.items());
      return value.items().stream().allMatch(this::isConstant)
          ? mutator.newConstantList(items)
          : mutator.newList(items);
    }
    if (expression instanceof Recipe.TupleValue value) {
      Long constant = constants.get(value);
      if (constant != null) {
        interpreter.incref(constant);
        return constant;
      }
      return mutator.newTuple(evaluate(value.items()));
    }
    if (expression instanceof Recipe.DictValue value) {
      List<LongSupplier> values = new ArrayList<>();
      value.values().forEach(one -> values.add(() -> evaluate(one)));
      return mutator.dictObjects.newDict(value.keys(), values);
    }
    if (expression instanceof Recipe.SetValue value) {
      return set(value);
    }
    if (expression instanceof Recipe.InstanceValue value) {
      return instance(value);
    }
    if (expression instanceof Recipe.CycleValue value) {
      return cycle(value);
    }
    if (expression instanceof Recipe.ArrayValue value) {
      return mutator.newArray(value.length());
    }
    return times((Recipe.TimesValue) expression);
  }

  private long[] evaluate(List<Expression> items) {
    long[] values = new long[items.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = evaluate(items.get(i));
    }
    return values;
  }

  private long set(Recipe.SetValue value) {
    long[] items = evaluate(value.items());
    List<Object> values = new ArrayList<>();
    for (int i = 0; i < items.length; i++) {
      values.add(meaning(value.items().get(i), items[i]));
    }
    return mutator.newSet(items, values);
  }

  /** What an expression's value is for {@link Hashes}. */
  private Object meaning(Expression expression, long object) {
    if (expression instanceof Recipe.IntValue value) {
      return value.base().add(BigInteger.valueOf(indexValue));
    }
    if (expression instanceof Recipe.FloatValue value) {
      return Hashes.number(indexValue + value.x());
    }
    if (expression instanceof Recipe.StrValue value) {
      String text = Long.toString(indexValue);
      return "0".repeat(Math.max(0, value.length() - text.length())) + text;
    }
    if (expression instanceof Recipe.BytesValue value) {
      boolean isStr = mutator.version.major == 2;
      return isStr ? "\0".repeat(value.length()) : new Hashes.Bytes(value.length());
    }
    if (expression instanceof Recipe.TupleValue value) {
      List<Object> items = new ArrayList<>();
      for (int i = 0; i < value.items().size(); i++) {
        items.add(meaning(value.items().get(i), mutator.tupleItem(object, i)));
      }
      return items;
    }
    return expression instanceof Recipe.NoneValue || expression instanceof Recipe.CycleValue
        ? Hashes.NONE
        : new Hashes.Identity(object);
  }

  private long instance(Recipe.InstanceValue value) {
    PyClass type = classOf(value);
    long arguments = mutator.newTuple(new long[] {index});
    interpreter.incref(index);
    long object = instances.create(type);
    interpreter.evalBreaker();
    for (int i = 0; i < value.values().size(); i++) {
      instances.setAttribute(object, type, i, evaluate(value.values().get(i)));
    }
    interpreter.decref(arguments);
    return object;
  }

  private long cycle(Recipe.CycleValue value) {
    PyClass type = classOf(value);
    long first = instances.create(type);
    long last = first;
    long j = 0;
    interpreter.incref(first);
    Range range = value.length() == 1 ? null : new Range(mutator, value.length() - 1);
    for (int i = 1; i < value.length(); i++) {
      interpreter.decref(j);
      j = Objects.requireNonNull(range).next(i - 1);
      long next = instances.create(type);
      interpreter.incref(next);
      instances.setAttribute(last, type, 0, next);
      interpreter.decref(last);
      last = next;
      interpreter.evalBreaker();
    }
    if (range != null) {
      range.end();
    }
    interpreter.incref(first);
    instances.setAttribute(last, type, 0, first);
    interpreter.decref(j);
    interpreter.decref(last);
    interpreter.decref(first);
    return mutator.none();
  }

  private long times(Recipe.TimesValue value) {
    long outerIndex = index;
    long outerValue = indexValue;
    long list = mutator.newList(new long[0]);
    Range range = new Range(mutator, value.times());
    long j = 0;
    for (int k = 0; k < value.times(); k++) {
      long next = range.next(k);
      interpreter.decref(j);
      j = next;
      long product = mutator.newInt(outerValue * value.times());
      indexValue = outerValue * value.times() + k;
      index = mutator.newInt(indexValue);
      interpreter.decref(product);
      mutator.append(list, evaluate(value.of()));
      interpreter.decref(index);
      interpreter.evalBreaker();
    }
    interpreter.decref(j);
    range.end();
    index = outerIndex;
    indexValue = outerValue;
    return list;
  }

  private PyClass classOf(Expression place) {
    PyClass type = classes.get(place);
    if (type == null) {
      throw new IllegalStateException("class not defined: " + place);
    }
    return type;
  }

  private static int digits(long value) {
    return Long.toString(value).length();
  }

  // Reading

  /** Reads a value and all it holds: takes and drops a reference to each. */
  void readDeep(long object) {
    interpreter.refCounts.touch(object);
    TypeSpec spec = interpreter.spec(object);
    switch (spec.traversal()) {
      case TypeSpec.LIST -> iterate(object, this::readDeep);
      case TypeSpec.TUPLE, TypeSpec.SET, TypeSpec.DICT -> {
        interpreter.collector.objectAllocated();
        mutator.forEachReferent(object, this::readDeep);
        interpreter.collector.objectFreed();
      }
      case TypeSpec.INSTANCE, TypeSpec.BLOCKS -> {
        if (!spec.isHeapType()) {
          // An array, from 3.10 on.
          return;
        }
        PyClass type = classOf(mutator.typeOf(object));
        interpreter.refCounts.touch(type.type);
        for (int i = 0; i < type.attributes.size(); i++) {
          readDeep(instances.attribute(object, type, i));
        }
      }
      default -> {
        // A leaf.
      }
    }
  }

  /** Whether the module's dict is reachable for the collector at exit, whatever lies in cycles. */
  boolean moduleIsHeld() {
    return classes.values().stream().anyMatch(instances::isHeldUnseen);
  }

  /**
   * Goes through a list by an iterator, which the collector counts for as long as it lives; its own
   * memory is the baseline's.
   */
  void iterate(long list, LongConsumer body) {
    interpreter.collector.objectAllocated();
    long size = mutator.listSize(list);
    for (long i = 0; i < size; i++) {
      body.accept(mutator.listItem(list, i));
      interpreter.evalBreaker();
    }
    interpreter.collector.objectFreed();
    interpreter.evalBreaker();
  }

  private PyClass classOf(long type) {
    for (PyClass one : classes.values()) {
      if (one.type == type) {
        return one;
      }
    }
    throw new IllegalStateException("no class at 0x" + Long.toHexString(type));
  }

  /** The expressions of the values that stand in {@code out}, in order. */
  static List<Expression> kept(List<Statement> statements) {
    List<Expression> order = new ArrayList<>();
    for (Statement statement : statements) {
      collectKept(statement, order);
    }
    return order;
  }

  private static void collectKept(Statement statement, List<Expression> order) {
    List<Expression> also = kept(statement.also());
    for (int i = 0; i < statement.repeat(); i++) {
      if (statement.keep()) {
        order.add(statement.make());
      }
      if (!also.isEmpty() && i % statement.every() == statement.every() - 1) {
        order.addAll(also);
      }
    }
  }

  Mutator mutator() {
    return mutator;
  }
}
