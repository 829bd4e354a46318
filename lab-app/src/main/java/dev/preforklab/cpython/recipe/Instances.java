package dev.preforklab.cpython.recipe;

import static dev.preforklab.cpython.Host.CAUSE_DATA;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.PythonVersion.InstanceLayout;
import dev.preforklab.cpython.layout.DictLayout;
import dev.preforklab.cpython.layout.ObjectHead;
import dev.preforklab.cpython.layout.Traversal;
import dev.preforklab.cpython.layout.TypeSpec;
import java.util.List;

/** Makes a recipe's classes and their instances, which keep attributes as the release does. */
final class Instances {
  /** Names that a class's shared keys can take, from 3.11 on. */
  private static final int SHARED_KEYS_MAX = 30;

  /** Values of one object: each creation takes a place from the keys, the last excepted. */
  private static final int OBJECT_VALUES = SHARED_KEYS_MAX - 1;

  /** Of a type object, for each of its slots. */
  private static final int SLOT_BYTES = 40;

  /** Where a dict of the object's own goes, from 3.11 on. */
  private static final int DICT_OFFSET = -24;

  private final Mutator mutator;
  private final Interpreter interpreter;
  private final Host host;
  private final InstanceLayout layout;
  private final boolean tagged;

  Instances(Mutator mutator) {
    this.mutator = mutator;
    interpreter = mutator.interpreter;
    host = interpreter.host;
    layout = mutator.version.instanceLayout;
    tagged = mutator.version.atLeast(3, 12);
  }

  /** Bytes of a type object without slots, and what each slot adds. */
  private int typeBytes() {
    return switch (mutator.version.toString()) {
      case "2.7" -> 1064;
      case "3.6", "3.7" -> 904;
      case "3.8", "3.9" -> 920;
      case "3.10" -> 928;
      case "3.11" -> 944;
      case "3.12" -> 960;
      default -> 968;
    };
  }

  /**
   * Defines a class: its type object and its shared keys.
   *
   * @param ready what the interpreter does in between
   */
  PyClass define(List<String> attributes, boolean slots, long metatype, Runnable ready) {
    int members = slots ? attributes.size() : 0;
    long type = interpreter.newGcObject(metatype, typeBytes() + SLOT_BYTES * members);
    interpreter.track(type);
    ready.run();
    int basicBytes = slots ? 16 + 8 * attributes.size() : basicBytes();
    boolean isGc = !slots || !attributes.isEmpty() || mutator.version.emptyInstancesAreGc;
    int traversal = !slots ? TypeSpec.INSTANCE : isGc ? TypeSpec.BLOCKS : TypeSpec.ATOMIC;
    interpreter.types.register(
        type,
        new TypeSpec(
            "C",
            traversal,
            isGc,
            basicBytes,
            0,
            ObjectHead.BYTES,
            slots ? attributes.size() : 0,
            true,
            TypeSpec.Exact.NONE));
    long keys = 0;
    int values = 0;
    if (!slots && layout == InstanceLayout.DICT && mutator.version.major > 2) {
      keys = mutator.dictObjects.newKeys(attributes.size(), DictLayout.KIND_SPLIT);
      set(keys + mutator.dicts.keysEntries, attributes.size());
      values =
          (int)
              DictLayout.usable(
                  1L << DictLayout.logSlots(host.load(keys + DictLayout.KEYS_SIZE_AND_KIND)));
    }
    return new PyClass(attributes, slots, type, keys, values, SHARED_KEYS_MAX);
  }

  private int basicBytes() {
    return switch (layout) {
      case DICT -> 32;
      case VALUES -> tagged ? 16 : 24;
      case INLINE -> 16;
    };
  }

  /**
   * Whether the collector takes the class, and the module that its methods lead to, for reachable
   * because instances without a GC head refer to it, which it cannot look into.
   */
  boolean isHeldUnseen(PyClass type) {
    return !interpreter.types.spec(type.type).isGc() && interpreter.refCounts.get(type.type) > 1;
  }

  /** C.__new__: the object and, from 3.11 on, the room for its attributes. */
  long create(PyClass type) {
    interpreter.incref(type.type);
    if (!interpreter.types.spec(type.type).isGc()) {
      return interpreter.newObject(type.type, ObjectHead.BYTES);
    }
    if (type.slots) {
      long object = interpreter.newGcObject(type.type, 16 + 8L * type.attributes.size());
      for (int i = 0; i < type.attributes.size(); i++) {
        set(object + ObjectHead.BYTES + 8L * i, 0);
      }
      interpreter.track(object);
      return object;
    }
    int preHeader = mutator.version.instancePreHeaderBytes;
    if (layout == InstanceLayout.INLINE) {
      int size = type.entries + type.usable;
      if (type.usable > 1) {
        type.usable--;
      }
      long object =
          interpreter.newGcObject(
              type.type, basicBytes() + 8L * (size + 1) + (size + 7 & ~7), preHeader);
      set(object + ObjectHead.BYTES, 0);
      mutator.fill(object, basicBytes() + 8L * (size + 1) + (size + 7 & ~7));
      interpreter.track(object);
      return object;
    }
    long object = interpreter.newGcObject(type.type, basicBytes(), preHeader);
    for (int offset = ObjectHead.BYTES; offset < basicBytes(); offset += 8) {
      set(object + offset, 0);
    }
    if (layout == InstanceLayout.VALUES) {
      addValues(object, type);
    }
    interpreter.track(object);
    return object;
  }

  private void addValues(long object, PyClass type) {
    if (type.usable > 1) {
      type.usable--;
    }
    int size = type.entries + type.usable;
    int prefix = size + 2 + 7 & ~7;
    long block = mutator.scratch(prefix + 8L * size);
    mutator.fill(block, prefix + 8L * size);
    long values = block + prefix;
    set(values - 8, (long) prefix << 56);
    set(object + Traversal.valuesOffset(tagged), tagged ? values - 1 : values);
  }

  /** Assigns the attribute with a number, in order; takes the value over. */
  void setAttribute(long object, PyClass type, int number, long value) {
    if (type.slots) {
      set(object + ObjectHead.BYTES + 8L * number, value);
      return;
    }
    switch (layout) {
      case DICT -> setInDict(object, type, number, value);
      case VALUES, INLINE -> {
        if (number < OBJECT_VALUES) {
          setValue(values(object), type, number, value);
        } else {
          long dict = number == OBJECT_VALUES ? materialize(object) : dict(object);
          mutator.dictObjects.addItem(dict, value);
        }
      }
    }
  }

  /** Stores a value and how many there are, in the word before the first. */
  private void setValue(long values, PyClass type, int number, long value) {
    if (number == type.entries) {
      type.entries++;
      if (type.usable > 0) {
        type.usable--;
      }
    }
    set(values + 8L * number, value);
    long word = host.load(values - 8);
    set(values - 8, (word & ~0xffL) | (number + 1));
  }

  /** Address of an object's first value, from 3.11 on. */
  private long values(long object) {
    if (layout == InstanceLayout.INLINE) {
      return object + 24;
    }
    long word = host.load(object + Traversal.valuesOffset(tagged));
    return tagged ? word + 1 : word;
  }

  /** The dict that an object has instead of values, or 0; from 3.11 on. */
  private long dict(long object) {
    long word = host.load(object + DICT_OFFSET);
    return layout == InstanceLayout.VALUES && tagged && (word & 1) != 0 ? 0 : word;
  }

  /**
   * Gives an object whose class has no room in its shared keys a dict of its own: a dict on the
   * values, which then moves them to a table of its own size ({@code insertdict}, {@code
   * dictresize}).
   */
  private long materialize(long object) {
    long values = values(object);
    long dict = mutator.dictObjects.newDictObject();
    mutator.dictObjects.setKeys(dict, mutator.dictObjects.newKeysOf(OBJECT_VALUES));
    for (int i = 0; i < OBJECT_VALUES; i++) {
      mutator.dictObjects.addItem(dict, host.load(values + 8L * i));
    }
    if (layout == InstanceLayout.INLINE) {
      // The values stay part of the object, no longer valid.
      set(values - 8, host.load(values - 8) & ~0xffL);
    } else {
      mutator.freeScratch(values - (host.load(values - 8) >>> 56));
      set(object + Traversal.valuesOffset(tagged), 0);
    }
    set(object + DICT_OFFSET, dict);
    return dict;
  }

  private void setInDict(long object, PyClass type, int number, long value) {
    long dict = host.load(object + ObjectHead.BYTES);
    boolean old = mutator.version.major == 2;
    if (dict == 0) {
      dict = old ? mutator.dictObjects.newDictObject() : newSplitDict(type);
      set(object + ObjectHead.BYTES, dict);
    }
    if (old) {
      mutator.dictObjects.setOldItem(dict, type.attributes.get(number), value);
      return;
    }
    set(host.load(dict + DictLayout.VALUES) + 8L * number, value);
    set(dict + DictLayout.USED, number + 1L);
    mutator.maybeTrack(dict, value);
  }

  /** A dict with its class's keys and a table of values, which comes first. */
  private long newSplitDict(PyClass type) {
    set(
        type.sharedKeys + DictLayout.KEYS_REF_COUNT,
        host.load(type.sharedKeys + DictLayout.KEYS_REF_COUNT) + 1);
    long values = mutator.scratch(8L * type.dictValues);
    for (int i = 0; i < type.dictValues; i++) {
      set(values + 8L * i, 0);
    }
    long dict = mutator.dictObjects.newDictObject();
    set(dict + DictLayout.KEYS, type.sharedKeys);
    set(dict + DictLayout.VALUES, values);
    return dict;
  }

  /** The value of an attribute; to 3.11, reading one also touches the dict that holds it. */
  long attribute(long object, PyClass type, int number) {
    if (type.slots) {
      return host.load(object + ObjectHead.BYTES + 8L * number);
    }
    return switch (layout) {
      case DICT -> {
        long dict = host.load(object + ObjectHead.BYTES);
        interpreter.refCounts.touch(dict);
        yield mutator.version.major == 2
            ? mutator.dictObjects.oldItem(dict, type.attributes.get(number))
            : host.load(host.load(dict + DictLayout.VALUES) + 8L * number);
      }
      case VALUES, INLINE -> {
        long dict = dict(object);
        if (dict == 0) {
          yield host.load(values(object) + 8L * number);
        }
        if (layout == InstanceLayout.VALUES && !tagged) {
          // 3.11 holds on to the dict while it looks; the specialised bytecode later does not.
          interpreter.refCounts.touch(dict);
        }
        yield mutator.dictObjects.item(dict, number);
      }
    };
  }

  private void set(long address, long value) {
    host.store(address, value, CAUSE_DATA);
  }
}
