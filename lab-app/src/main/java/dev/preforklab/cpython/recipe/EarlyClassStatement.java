package dev.preforklab.cpython.recipe;

import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.layout.DictLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * A class statement of 3.6, call by call as real interpreters were logged. Unlike the later ones of
 * {@link ClassStatement} its calls have their arguments in tuples, a name is read once more for
 * each descriptor, the method resolution order is merged from lists, and a copied dict has a fresh
 * table that grows with what is put into it.
 */
final class EarlyClassStatement {
  private static final int REFERENCE_BYTES = 56;
  private static final int INT_BYTES = 4;

  private final Mutator mutator;
  private final Interpreter interpreter;
  private final Dicts dicts;
  private final Instances instances;
  private final Calls calls;
  private final long metatype;

  /** The class's own dict, as far as it matters: its table, the entries used up, and the names. */
  private long keys;

  private int entries;
  private int names;

  EarlyClassStatement(Mutator mutator, Instances instances, Calls calls, long metatype) {
    this.mutator = mutator;
    this.instances = instances;
    this.calls = calls;
    this.metatype = metatype;
    interpreter = mutator.interpreter;
    dicts = mutator.dictObjects;
  }

  /**
   * Runs it.
   *
   * @param hasInit whether the body defines a function
   * @param enterBody begins to run the body's code
   * @param makeInit makes that function
   */
  PyClass run(
      List<String> attributes,
      boolean slots,
      boolean hasInit,
      Runnable enterBody,
      Runnable makeInit) {
    long body = interpreter.newTracked(metatype, CodeObjects.functionBytes(mutator.version));
    long arguments = mutator.newTuple(new long[3]);
    ClassStatement.newTupleToUntrack(mutator, 1); // bases, which stay
    long prepare = calls.bindBuiltin();
    long preparing = mutator.newTuple(new long[2]);
    long space = newDict();
    interpreter.decref(preparing);
    calls.release(prepare, true);
    enterBody.run();
    entries = 2;
    if (slots) {
      entries++;
    }
    if (hasInit) {
      makeInit.run();
      entries++;
    }
    long making = mutator.newTuple(new long[3]);
    keys = dicts.newKeys(0, DictLayout.KIND_UNICODE);
    long own = dicts.newDictObject();
    // All but __qualname__, which leaves its entry unused.
    names = entries - 1;
    if (slots) {
      sortNames(attributes.size());
    }
    PyClass type =
        instances.define(
            attributes,
            slots,
            metatype,
            () -> {
              addDescriptors(slots ? attributes : List.of("__dict__", "__weakref__"));
              mergeOrders();
              addName(); // __doc__
              mutator.scratch(ClassStatement.ADDRESS_BYTES);
              interpreter.newTracked(metatype, REFERENCE_BYTES); // a weak reference from its base
            });
    dicts.setKeys(own, keys);
    interpreter.track(own);
    setNames();
    callInitSubclass();
    interpreter.decref(making);
    interpreter.decref(space);
    interpreter.deleteTracked(body);
    interpreter.decref(arguments);
    return type;
  }

  private long newDict() {
    long table = dicts.newKeys(0, DictLayout.KIND_UNICODE);
    long dict = dicts.newDictObject();
    dicts.setKeys(dict, table);
    return dict;
  }

  /** The names of slots, sorted in a list, whose items then stay as a tuple; there may be none. */
  private void sortNames(int count) {
    long list = mutator.newList(new long[count]);
    if (count > 0) {
      ClassStatement.newTupleToUntrack(mutator, count);
    }
    interpreter.decref(list);
  }

  private void addDescriptors(List<String> attributes) {
    for (String name : attributes) {
      ClassStatement.readName(mutator, name);
      interpreter.newTracked(metatype, ClassStatement.DESCRIPTOR_BYTES);
      ClassStatement.readName(mutator, name);
      ClassStatement.readName(mutator, name);
      addName();
    }
  }

  /**
   * The method resolution order, as a tuple: a list of the base's order and the bases is merged
   * into another list, by positions in each ({@code mro_implementation}).
   */
  private void mergeOrders() {
    long toMerge = mutator.newList(new long[2]);
    List<Long> orders = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      long order = mutator.newList(new long[0]);
      mutator.append(order, mutator.none());
      mutator.setListItem(toMerge, i, order);
      orders.add(order);
    }
    long merged = mutator.newList(new long[] {mutator.none()});
    long positions = mutator.scratch(INT_BYTES * (long) orders.size());
    mutator.append(merged, mutator.none());
    mutator.freeScratch(positions);
    interpreter.decref(toMerge);
    mutator.newTuple(new long[2]);
    interpreter.decref(merged);
  }

  private void addName() {
    int logSlots = DictLayout.logSlots(interpreter.host.load(keys + DictLayout.KEYS_SIZE_AND_KIND));
    if (entries == DictLayout.usable(1L << logSlots)) {
      keys = grown(keys, 2 * names + (1 << logSlots >> 1));
      entries = names;
    }
    entries++;
    names++;
  }

  /** A table of at least so many places for another one, which goes whatever its size. */
  private long grown(long old, int slots) {
    int logSlots = 3;
    while (1 << logSlots < slots) {
      logSlots++;
    }
    long larger = dicts.copyKeys(logSlots);
    interpreter.malloc.free(old);
    return larger;
  }

  /** A copy of the dict, to look for values that want to know their name. */
  private void setNames() {
    long table = dicts.newKeys(0, DictLayout.KIND_UNICODE);
    long copy = dicts.newDictObject();
    if (names > DictLayout.usable(DictLayout.MIN_SLOTS)) {
      table = grown(table, (3 * names + 1) / 2);
    }
    dicts.setKeys(copy, table);
    interpreter.decref(copy);
  }

  /** {@code super(C, C).__init_subclass__()}. */
  private void callInitSubclass() {
    long arguments = mutator.newTuple(new long[2]);
    long object = interpreter.newGcObject(metatype, ClassStatement.SUPER_BYTES);
    interpreter.decref(arguments);
    long bound = calls.bindBuiltin();
    interpreter.gcDelete(object);
    calls.release(bound, true);
  }
}
