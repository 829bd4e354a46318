package dev.preforklab.cpython.recipe;

import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.layout.DictLayout;
import java.util.Arrays;
import java.util.List;

/**
 * A class statement from 3.7 on, call by call as real interpreters were logged: the body's function
 * and namespace ({@code __build_class__}), then the type and its descriptors ({@code type_new}).
 * What goes again decides which blocks the next one gets, and what the free lists hold where the
 * recipe's heap begins.
 */
final class ClassStatement {
  /** An address as an int, of two digits: the key of a type among the subclasses of its base. */
  static final int ADDRESS_BYTES = 32;

  private static final int LOG_SHARED_SLOTS = 6;
  static final int SUPER_BYTES = 40;
  private static final int BOUND_BYTES = 56;
  private static final int OLD_BOUND_BYTES = 48;
  static final int DESCRIPTOR_BYTES = 48;

  private final Mutator mutator;
  private final Interpreter interpreter;
  private final PythonVersion version;
  private final Dicts dicts;
  private final Instances instances;
  private final long metatype;

  /** The class's own dict, as far as it matters: its table and how many names it holds. */
  private long keys;

  private int names;

  ClassStatement(Mutator mutator, Instances instances, long metatype) {
    this.mutator = mutator;
    this.instances = instances;
    this.metatype = metatype;
    interpreter = mutator.interpreter;
    version = mutator.version;
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
    long body = interpreter.newTracked(metatype, CodeObjects.functionBytes(version));
    newTupleToUntrack(mutator, 1); // bases, which stay
    long prepare = bind();
    long space = newNamespace();
    unbind(prepare);
    enterBody.run();
    if (version.atLeast(3, 8)) {
      dicts.setKeys(space, dicts.newKeys(0, DictLayout.KIND_UNICODE));
    }
    names = 2 + (slots ? 1 : 0) + (version.atLeast(3, 13) ? 2 : 0);
    if (hasInit) {
      makeInit.run();
      names++;
    }
    int logSlots = DictLayout.logSlotsFor(names);
    if (logSlots > 3) {
      long small = interpreter.host.load(space + DictLayout.KEYS);
      dicts.setKeys(space, dicts.copyKeys(logSlots));
      interpreter.deallocator.releaseKeys(small);
    }
    long arguments = mutator.newTuple(new long[3]);
    keys = dicts.copyKeys(logSlots);
    long own = dicts.newDictObject();
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
              mutator.scratch(ADDRESS_BYTES);
              interpreter.newTracked(
                  metatype, version.atLeast(3, 11) ? 64 : 56); // a weak reference from its base
            });
    if (!slots && version.atLeast(3, 11)) {
      // The keys that its instances share.
      mutator.scratch(mutator.dicts.keysBytes(LOG_SHARED_SLOTS, DictLayout.KIND_UNICODE));
    }
    dicts.setKeys(own, keys);
    if (!version.tracksDictsAtOnce) {
      interpreter.track(own);
    }
    setNames();
    callInitSubclass();
    interpreter.decref(arguments);
    interpreter.decref(space);
    interpreter.deleteTracked(body);
    return type;
  }

  /** To 3.7 a dict has a table from the beginning. */
  private long newNamespace() {
    if (version.atLeast(3, 8)) {
      return dicts.newDictObject();
    }
    long table = dicts.newKeys(0, DictLayout.KIND_UNICODE);
    long space = dicts.newDictObject();
    dicts.setKeys(space, table);
    return space;
  }

  /** Of a builtin function bound to an object, from 3.7 on. */
  static int boundBytes(PythonVersion version) {
    return version.atLeast(3, 8) ? BOUND_BYTES : OLD_BOUND_BYTES;
  }

  /** A method of the metatype or of super; up to 3.8 one waits on a free list afterwards. */
  private long bind() {
    if (!version.atLeast(3, 9)) {
      long waiting = interpreter.freeLists.takeOther();
      if (waiting != 0) {
        return waiting + version.gcHeadBytes;
      }
    }
    return interpreter.newGcObject(metatype, boundBytes(version));
  }

  private void unbind(long bound) {
    if (version.atLeast(3, 9)) {
      interpreter.gcDelete(bound);
    } else {
      interpreter.freeLists.putOther(bound - version.gcHeadBytes);
    }
  }

  /** The names of slots, sorted in a list, whose items then stay as a tuple; there may be none. */
  private void sortNames(int count) {
    long list = mutator.newList(new long[0]);
    if (count > 0) {
      long items = mutator.scratch(8L * count);
      newTupleToUntrack(mutator, count);
      mutator.freeScratch(items);
    }
    interpreter.decref(list);
  }

  /** A tuple that stays, of names or of a static type: the first collection untracks it. */
  static void newTupleToUntrack(Mutator mutator, int length) {
    long[] items = new long[length];
    Arrays.setAll(items, i -> mutator.none());
    mutator.newTuple(items);
  }

  /** The method resolution order and the descriptors; to 3.9 in the other order. */
  private void addDescriptors(List<String> attributes) {
    if (version.atLeast(3, 10)) {
      mutator.newTuple(new long[2]);
    }
    for (String name : attributes) {
      if (!version.atLeast(3, 8)) {
        readName(mutator, name);
      }
      interpreter.newTracked(metatype, DESCRIPTOR_BYTES);
      readName(mutator, name);
      addName();
    }
    if (!version.atLeast(3, 10)) {
      mutator.newTuple(new long[2]);
    }
    addName(); // __doc__
  }

  /** A name is made of the C string, and goes as it exists. */
  static void readName(Mutator mutator, String name) {
    mutator.freeScratch(mutator.scratch(mutator.version.asciiHeaderBytes + (long) name.length()));
  }

  private void addName() {
    int logSlots = DictLayout.logSlots(interpreter.host.load(keys + DictLayout.KEYS_SIZE_AND_KIND));
    if (names == DictLayout.usable(1L << logSlots)) {
      long larger = dicts.newKeysOf(names);
      interpreter.deallocator.releaseKeys(keys);
      keys = larger;
    }
    names++;
  }

  /** A copy of the dict, to look for values that want to know their name. */
  private void setNames() {
    long shape = interpreter.host.load(keys + DictLayout.KEYS_SIZE_AND_KIND);
    long copied = dicts.copyKeys(DictLayout.logSlots(shape));
    long copy = dicts.newDictObject();
    dicts.setKeys(copy, copied);
    interpreter.decref(copy);
  }

  /** {@code super(C, C).__init_subclass__()}. */
  private void callInitSubclass() {
    long arguments = version.atLeast(3, 11) ? 0 : mutator.newTuple(new long[2]);
    long object = interpreter.newGcObject(metatype, SUPER_BYTES);
    long bound = bind();
    interpreter.gcDelete(object);
    unbind(bound);
    interpreter.decref(arguments);
  }
}
