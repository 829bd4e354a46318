package dev.preforklab.cpython.recipe;

import dev.preforklab.cpython.recipe.Recipe.Expression;
import dev.preforklab.cpython.recipe.Recipe.Statement;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/**
 * The recipe's code as 2.7's compiler makes it, as far as its memory goes: the length of the
 * bytecode, constants, names, variables and the stack; {@code Python/compile.c}. An instruction has
 * one byte, or three with an argument.
 */
final class OldCode {
  private static final int LOOP_BYTES = 23;
  private static final int CONDITION_BYTES = 19;
  private static final int COMPREHENSION_BYTES = 25;
  private static final int RETURN_BYTES = 4;
  private static final int ACTION_BYTES = 10;

  /** Of the statement's variable. */
  private static final int PLAIN_INDEX = 3;

  /** {@code (index * n + j)}, more than the index. */
  private static final int COMPOSED_INDEX = 8;

  private static final Object NONE = new Object();
  private static final String FORMAT = "%0*d";

  private final Predicate<Expression> isConstant;
  private final Unit module = new Unit("<module>");

  /** In the order of the source, the module last. */
  private final List<Unit> units = new ArrayList<>();

  private final IdentityHashMap<Object, Unit> byPlace = new IdentityHashMap<>();
  private int number;

  /** The attributes of the classes of instances, in the order of the source. */
  private final Map<String, List<String>> instances = new LinkedHashMap<>();

  /** A code object. */
  private static final class Unit {
    final String name;
    int bytes;
    int lines;
    int stack;

    final Set<Object> constants = new LinkedHashSet<>();

    final Set<String> names = new LinkedHashSet<>();
    final Set<String> variables = new LinkedHashSet<>();

    Unit(String name) {
      this.name = name;
      constants.add(NONE);
    }

    void need(int depth) {
      stack = Math.max(stack, depth);
    }

    void add(int moreBytes, int depth) {
      bytes += moreBytes;
      need(depth);
    }

    /** The memory of its parts, in the order in which they are read, and of its frame. */
    List<Integer> sizes() {
      return List.of(
          Sizes.text(bytes),
          Sizes.tuple(constants.size()),
          Sizes.tuple(names.size()),
          Sizes.tuple(variables.size()),
          Sizes.text("recipe".length()),
          Sizes.text(2 * lines),
          Sizes.CODE,
          Sizes.frame(stack + variables.size()));
    }
  }

  /** Bytes of objects of 2.7. */
  static final class Sizes {
    static final int CODE = 128;

    private Sizes() {}

    static int text(int length) {
      return length == 0 ? 0 : 37 + length;
    }

    static int tuple(int length) {
      return length == 0 ? 0 : 56 + 8 * length;
    }

    static int frame(int places) {
      return 416 + 8 * places;
    }
  }

  OldCode(Recipe recipe, List<Recipe.Act> acts, boolean array, Predicate<Expression> isConstant) {
    this.isConstant = isConstant;
    if (array) {
      module.bytes += 12;
      module.names.add("array");
    }
    Unit build = new Unit("build");
    build.lines++;
    build.add(6, 1);
    build.names.add("out");
    recipe.beforeHeap().forEach(action -> action(build, action));
    recipe.heap().forEach(statement -> statement(build, statement, "i", 0));
    recipe.beforeFork().forEach(action -> action(build, action));
    Unit act = new Unit("act");
    acts.forEach(one -> act(act, one, recipe));
    function(build);
    if (acts.stream().anyMatch(Recipe.ReadDeep.class::isInstance)) {
      function(reader());
    }
    function(act);
    module.bytes += RETURN_BYTES;
    units.add(module);
  }

  /** What the frame of a place's code, or that of act, has room for. */
  int places(Object place) {
    Unit unit = place.equals("act") ? units.get(units.size() - 2) : byPlace.get(place);
    return unit == null ? Calls.PLACES : unit.stack + unit.variables.size();
  }

  /**
   * Allocates what marshal makes of it, but for its numbers, and gives back what only the captured
   * process's empty recipe has.
   *
   * @param array whether that recipe has the statement that imports the module array
   */
  void load(Mutator mutator, boolean array, Baseline baseline, BaselineLoader loader) {
    List<Statement> heap =
        array ? List.of(new Statement(0, new Recipe.ArrayValue(1), true, 1, List.of())) : List.of();
    Recipe nothing = new Recipe(heap, List.of(), List.of(), List.of(), false);
    OldCode empty = new OldCode(nothing, List.of(new Recipe.Nothing("")), array, isConstant);
    Set<String> known = new HashSet<>();
    for (Unit unit : empty.units) {
      known.addAll(unit.names);
      long[] blocks = baseline.code(unit.name);
      List<Integer> sizes = sizesOf(unit.name);
      for (int i = 0; i < blocks.length; i++) {
        if (blocks[i] != 0 && rounded(unit.sizes().get(i)) != rounded(sizes.get(i))) {
          mutator.freeScratch(loader.relocate(blocks[i]));
        }
      }
    }
    for (Unit unit : units) {
      List<Integer> there = empty.sizesOf(unit.name);
      long[] blocks = baseline.code(unit.name);
      List<Integer> sizes = unit.sizes();
      for (int i = 0; i < sizes.size(); i++) {
        boolean isFrame = i == sizes.size() - 1;
        boolean isThere = i < blocks.length && rounded(there.get(i)) == rounded(sizes.get(i));
        if (!isThere && (!isFrame || (blocks.length > 0 && blocks[i] != 0))) {
          allocate(mutator, sizes.get(i));
        }
        Set<?> texts =
            i == 1 ? unit.constants : i == 2 ? unit.names : i == 3 ? unit.variables : Set.of();
        texts.forEach(text -> text(mutator, text, known));
      }
    }
  }

  private List<Integer> sizesOf(String name) {
    return units.stream()
        .filter(unit -> unit.name.equals(name))
        .map(Unit::sizes)
        .findFirst()
        .orElse(List.of());
  }

  private static int rounded(int bytes) {
    return bytes + 15 & -16;
  }

  private static void allocate(Mutator mutator, int bytes) {
    if (bytes > 0) {
      mutator.scratch(bytes);
    }
  }

  /** A text that the interpreter does not have yet: there is one of each character. */
  private static void text(Mutator mutator, Object text, Set<String> known) {
    if (text instanceof String name
        && (name.equals(FORMAT) || (name.length() > 1 && !isOwn(name) && known.add(name)))) {
      allocate(mutator, Sizes.text(name.length()));
    }
  }

  /** Names that the interpreter has from its start. */
  private static boolean isOwn(String name) {
    return OWN.contains(name);
  }

  private static final Set<String> OWN =
      Set.of(
          "__init__",
          "__module__",
          "__name__",
          "__slots__",
          "append",
          "array",
          "bytearray",
          "bytes",
          "collect",
          "dict",
          "gc",
          "len",
          "list",
          "next",
          "object",
          "range",
          "self",
          "set",
          "sum",
          "tuple",
          "type");

  // Statements

  private void function(Unit unit) {
    unit.bytes += RETURN_BYTES;
    units.add(unit);
    module.add(9, 1);
    module.constants.add(unit);
    module.names.add(unit.name);
    module.lines++;
  }

  private static void action(Unit unit, Recipe.Act action) {
    int arguments = action instanceof Recipe.Threshold threshold ? threshold.values().size() : 0;
    if (action instanceof Recipe.Collect collect && !collect.isPlain()) {
      arguments = 1;
    }
    unit.lines++;
    unit.add(ACTION_BYTES + 3 * arguments, 1 + arguments);
    unit.names.add("gc");
    String json = action.json();
    if (action instanceof Recipe.CollectorSwitch change) {
      unit.names.add(change.name().substring("gc.".length()));
    } else {
      unit.names.add(json.contains("threshold") ? "set_threshold" : "collect");
    }
  }

  private void act(Unit unit, Recipe.Act act, Recipe recipe) {
    if (act instanceof Recipe.Allocate allocate) {
      statement(unit, allocate.statement(), "i", 0);
    } else if (act instanceof Recipe.Sequence sequence) {
      sequence.acts().forEach(part -> act(unit, part, recipe));
    } else if (act instanceof Recipe.Iterate iterate) {
      unit.lines++;
      unit.names.add("out");
      unit.variables.add(iterate.indexed() ? "i" : "x");
      // Calls in calls, or the iterator and its next item.
      unit.add(LOOP_BYTES, !iterate.indexed() ? 2 : iterate.stride() ? 6 : 4);
    } else if (act instanceof Recipe.Sum) {
      unit.lines++;
      unit.names.addAll(List.of("sum", "out"));
      boolean arrays =
          recipe.heap().stream().anyMatch(s -> s.keep() && s.make() instanceof Recipe.ArrayValue);
      if (arrays) {
        unit.variables.add("x");
      }
      unit.add(ACTION_BYTES, arrays ? 3 : 2);
    } else if (act instanceof Recipe.ReadDeep) {
      unit.lines++;
      unit.names.addAll(List.of("deep", "out"));
      unit.add(ACTION_BYTES, 2);
    } else if (act instanceof Recipe.Drop) {
      unit.lines++;
      unit.names.add("out");
      unit.add(6, 1);
    } else if (act instanceof Recipe.Nothing || act instanceof Recipe.Exit) {
      unit.lines++;
      unit.need(1);
    } else {
      action(unit, act);
    }
  }

  private void statement(Unit unit, Statement statement, String variable, int depth) {
    unit.lines += 2;
    unit.names.add("range");
    unit.variables.add(variable);
    unit.constants.add(BigInteger.valueOf(statement.repeat()));
    unit.add(LOOP_BYTES, depth + 2);
    if (statement.keep()) {
      unit.names.addAll(List.of("out", "append"));
      unit.bytes += 10;
    } else {
      unit.bytes += 1;
    }
    Index index = new Index(PLAIN_INDEX, 1);
    expression(unit, statement.make(), index, depth + (statement.keep() ? 2 : 1));
    for (Statement also : statement.also()) {
      unit.lines++;
      unit.constants.add(BigInteger.valueOf(statement.every()));
      unit.constants.add(BigInteger.valueOf(statement.every() - 1L));
      unit.add(CONDITION_BYTES, depth + 3);
      statement(unit, also, variable + "i", depth + 1);
    }
  }

  // Expressions

  /** How the index is named: bytes, and the stack that it needs. */
  private record Index(int bytes, int stack) {}

  private void expression(Unit unit, Expression place, Index i, int depth) {
    if (place instanceof Recipe.IntValue value) {
      unit.constants.add(value.base());
      unit.add(i.bytes + 4, depth + Math.max(2, i.stack));
    } else if (place instanceof Recipe.FloatValue value) {
      unit.constants.add(value.x());
      unit.add(i.bytes + 4, depth + Math.max(2, i.stack));
    } else if (place instanceof Recipe.StrValue value) {
      unit.constants.add(FORMAT);
      unit.constants.add(BigInteger.valueOf(value.length()));
      unit.add(i.bytes + 10, depth + 2 + i.stack);
    } else if (place instanceof Recipe.BytesValue value) {
      unit.constants.add(BigInteger.valueOf(value.length()));
      unit.names.addAll(List.of("bytes", "bytearray"));
      unit.add(15, depth + 3);
    } else if (place instanceof Recipe.NoneValue) {
      unit.add(3, depth + 1);
    } else if (place instanceof Recipe.TupleValue tuple && isConstant.test(tuple)) {
      unit.constants.add(tuple);
      unit.add(3, depth + Math.max(1, tuple.items().size()));
    } else if (place instanceof Recipe.DictValue dict) {
      unit.add(3, depth + 1);
      for (int k = 0; k < dict.keys().size(); k++) {
        expression(unit, dict.values().get(k), i, depth + 1);
        unit.constants.add(dict.keys().get(k));
        unit.add(4, depth + 3);
      }
    } else if (place instanceof Recipe.InstanceValue value) {
      unit.names.add(instance(value));
      unit.add(i.bytes + 6, depth + 1 + i.stack);
    } else if (place instanceof Recipe.CycleValue value) {
      unit.names.add(ring(value));
      unit.add(6, depth + 1);
    } else if (place instanceof Recipe.ArrayValue value) {
      unit.names.add("array");
      unit.constants.add(BigInteger.valueOf(value.length()));
      unit.add(22, depth + 3);
    } else if (place instanceof Recipe.TimesValue times) {
      unit.names.add("range");
      unit.constants.add(BigInteger.valueOf(times.times()));
      unit.variables.add("j" + ++number);
      unit.add(COMPREHENSION_BYTES, depth + 3);
      Index inner = new Index(i.bytes + COMPOSED_INDEX, Math.max(2, i.stack));
      expression(unit, times.of(), inner, depth + 2);
    } else {
      if (place instanceof Recipe.SetValue && place.parts().isEmpty()) {
        unit.names.add("set");
        unit.bytes += 3;
      }
      unit.add(3, depth + 1);
      int at = depth;
      for (Expression part : place.parts()) {
        expression(unit, part, i, at++);
      }
    }
  }

  private String instance(Recipe.InstanceValue value) {
    String name = "C" + ++number;
    Unit init = new Unit("__init__");
    init.variables.addAll(List.of("self", "i"));
    for (int k = 0; k < value.values().size(); k++) {
      init.lines++;
      expression(init, value.values().get(k), new Index(PLAIN_INDEX, 1), 0);
      init.names.add(value.attributes().get(k));
      init.add(6, 2);
    }
    init.lines = Math.max(1, init.lines);
    init.bytes += RETURN_BYTES;
    byPlace.put(value, init);
    Unit body = classBody(name);
    if (value.slots()) {
      body.constants.addAll(value.attributes());
      body.constants.add(value.attributes());
      body.names.add("__slots__");
      body.add(6, Math.max(1, value.attributes().size()));
      body.lines++;
    }
    body.constants.add(init);
    body.names.add("__init__");
    body.bytes += 9;
    units.add(init);
    units.add(body);
    instances.put(name, value.attributes());
    return name;
  }

  /** The recursive function of read_deep, with a branch for each class of instances. */
  private Unit reader() {
    Unit deep = new Unit("deep");
    deep.names.addAll(List.of("type", "list", "tuple", "set", "deep", "dict"));
    deep.variables.addAll(List.of("o", "t", "x"));
    deep.add(12 + 36 + 30 + 12 + 44, 4);
    deep.lines = 9;
    instances.forEach(
        (name, attributes) -> {
          deep.names.add(name);
          deep.names.addAll(attributes);
          deep.add(15 + 13 * attributes.size(), 3);
          deep.lines += 1 + attributes.size();
        });
    return deep;
  }

  private String ring(Recipe.CycleValue value) {
    String name = "N" + ++number;
    units.add(classBody(name));
    Unit ring = new Unit("ring_of_" + name);
    ring.names.addAll(List.of(name, "next"));
    ring.variables.add("first");
    ring.add(18, 2);
    ring.lines = 2;
    if (value.length() > 1) {
      ring.names.add("range");
      ring.variables.addAll(List.of("last", "j"));
      ring.constants.add(BigInteger.valueOf(value.length() - 1L));
      ring.add(LOOP_BYTES + 27, 3);
      ring.lines = 6;
    }
    byPlace.put(value, ring);
    function(ring);
    return ring.name;
  }

  private Unit classBody(String name) {
    Unit body = new Unit(name);
    body.constants.clear();
    body.names.addAll(List.of("__name__", "__module__"));
    body.add(8, 1);
    body.lines = 2;
    module.add(22, 3);
    module.lines++;
    module.constants.add(name);
    module.constants.add(body);
    module.names.add("object");
    module.names.add(name);
    return body;
  }
}
