package dev.preforklab.cpython.recipe;

import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.layout.TypeSpec;
import dev.preforklab.cpython.recipe.Recipe.Expression;
import dev.preforklab.cpython.recipe.Recipe.Statement;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;

/**
 * Executes a recipe's statements as the bytecode compiled from them would: operands left to right,
 * then the container; the loop's index is a new int before the old one goes.
 */
final class Evaluator {

  private final Mutator mutator;
  private final Instances instances;
  private final Interpreter interpreter;
  private final Calls calls;
  private final Definitions definitions;

  /** The list {@code out}; 0 after it was dropped. */
  long out;

  /** Local variables that hold loop indices. */
  private final long[] locals = new long[RecipeReader.DEEPEST_LOOP];

  private LoopIndex index;

  Evaluator(Mutator mutator) {
    this.mutator = mutator;
    interpreter = mutator.interpreter;
    instances = new Instances(mutator);
    calls = new Calls(mutator);
    definitions = new Definitions(mutator, instances, calls);
    index = new LoopIndex(mutator, 0, 0);
  }

  private Evaluator(Evaluator parent, Mutator mutator) {
    this.mutator = mutator;
    interpreter = mutator.interpreter;
    instances = new Instances(mutator);
    calls = parent.calls.forked(mutator);
    definitions = parent.definitions.forked(mutator, instances, calls);
    index = new LoopIndex(mutator, 0, 0);
    out = parent.out;
  }

  /** The evaluator of a forked process. */
  Evaluator forked(Interpreter child) {
    return new Evaluator(this, mutator.forked(child));
  }

  // Statements

  /** {@code out = []}; the list object itself is counted among the bare interpreter's. */
  void makeOut() {
    out = mutator.newList(new long[0]);
  }

  /** Runs statements, then lets go of the local variables, as a function's return does. */
  void run(List<Statement> statements) {
    Calls.Call call = calls.enterFunction(null, FreeVariables.captured(statements), 0);
    for (Statement statement : statements) {
      run(statement, 0);
    }
    for (int i = 0; i < locals.length; i++) {
      if (locals[i] != 0) {
        interpreter.decref(locals[i]);
        locals[i] = 0;
      }
    }
    calls.leave(call);
  }

  private void run(Statement statement, int depth) {
    LoopIndex outer = index;
    Range range = new Range(mutator, calls, statement.repeat());
    for (long i = 0; i < statement.repeat(); i++) {
      long next = range.next(i);
      if (locals[depth] != 0) {
        interpreter.decref(locals[depth]);
      }
      locals[depth] = next;
      index = new LoopIndex(mutator, next, i);
      long append = statement.keep() ? calls.bindBuiltin() : 0;
      long value = evaluate(statement.make());
      if (statement.keep()) {
        mutator.append(out, value);
        calls.release(append, true);
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
    index = outer;
  }

  // Expressions

  /** A new reference to the expression's value at the current index. */
  long evaluate(Expression expression) {
    if (expression instanceof Recipe.IntValue value) {
      long i = index.take();
      return without(i, mutator.newSum(index.value(), value.base()));
    }
    if (expression instanceof Recipe.FloatValue) {
      long i = index.take();
      return without(i, mutator.newFloat());
    }
    if (expression instanceof Recipe.StrValue value) {
      return mutator.texts.format(value.length(), index.take(), index.value());
    }
    if (expression instanceof Recipe.BytesValue value) {
      return mutator.newBytes(value.length());
    }
    if (expression instanceof Recipe.NoneValue) {
      return mutator.none();
    }
    if (expression instanceof Recipe.ListValue value) {
      if (definitions.areConstants(value.items())) {
        return mutator.newConstantList(evaluate(value.items()));
      }
      return isBuiltItemByItem(value.items())
          ? listOf(value.items())
          : mutator.newList(evaluate(value.items()));
    }
    if (expression instanceof Recipe.TupleValue value) {
      Long constant = definitions.constantOf(value);
      if (constant != null) {
        interpreter.incref(constant);
        return constant;
      }
      return isBuiltItemByItem(value.items())
          ? tupleOf(value.items())
          : mutator.newTuple(evaluate(value.items()));
    }
    if (expression instanceof Recipe.DictValue value) {
      List<LongSupplier> values = new ArrayList<>();
      value.values().forEach(one -> values.add(() -> evaluate(one)));
      return mutator.dictObjects.newDict(value.keys(), definitions.keys(value), values);
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

  /** A result, after the operand has gone. */
  private long without(long operand, long result) {
    interpreter.decref(operand);
    return result;
  }

  private long[] evaluate(List<Expression> items) {
    long[] values = new long[items.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = evaluate(items.get(i));
    }
    return values;
  }

  private boolean isBuiltItemByItem(List<Expression> items) {
    return Recipe.isBuiltItemByItem(items.size(), mutator.version);
  }

  private long listOf(List<Expression> items) {
    long list = mutator.newList(new long[0]);
    items.forEach(item -> mutator.append(list, evaluate(item)));
    return list;
  }

  private long tupleOf(List<Expression> items) {
    long list = listOf(items);
    long[] values = new long[items.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = mutator.listItem(list, i);
      interpreter.incref(values[i]);
    }
    return without(list, mutator.newTuple(values));
  }

  private long set(Recipe.SetValue value) {
    if (isBuiltItemByItem(value.items())) {
      Set<Object> members = new HashSet<>();
      long set = mutator.sets.create();
      for (Expression item : value.items()) {
        long made = evaluate(item);
        mutator.sets.add(set, made, meaning(item, made), members);
      }
      return set;
    }
    long[] items = evaluate(value.items());
    List<Object> values = new ArrayList<>();
    for (int i = 0; i < items.length; i++) {
      values.add(meaning(value.items().get(i), items[i]));
    }
    long set = mutator.sets.create(items, values);
    if (items.length == 0) {
      // No display, but a call.
      interpreter.evalBreaker();
    }
    return set;
  }

  /** What an expression's value is for {@link Hashes}. */
  private Object meaning(Expression expression, long object) {
    if (expression instanceof Recipe.IntValue value) {
      return value.base().add(BigInteger.valueOf(index.value()));
    }
    if (expression instanceof Recipe.FloatValue value) {
      return Hashes.number(index.value() + value.x());
    }
    if (expression instanceof Recipe.StrValue value) {
      String text = Long.toString(index.value());
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
    PyClass type = definitions.classOf(value);
    LoopIndex outer = index;
    long argument = index.take();
    long arguments = calls.passArgument(value, argument);
    long object = instances.create(type);
    boolean captures = FreeVariables.anyCapturesIndex(value.values());
    Calls.Call call = calls.enterInit(value, object, argument, captures, definitions.places(value));
    definitions.enter(value);
    interpreter.evalBreaker();
    index = new LoopIndex(mutator, argument, outer.value());
    for (int i = 0; i < value.values().size(); i++) {
      instances.setAttribute(object, type, i, evaluate(value.values().get(i)));
    }
    index = outer;
    calls.leave(call);
    if (arguments == 0) {
      interpreter.decref(argument);
    } else {
      interpreter.decref(arguments);
      interpreter.evalBreaker();
    }
    return object;
  }

  private long cycle(Recipe.CycleValue value) {
    PyClass type = definitions.classOf(value);
    Calls.Call call = calls.enterFunction(value, 0, definitions.places(value));
    definitions.enter(value);
    interpreter.evalBreaker();
    long first = instances.create(type);
    // As each call of the class does: a ring that has begun outlives the collection.
    interpreter.evalBreaker();
    long last = first;
    long j = 0;
    interpreter.incref(first);
    Range range = value.length() == 1 ? null : new Range(mutator, calls, value.length() - 1);
    for (int i = 1; i < value.length(); i++) {
      interpreter.decref(j);
      j = Objects.requireNonNull(range).next(i - 1);
      long next = instances.create(type);
      interpreter.evalBreaker();
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
    calls.leave(call);
    return mutator.none();
  }

  private long times(Recipe.TimesValue value) {
    LoopIndex outer = index;
    boolean uses = FreeVariables.usesIndex(value.of());
    long function = calls.makeFunction(uses ? index.depth() + 1 : 0);
    // Only 2.7 makes the list before the range.
    long list = mutator.version.major == 2 ? mutator.newList(new long[0]) : 0;
    Range range = new Range(mutator, calls, value.times());
    Calls.Call call =
        calls.enterComprehension(
            value, function, FreeVariables.capturesIndex(value.of()), definitions.places(value));
    definitions.enter(value);
    list = list == 0 ? mutator.newList(new long[0]) : list;
    long j = 0;
    for (int k = 0; k < value.times(); k++) {
      long next = range.next(k);
      interpreter.decref(j);
      j = next;
      index = new LoopIndex(outer, value.times(), k);
      mutator.append(list, evaluate(value.of()));
      interpreter.evalBreaker();
    }
    range.end();
    interpreter.decref(j);
    calls.leave(call);
    index = outer;
    return list;
  }

  // Reading

  /** Reads a value and all it holds: takes and drops a reference to each. */
  void readDeep(long object) {
    long type = mutator.typeOf(object);
    enterReader(object, type);
    int traversal = interpreter.spec(object).traversal();
    switch (traversal) {
      case TypeSpec.LIST, TypeSpec.TUPLE, TypeSpec.SET, TypeSpec.DICT -> {
        long iterator = calls.iterateDeep(traversal);
        if (traversal == TypeSpec.DICT) {
          mutator.dictObjects.forEachItem(object, this::readKey, this::readItem);
        } else {
          mutator.forEachReferent(object, this::readItem);
        }
        calls.endIteration(iterator);
      }
      default -> readOther(object, type);
    }
    calls.leaveReader();
  }

  private void enterReader(long object, long type) {
    calls.enterReader(object);
    definitions.enterReader();
    interpreter.evalBreaker();
    interpreter.refCounts.touch(object);
    interpreter.refCounts.touch(type);
  }

  private void readItem(long item) {
    readDeep(item);
    interpreter.evalBreaker();
  }

  /** A name, of which only the place may be known. */
  private void readKey(long key) {
    enterReader(key, mutator.types.str());
    readOther(key, mutator.types.str());
    calls.leaveReader();
  }

  /** A leaf, or an instance: neither a list nor any other container. */
  private void readOther(long object, long type) {
    mutator.touchContainerTypes();
    readAttributes(object, type);
  }

  /** Looks for the type among the recipe's classes, and takes and drops a reference to each. */
  private void readAttributes(long object, long type) {
    for (PyClass one : definitions.classesWithMethods()) {
      interpreter.refCounts.touch(one.type);
      if (one.type == type) {
        for (int i = 0; i < one.attributes.size(); i++) {
          definitions.touchName(one.attributes.get(i));
          readDeep(instances.attribute(object, one, i));
        }
        return;
      }
    }
  }

  /** Goes through a list by an iterator, which the collector counts for as long as it lives. */
  void iterate(long list, LongConsumer body) {
    long iterator = calls.iterate();
    long size = mutator.listSize(list);
    for (long i = 0; i < size; i++) {
      body.accept(mutator.listItem(list, i));
      interpreter.evalBreaker();
    }
    calls.endIteration(iterator);
  }

  /** {@code sum()} of a list of numbers, or of an array, which makes its numbers as it goes. */
  void sum(long container) {
    boolean isList = interpreter.spec(container).traversal() == TypeSpec.LIST;
    long iterator = calls.iterate();
    for (long i = 0; isList && i < mutator.listSize(container); i++) {
      interpreter.refCounts.touch(mutator.listItem(container, i));
    }
    calls.endIteration(iterator);
    interpreter.evalBreaker();
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

  Calls calls() {
    return calls;
  }

  Definitions definitions() {
    return definitions;
  }
}
