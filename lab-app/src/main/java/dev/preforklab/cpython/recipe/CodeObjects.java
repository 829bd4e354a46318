package dev.preforklab.cpython.recipe;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.recipe.Recipe.Expression;
import dev.preforklab.cpython.recipe.Recipe.Statement;
import java.util.ArrayList;
import java.util.Collection;
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
  /** What is no class body's. */
  private static final Set<String> FUNCTIONS = Set.of("<module>", "build", "act", ReaderCode.NAME);

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
  private final boolean isInline;
  private final @Nullable MethodCache methodCache;

  private final IdentityHashMap<Object, Loaded> units = new IdentityHashMap<>();

  /** Build and act and what reads, by their names. */
  private final Map<String, Loaded> functions = new HashMap<>();

  private final IdentityHashMap<Expression, long[]> keys = new IdentityHashMap<>();

  private final LoadCalls.Replay calls;

  private final CodeRuns runs;

  private final CodeData data;

  /** The bodies of class statements, in the order of the source. */
  private final List<CodeUnit> bodies = new ArrayList<>();

  private int bodiesRun;

  private long marked;

  /** The places of rings, whose functions are the module's, in the order of the source. */
  private final List<Expression> rings = new ArrayList<>();

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
    isInline = version.atLeast(3, 11);
    runs = new CodeRuns(version);
    data = new CodeData(version, calls);
    ran = new HashSet<>();
  }

  private CodeObjects(CodeObjects parent) {
    version = parent.version;
    calls = parent.calls;
    methodCache = parent.methodCache == null ? null : parent.methodCache.forked();
    isInline = parent.isInline;
    runs = parent.runs.forked();
    data = parent.data.forked();
    units.putAll(parent.units);
    functions.putAll(parent.functions);
    keys.putAll(parent.keys);
    rings.addAll(parent.rings);
    ran = new HashSet<>(parent.ran);
  }

  /** The code as a forked process has it. */
  CodeObjects forked() {
    return new CodeObjects(this);
  }

  // Loading

  /** The file's bytes, as they were read; to be freed when the code has been made of them. */
  long readFile(Mutator mutator, CodeUnit module) {
    return CodeData.bytes(mutator, new MarshalledSize(version).of(module));
  }

  /** Loads the module's code and, as its constants, that of its classes and functions. */
  void load(Mutator mutator, CodeUnit module, List<Statement> statements) {
    MarshalledSize file = new MarshalledSize(version);
    file.of(module);
    MarshalReferences references = data.open(mutator, file);
    load(mutator, module);
    references.close(mutator);
    marked = references.size();
    statements.forEach(statement -> findKeys(mutator, statement));
  }

  /** How many objects of the file were marked for others to refer to. */
  long marked() {
    return marked;
  }

  private Loaded load(Mutator mutator, CodeUnit unit) {
    Map<Object, Long> outer = data.enter();
    Loaded loaded = new Loaded(unit);
    if (unit.place == null) {
      functions.put(unit.name, loaded);
    } else {
      units.put(unit.place, loaded);
    }
    List<Long> held = new ArrayList<>();
    long bytecode = data.bytecode(mutator, unit);
    List<Object> constants = unit.allConstants();
    long constantsTuple = data.tuple(mutator, unit.constantsKey(), constants.size());
    List<Long> items = new ArrayList<>();
    for (Object constant : unit.constants) {
      if (constant instanceof CodeUnit inner) {
        Loaded comprehension = load(mutator, inner);
        items.add(comprehension.code);
        loaded.comprehensions.add(comprehension);
      } else if (CodeData.isSmall(constant)) {
        data.smallConstant(mutator, constant);
      } else {
        long object = data.constant(mutator, constant);
        items.add(data.constantBlock(constant, object));
        loaded.constants.add(object);
      }
    }
    unit.displays.forEach(display -> data.display(mutator, display));
    data.parts.tuple(constantsTuple, items);
    held.add(isInline ? 0L : bytecode);
    held.add(constantsTuple);
    held.add(data.names(mutator, List.copyOf(unit.names)));
    unit.attributes.forEach(name -> loaded.attributes.add(data.heldName(mutator, name)));
    List<String> variables = new ArrayList<>(unit.variables);
    if (isInline) {
      variables.addAll(unit.free);
    }
    held.add(data.names(mutator, variables));
    if (!isInline) {
      held.add(data.names(mutator, List.copyOf(unit.free)));
      held.add(data.names(mutator, List.copyOf(unit.cells)));
    }
    if (isInline) {
      // The kind of each.
      held.add(data.bytesOnly(mutator, variables.size()));
    }
    data.fileName(mutator);
    data.name(mutator, unit.name);
    held.add(data.nameBlock(unit.name));
    if (isInline && unit.hasOwnName()) {
      held.add(mutator.newName(unit.qualifiedName.length(), false));
    } else if (isInline) {
      data.name(mutator, unit.qualifiedName);
      held.add(data.nameBlock(unit.qualifiedName));
    }
    held.add(data.table(mutator, unit));
    if (isInline) {
      held.add(data.bytesOnly(mutator, unit.exceptionBytes));
    }
    if (!isInline && unit.variables.stream().anyMatch(unit.cells::contains)) {
      // Which parameter each cell is for (co_cell2arg).
      held.add(mutator.scratch((version.atLeast(3, 7) ? 8L : 1) * unit.cells.size()));
    }
    loaded.codeBytes = (long) codeBytes() + (isInline ? unit.codeBytes : 0);
    loaded.code = mutator.newOpaque(loaded.codeBytes);
    data.parts.code(loaded.code, unit, held);
    holdFromOutside(loaded);
    data.leave(outer);
    return loaded;
  }

  /**
   * What else refers to code: a name of the script's to the module's, functions to theirs, and
   * classes to names.
   */
  private void holdFromOutside(Loaded loaded) {
    CodeUnit unit = loaded.unit;
    if (unit.place instanceof Recipe.InstanceValue
        || unit.place instanceof Recipe.CycleValue
        || FUNCTIONS.contains(unit.name)) {
      data.parts.hold(loaded.code);
    } else if (unit.place == null) {
      bodies.add(unit);
      data.parts.hold(data.nameBlock(unit.name));
      for (Object constant : unit.constants) {
        if (constant instanceof ExpressionWriter.Key key) {
          data.parts.hold(data.nameBlock(key.name()));
        }
      }
    }
  }

  /** Of its table of lines. */
  static int lineBytes(PythonVersion version, CodeUnit unit) {
    return version.atLeast(3, 11)
        ? unit.positions.table(version.atLeast(3, 12)).bytes()
        : 2 * unit.lines;
  }

  private void findKeys(Mutator mutator, Statement statement) {
    findKeys(mutator, statement.make());
    statement.also().forEach(also -> findKeys(mutator, also));
  }

  private void findKeys(Mutator mutator, Expression place) {
    if (place instanceof Recipe.DictValue dict) {
      keys.put(place, dict.keys().stream().mapToLong(key -> data.heldName(mutator, key)).toArray());
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
   * Notes the function that a class statement has made of the code of a class's {@code __init__},
   * or the module of that of a ring.
   */
  void setFunction(Expression place, long function) {
    if (place instanceof Recipe.CycleValue) {
      rings.add(place);
    }
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

  /** All names. */
  Collection<Long> names() {
    return data.allNames();
  }

  /** Takes a reference to a name of the code and drops it. */
  void touchName(Mutator mutator, String name) {
    mutator.interpreter.refCounts.touch(data.nameOf(name));
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
      runs.newFrame(mutator, loaded.unit, loaded.unit.places());
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
        runs.newFrame(mutator, unit, unit.places());
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
    runs.newFrame(mutator, unitOf("<module>"), definesClasses ? 4 : 2);
  }

  /** The body of a class statement runs, once. */
  void runClassBody(Mutator mutator, Expression place) {
    int stack = place instanceof Recipe.CycleValue ? 1 : 2;
    if (!version.atLeast(3, 7) && place instanceof Recipe.InstanceValue value && value.slots()) {
      // The tuple of their names is folded when the stack has been measured.
      stack = Math.max(stack, value.attributes().size());
    }
    runs.newFrame(mutator, bodies.get(bodiesRun++), stack);
  }

  private CodeUnit unitOf(String function) {
    return Objects.requireNonNull(functions.get(function)).unit;
  }

  // The end

  /**
   * The module's dict drops the module's code and its functions, in the order of their names, and
   * frees what only they refer to. Two of them are the baseline's: they are not freed here.
   *
   * @param frames of calls, which stay with code
   */
  void freeFunctions(Mutator mutator, Calls frames) {
    Interpreter interpreter = mutator.interpreter;
    units.forEach((place, loaded) -> keep(loaded, frames.keptFrame(place)));
    keep(functions.get("act"), frames.keptFrame(Calls.ACT));
    keep(functions.get(ReaderCode.NAME), frames.keptReaderFrame());
    List<Loaded> going = new ArrayList<>();
    going.add(functions.get("<module>"));
    rings.forEach(place -> going.add(units.get(place)));
    going.add(functions.get("build"));
    going.add(functions.get(ReaderCode.NAME));
    going.add(functions.get("act"));
    for (Loaded loaded : going) {
      if (loaded != null) {
        data.parts.drop(interpreter, runs, loaded.code);
        if (loaded.function != 0) {
          interpreter.deleteTracked(loaded.function);
        }
      }
    }
  }

  private void keep(@Nullable Loaded loaded, long frame) {
    if (loaded != null && frame != 0) {
      runs.keepFrame(loaded.unit, frame);
    }
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
