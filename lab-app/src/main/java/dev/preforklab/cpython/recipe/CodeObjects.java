package dev.preforklab.cpython.recipe;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.layout.ObjectHead;
import dev.preforklab.cpython.recipe.Recipe.Expression;
import dev.preforklab.cpython.recipe.Recipe.Statement;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A recipe's code in memory, from 3.6 on: what {@code marshal.loads} makes of it, in the order of
 * {@code Python/marshal.c}, and what running it does to these objects. They come to lie in the
 * holes of the interpreter's pools, one here, one there, and each takes and drops references.
 *
 * <p>Addresses are the same in all processes of a family. What running code does is done once for
 * each function, when the statement that reaches it begins: a page is copied once.
 */
final class CodeObjects {
  private static final long CAPTURED_REF_COUNT = 1 << 20;
  private static final int BYTES_HEAD = 33;
  private static final int TUPLE_HEAD = 24;

  /** A code object, its function, and what its bytecode takes references to. */
  private static final class Loaded {
    final CodeUnit unit;
    final List<Long> constants = new ArrayList<>();
    final List<Loaded> comprehensions = new ArrayList<>();
    final List<Long> attributes = new ArrayList<>();
    long code;
    long codeBytes;
    long function;

    Loaded(CodeUnit unit) {
      this.unit = unit;
    }
  }

  private final PythonVersion version;
  private final boolean isShared;
  private final boolean isInline;
  private final @Nullable MethodCache methodCache;

  private final IdentityHashMap<Object, Loaded> units = new IdentityHashMap<>();

  /** Build and act and what reads, by their names. */
  private final Map<String, Loaded> functions = new HashMap<>();

  private final Map<String, Long> names = new HashMap<>();

  /** Constants that equal ones share: of one function up to 3.7, then of the whole source. */
  private final Map<Object, Long> merged = new HashMap<>();

  /** Tuples of constants and names, with their objects. */
  private final Map<List<?>, Long> tuples = new HashMap<>();

  /** Tables of positions, of which equal ones are one. */
  private final Set<Positions.Table> tables = new HashSet<>();

  private final IdentityHashMap<Expression, long[]> keys = new IdentityHashMap<>();

  private final LoadCalls.Replay calls;

  private final CodeRuns runs;

  /** Units that have run already; each process has its own. */
  private final Set<CodeUnit> ran;

  /**
   * Code that is to be loaded.
   *
   * @param calls what the captured process asked of the allocators when it loaded its own
   */
  CodeObjects(PythonVersion version, @Nullable MethodCache methodCache, LoadCalls.Replay calls) {
    this.version = version;
    this.calls = calls;
    this.methodCache = methodCache;
    isShared = version.atLeast(3, 8);
    isInline = version.atLeast(3, 11);
    runs = new CodeRuns(version);
    ran = new HashSet<>();
  }

  private CodeObjects(CodeObjects parent) {
    version = parent.version;
    calls = parent.calls;
    methodCache = parent.methodCache == null ? null : parent.methodCache.forked();
    isShared = parent.isShared;
    isInline = parent.isInline;
    runs = parent.runs.forked();
    units.putAll(parent.units);
    functions.putAll(parent.functions);
    names.putAll(parent.names);
    keys.putAll(parent.keys);
    ran = new HashSet<>(parent.ran);
  }

  /** The code as a forked process has it. */
  CodeObjects forked() {
    return new CodeObjects(this);
  }

  // Loading

  /** The file's bytes, as they were read; to be freed when the code has been made of them. */
  long readFile(Mutator mutator, CodeUnit module) {
    return bytes(mutator, new MarshalledSize(version).of(module));
  }

  /** Loads the module's code and, as its constants, that of its classes and functions. */
  void load(Mutator mutator, CodeUnit module, List<Statement> statements) {
    load(mutator, module);
    statements.forEach(statement -> findKeys(mutator, statement));
  }

  private Loaded load(Mutator mutator, CodeUnit unit) {
    if (!isShared) {
      merged.clear();
    }
    Loaded loaded = new Loaded(unit);
    if (unit.place == null) {
      functions.put(unit.name, loaded);
    } else {
      units.put(unit.place, loaded);
    }
    long bytecode = bytes(mutator, unit.codeBytes);
    List<Object> constants = unit.allConstants();
    tuple(mutator, List.of(constants), constants.size());
    for (Object constant : unit.constants) {
      if (constant instanceof CodeUnit inner) {
        Map<Object, Long> outer = new HashMap<>(merged);
        Loaded comprehension = load(mutator, inner);
        loaded.comprehensions.add(comprehension);
        if (!isShared) {
          merged.clear();
          merged.putAll(outer);
        }
      } else if (!isSmall(constant)) {
        loaded.constants.add(
            merged.computeIfAbsent(constant, missing -> constant(mutator, missing)));
      }
    }
    tuple(mutator, List.copyOf(unit.names), unit.names.size());
    unit.names.forEach(text -> name(mutator, text));
    unit.attributes.forEach(name -> loaded.attributes.add(name(mutator, name)));
    List<String> variables = new ArrayList<>(unit.variables);
    if (isInline) {
      variables.addAll(unit.free);
    }
    tuple(mutator, variables, variables.size());
    variables.forEach(variable -> name(mutator, variable));
    if (!isInline) {
      tuple(mutator, List.copyOf(unit.free), unit.free.size());
      tuple(mutator, List.copyOf(unit.cells), unit.cells.size());
    }
    if (isInline && !variables.isEmpty()) {
      // The kind of each.
      bytes(mutator, variables.size());
    }
    name(mutator, unit.name);
    if (isInline && unit.hasOwnName()) {
      mutator.newName(unit.qualifiedName.length(), false);
    } else if (isInline) {
      name(mutator, unit.qualifiedName);
    }
    if (!isInline || tables.add(unit.positions.table(version.atLeast(3, 12)))) {
      bytes(mutator, lineBytes(version, unit));
    }
    if (unit.exceptionBytes > 0) {
      bytes(mutator, unit.exceptionBytes);
    }
    if (!isInline && unit.variables.stream().anyMatch(unit.cells::contains)) {
      // Which parameter each cell is for (co_cell2arg).
      mutator.scratch((version.atLeast(3, 7) ? 8L : 1) * unit.cells.size());
    }
    loaded.codeBytes = (long) codeBytes() + (isInline ? unit.codeBytes : 0);
    loaded.code = mutator.newOpaque(loaded.codeBytes);
    if (isInline) {
      mutator.freeScratch(bytecode);
    }
    return loaded;
  }

  /** Of its table of lines. */
  static int lineBytes(PythonVersion version, CodeUnit unit) {
    return version.atLeast(3, 11)
        ? unit.positions.table(version.atLeast(3, 12)).bytes()
        : 2 * unit.lines;
  }

  private static boolean isSmall(Object constant) {
    return constant instanceof BigInteger number && Mutator.isSmall(number);
  }

  private long constant(Mutator mutator, Object value) {
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
    tuple.forEach(key -> name(mutator, (String) key));
    return object;
  }

  /** An interned str: each once. */
  private long name(Mutator mutator, String text) {
    return names.computeIfAbsent(
        text,
        missing -> {
          long before = calls.nameOf(text);
          return before == 0 ? mutator.newName(text.length(), true) : existingName(mutator, before);
        });
  }

  /** A captured str, of which only the place is known, for others to refer to. */
  private long existingName(Mutator mutator, long object) {
    long references =
        version.hasImmortalObjects ? ObjectHead.IMMORTAL_REF_COUNT : CAPTURED_REF_COUNT;
    mutator.interpreter.host.store(object + ObjectHead.REF_COUNT, references, Host.CAUSE_DATA);
    return object;
  }

  private static long bytes(Mutator mutator, int length) {
    return mutator.scratch(BYTES_HEAD + (long) length);
  }

  /**
   * A tuple, from the free list of its length as long as there are any; equal ones are one from 3.8
   * on.
   */
  private void tuple(Mutator mutator, List<?> content, int length) {
    if (length == 0 || (isShared && (merged.containsKey(content) || tuples.containsKey(content)))) {
      return;
    }
    long dead = calls.takeDeadTuple(length);
    long block = dead == 0 ? mutator.scratch(version.gcHeadBytes + TUPLE_HEAD + 8L * length) : dead;
    tuples.put(content, block + version.gcHeadBytes);
  }

  private void findKeys(Mutator mutator, Statement statement) {
    findKeys(mutator, statement.make());
    statement.also().forEach(also -> findKeys(mutator, also));
  }

  private void findKeys(Mutator mutator, Expression place) {
    if (place instanceof Recipe.DictValue dict) {
      keys.put(place, dict.keys().stream().mapToLong(key -> name(mutator, key)).toArray());
    }
    place.parts().forEach(part -> findKeys(mutator, part));
  }

  /** The keys of a dict display. */
  long[] keys(Expression place) {
    long[] found = keys.get(place);
    if (found == null) {
      throw new IllegalStateException("not loaded: " + place);
    }
    return found;
  }

  /**
   * Notes the function that a class statement has made of the code of a class's {@code __init__}.
   */
  void setFunction(Expression place, long function) {
    Loaded loaded = units.get(place);
    if (loaded != null) {
      loaded.function = function;
    }
  }

  /** Notes the function that read_deep calls. */
  void setReader(long function) {
    Loaded loaded = functions.get(ReaderCode.NAME);
    if (loaded != null) {
      loaded.function = function;
    }
  }

  /** Takes a reference to a name of the code and drops it. */
  void touchName(Mutator mutator, String name) {
    mutator.interpreter.refCounts.touch(Objects.requireNonNull(names.get(name)));
  }

  /** The module has one more name. */
  void defineName() {
    calls.defineName();
  }

  // Running

  /**
   * Runs the code of a function.
   *
   * @param name build or act
   * @param needsFrame whether the baseline does not hold its frame
   */
  void run(Mutator mutator, String name, boolean needsFrame) {
    Loaded loaded = functions.get(name);
    if (loaded != null) {
      run(mutator, loaded, needsFrame && (runs.keepsFrameOfAct() || !name.equals("act")));
    }
  }

  /** The frame of the act's function, unless what it leaves is captured. */
  void frameOfAct(Mutator mutator) {
    Loaded loaded = functions.get("act");
    if (loaded != null && runs.keepsFrameOfAct()) {
      runs.newFrame(mutator, loaded.unit.places());
    }
  }

  /**
   * Of the frame of a place's code, or that of a function: the variables, cells and the stack; 0 of
   * a comprehension without code of its own.
   */
  int places(Object place) {
    Loaded loaded = place instanceof String name ? functions.get(name) : units.get(place);
    return loaded == null ? 0 : loaded.unit.places();
  }

  /** The code of a class's {@code __init__}, a ring or a comprehension begins to run, once more. */
  void enter(Mutator mutator, Object place) {
    Loaded loaded = units.get(place);
    if (loaded != null) {
      runs.enter(mutator, loaded.unit);
    }
  }

  /** The code of read_deep's function begins to run, once more; it has its frame. */
  void enterReader(Mutator mutator) {
    Loaded loaded = functions.get(ReaderCode.NAME);
    if (loaded != null) {
      run(mutator, loaded, false);
      runs.run(mutator, loaded.unit);
    }
  }

  private void run(Mutator mutator, Loaded loaded, boolean needsFrame) {
    CodeUnit unit = loaded.unit;
    if (!ran.add(unit)) {
      return;
    }
    loaded.constants.forEach(mutator.interpreter.refCounts::touch);
    if (isInline) {
      // Its instructions learn.
      mutator.interpreter.refCounts.touch(loaded.code);
      long end = loaded.code + loaded.codeBytes;
      for (long at = (loaded.code | (Host.BYTES_IN_PAGE - 1)) + 1; at < end; ) {
        mutator.set(at, 0);
        at += Host.BYTES_IN_PAGE;
      }
    } else {
      mutator.interpreter.refCounts.touch(loaded.code);
      if (unit.place == null && needsFrame) {
        runs.newFrame(mutator, unit.places());
      }
    }
    if (loaded.function != 0) {
      mutator.interpreter.refCounts.touch(loaded.function);
    }
    if (methodCache != null && unit.place != null && !unit.attributes.isEmpty()) {
      methodCache.learn(mutator, unit, loaded.attributes);
    }
    for (Loaded comprehension : loaded.comprehensions) {
      run(mutator, comprehension, true);
    }
    for (int i = 0; i <= unit.calls.size(); i++) {
      if (methodCache != null && i == unit.callsBeforeBytes) {
        methodCache.lookUpBytes(mutator);
      }
      if (i < unit.calls.size()) {
        run(mutator, Objects.requireNonNull(units.get(unit.calls.get(i).place)), true);
      }
    }
  }

  /** The module's code begins to run; a class statement needs more of the stack. */
  void runModule(Mutator mutator, boolean definesClasses) {
    runs.newFrame(mutator, definesClasses ? 4 : 2);
  }

  /** The body of a class statement runs, once. */
  void runClassBody(Mutator mutator, Expression place) {
    int stack = place instanceof Recipe.CycleValue ? 1 : 2;
    if (!version.atLeast(3, 7) && place instanceof Recipe.InstanceValue value && value.slots()) {
      // The tuple of their names is folded when the stack has been measured.
      stack = Math.max(stack, value.attributes().size());
    }
    runs.newFrame(mutator, stack);
  }

  // Sizes

  private int codeBytes() {
    return switch (version.minor) {
      case 6, 7 -> 144;
      case 8, 9, 10 -> 176;
      case 11 -> 184;
      case 12 -> 192;
      default -> 200;
    };
  }

  /** Bytes of a function object. */
  static int functionBytes(PythonVersion version) {
    return switch (version.minor) {
      case 6, 7 -> 112;
      case 8, 9 -> 120;
      case 10 -> 128;
      case 11 -> 136;
      default -> 144;
    };
  }
}
