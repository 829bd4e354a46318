package dev.preforklab.cpython.recipe;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.layout.ObjectHead;
import java.math.BigInteger;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * What {@code marshal.loads} makes of a recipe's code beside code objects: names, constants, tuples
 * of them, bytes. Equal ones may be one; which code they go with, {@link CodeParts} knows.
 */
final class CodeData {
  private static final long CAPTURED_REF_COUNT = 1 << 20;
  private static final int BYTES_HEAD = 33;
  private static final int TUPLE_HEAD = 24;

  private final PythonVersion version;
  private final boolean isShared;
  private final LoadCalls.Replay calls;

  /** While the code is read. */
  private MarshalReferences references;

  /** What goes with the code when it goes. */
  final CodeParts parts;

  private final Map<String, Long> names = new HashMap<>();

  /** Constants that equal ones share: of one function up to 3.7, then of the whole source. */
  private final Map<Object, Long> merged = new HashMap<>();

  /** Tuples of constants and names, with their objects. */
  private final Map<List<?>, Long> tuples = new HashMap<>();

  /** Bytecode and tables of lines or positions, of which equal ones are one. */
  private final Map<Object, Long> tables = new HashMap<>();

  CodeData(PythonVersion version, LoadCalls.Replay calls) {
    this(version, calls, new CodeParts(version));
  }

  private CodeData(PythonVersion version, LoadCalls.Replay calls, CodeParts parts) {
    this.version = version;
    this.calls = calls;
    this.parts = parts;
    references = new MarshalReferences(version, text -> false, object -> false);
    isShared = version.atLeast(3, 8);
  }

  /** The names as a forked process has them, where nothing is loaded any more. */
  CodeData forked() {
    CodeData copy = new CodeData(version, calls, parts.forked());
    copy.names.putAll(names);
    return copy;
  }

  /** Reading begins of a file that the size is of. */
  MarshalReferences open(Mutator mutator, MarshalledSize file) {
    references = new MarshalReferences(version, text -> calls.nameOf(text) != 0, file::isRepeated);
    references.open(mutator);
    return references;
  }

  /**
   * The code of a function begins, whose constants are its own up to 3.7.
   *
   * @return the constants so far, for {@link #leave}
   */
  Map<Object, Long> enter() {
    Map<Object, Long> outer = isShared ? Map.of() : new HashMap<>(merged);
    if (!isShared) {
      merged.clear();
    }
    return outer;
  }

  /** It ends, and what was loaded goes on. */
  void leave(Map<Object, Long> outer) {
    if (!isShared) {
      merged.clear();
      merged.putAll(outer);
    }
  }

  /** A constant that is not small, a name or a tuple of names among them. */
  long constant(Mutator mutator, Object value) {
    long object = merged.computeIfAbsent(value, missing -> newConstant(mutator, missing));
    if (!(value instanceof List<?> || value instanceof ExpressionWriter.Key)) {
      references.constant(mutator, value);
    }
    return object;
  }

  private long newConstant(Mutator mutator, Object value) {
    if (value instanceof BigInteger number) {
      return mutator.newConstant(number);
    }
    if (value instanceof Double) {
      return mutator.newFloat();
    }
    if (value instanceof String text) {
      return mutator.newName(text.length(), false);
    }
    if (value instanceof ExpressionWriter.Key key) {
      return name(mutator, key.name());
    }
    List<?> tuple = (List<?>) value;
    Long known = isShared ? tuples.get(tuple) : null;
    if (known != null) {
      return known;
    }
    long dead = calls.takeDeadTuple(tuple.size());
    long object =
        dead == 0 ? mutator.newConstantTuple(new long[tuple.size()]) : dead + version.gcHeadBytes;
    references.tuple(mutator, tuple);
    tuple.forEach(key -> name(mutator, (String) key));
    return object;
  }

  /** An interned str: each once. */
  long name(Mutator mutator, String text) {
    long object =
        names.computeIfAbsent(
            text,
            missing -> {
              long before = calls.nameOf(text);
              return before == 0
                  ? mutator.newName(text.length(), true)
                  : existingName(mutator, before);
            });
    references.name(mutator, text);
    return object;
  }

  /** A captured str, of which only the place is known, for others to refer to. */
  private long existingName(Mutator mutator, long object) {
    long references =
        version.hasImmortalObjects ? ObjectHead.IMMORTAL_REF_COUNT : CAPTURED_REF_COUNT;
    mutator.interpreter.host.store(object + ObjectHead.REF_COUNT, references, Host.CAUSE_DATA);
    return object;
  }

  /** The block of a bytes object; 0 for the empty one, which the interpreter has already. */
  static long bytes(Mutator mutator, int length) {
    return length == 0 ? 0 : mutator.scratch(BYTES_HEAD + (long) length);
  }

  /** The block of bytecode. */
  long bytecode(Mutator mutator, CodeUnit unit) {
    if (MarshalledSize.merges(version, unit.shape)) {
      return mergedBytes(mutator, unit.shape, unit.codeBytes);
    }
    long block = bytes(mutator, unit.codeBytes);
    references.bytecode(mutator, block);
    return block;
  }

  /** The block of bytes of which there are equal ones once. */
  private long mergedBytes(Mutator mutator, Object content, int length) {
    long block = tables.computeIfAbsent(content, missing -> bytes(mutator, length));
    references.table(mutator, content);
    return block;
  }

  /** An int that the interpreter has. */
  void smallConstant(Mutator mutator, Object value) {
    references.constant(mutator, value);
  }

  /** What the file is called, a name that the interpreter has. */
  void fileName(Mutator mutator) {
    references.name(mutator, MarshalledSize.FILE_NAME);
  }

  /** The block of another bytes object, which is in no other place unless it is empty. */
  long bytesOnly(Mutator mutator, int length) {
    long block = bytes(mutator, length);
    references.bytes(mutator, length);
    return block;
  }

  /** A tuple of None and such tuples, whose memory is not of the code. */
  void display(Mutator mutator, List<?> items) {
    references.tuple(mutator, items);
    for (Object item : items) {
      if (item instanceof List<?> inner) {
        display(mutator, inner);
      }
    }
  }

  /**
   * A tuple, from the free list of its length as long as there are any; equal ones are one from 3.8
   * on.
   *
   * @return its block; 0 of the empty one
   */
  long tuple(Mutator mutator, List<?> content, int length) {
    if (length == 0) {
      references.tuple(mutator, content);
      return 0;
    }
    if (isShared && (merged.containsKey(content) || tuples.containsKey(content))) {
      Long known = merged.getOrDefault(content, tuples.get(content));
      return Objects.requireNonNull(known) - version.gcHeadBytes;
    }
    long dead = calls.takeDeadTuple(length);
    long block = dead == 0 ? mutator.scratch(version.gcHeadBytes + TUPLE_HEAD + 8L * length) : dead;
    tuples.put(content, block + version.gcHeadBytes);
    references.tuple(mutator, content);
    return block;
  }

  /** The block of a tuple of names. */
  long names(Mutator mutator, List<String> texts) {
    long block = tuple(mutator, texts, texts.size());
    texts.forEach(text -> name(mutator, text));
    parts.tuple(block, texts.stream().map(this::nameBlock).toList());
    return block;
  }

  /** A name to which an object refers, too, that goes with no code. */
  long heldName(Mutator mutator, String text) {
    long object = name(mutator, text);
    parts.hold(nameBlock(text));
    return object;
  }

  /** The block of a name, if it is the recipe's own and goes with the last that refers to it. */
  long nameBlock(String text) {
    boolean stays = version.hasImmortalObjects || calls.nameOf(text) != 0;
    return stays ? 0 : Objects.requireNonNull(names.get(text));
  }

  /** The block of a constant just loaded; what a float or a tuple is part of waits when dead. */
  long constantBlock(Object constant, long object) {
    if (constant instanceof ExpressionWriter.Key key) {
      return nameBlock(key.name());
    }
    if (constant instanceof List<?> tuple) {
      long block = object - version.gcHeadBytes;
      parts.tuple(block, tuple.stream().map(key -> nameBlock((String) key)).toList());
      return block;
    }
    if (constant instanceof Double) {
      parts.number(object);
    }
    return object;
  }

  /** The block of a table of lines or positions, from 3.11 on one for all equal ones. */
  long table(Mutator mutator, CodeUnit unit) {
    int bytes = CodeObjects.lineBytes(version, unit);
    if (version.atLeast(3, 11)) {
      return mergedBytes(mutator, unit.positions.table(version.atLeast(3, 12)), bytes);
    }
    return MarshalledSize.merges(version, unit.lineShape)
        ? mergedBytes(mutator, unit.lineShape, bytes)
        : bytesOnly(mutator, bytes);
  }

  /** Whether a constant is an int that the interpreter has already. */
  static boolean isSmall(Object constant) {
    return constant instanceof BigInteger number && Mutator.isSmall(number);
  }

  /** The object of a name that was loaded. */
  long nameOf(String text) {
    return Objects.requireNonNull(names.get(text));
  }

  /** The objects of all names. */
  Collection<Long> allNames() {
    return names.values();
  }
}
