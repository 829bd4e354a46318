package dev.preforklab.cpython.recipe;

import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.recipe.Positions.Span;
import dev.preforklab.cpython.recipe.Recipe.Expression;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/** Writes the code of expressions, each from where it stands in its line. */
abstract class ExpressionWriter extends CodeWriter {
  static final String COMPREHENSION = "<listcomp>";

  private static final String FORMAT = "%0*d";

  private final Predicate<Expression> isConstant;
  final boolean hasComprehensions;

  /** How many names of classes and variables have been made. */
  int number;

  /**
   * What stands for i in an expression: its instructions, by how many comprehensions are around.
   */
  List<Integer> factors = new ArrayList<>();

  /** The variables of these comprehensions. */
  List<String> outerVariables = new ArrayList<>();

  /** The variable that is i. */
  String index = "i";

  /** The instruction before has loaded i, too. */
  private boolean isLoaded;

  /**
   * @param isConstant whether the compiler makes an expression's value
   */
  ExpressionWriter(PythonVersion version, CodeUnit unit, Predicate<Expression> isConstant) {
    super(version, unit);
    this.isConstant = isConstant;
    hasComprehensions = !version.atLeast(3, 12);
  }

  /** Defines a class; returns the code of its {@code __init__}. */
  abstract CodeUnit init(Recipe.InstanceValue value);

  /** Defines the class and the function of a ring; returns the code of this. */
  abstract CodeUnit ring(Recipe.CycleValue value);

  /** A str that is a name: the interpreter has each once. */
  record Key(String name) {}

  /**
   * i, or inside comprehensions (i * n + j).
   *
   * @param column where it stands
   * @return the column behind it
   */
  private int index(int column) {
    int depth = factors.size();
    int start = column + depth;
    int end = start + index.length();
    if (!isLoaded) {
      at(start, end);
      emit(Op.PLAIN, 1);
    }
    isLoaded = false;
    for (int i = 0; i < depth; i++) {
      int left = i == 0 ? start : start - i;
      end = number(factors.get(i), end + 3);
      at(left, end);
      emit(Op.BINARY, 1);
      int variable = end + 3;
      end = variable + outerVariables.get(i).length();
      at(variable, end);
      note(unit.free.indexOf(outerVariables.get(i)));
      emit(Op.PLAIN, 1);
      at(left, end);
      emit(Op.BINARY, 1);
      end++;
    }
    return end;
  }

  /** i and a number that is added. */
  private int sum(Object constant, int width, int column) {
    int end = index(column) + 3;
    at(end, end + width);
    constant(constant);
    end += width;
    at(column, end);
    emit(Op.BINARY, 1);
    return end;
  }

  /** A call of a global without arguments. */
  int call(String function, int column) {
    int end = column + function.length();
    at(column, end);
    global(function);
    at(column, end + 2);
    emit(Op.CALL, 1);
    return end + 2;
  }

  /**
   * Appends an expression's code.
   *
   * @param depth of the stack before it
   * @param column where it stands
   * @return the column behind it
   */
  int expression(Expression place, int depth, int column) {
    int indexDepth = factors.isEmpty() ? 1 : 2;
    int end;
    // A float is added as an int is.
    boolean isFloat = place instanceof Recipe.FloatValue;
    note(isFloat ? Recipe.IntValue.class : place.getClass());
    note(FreeVariables.parts(place).size());
    if (place instanceof Recipe.IntValue value) {
      // To 3.6 what is negated when all is compiled stays, too.
      if (value.base().signum() < 0 && !version.atLeast(3, 7)) {
        unit.addConstant(value.base().negate());
      }
      end = sum(value.base(), value.base().toString().length(), column);
      reach(depth + 2);
    } else if (place instanceof Recipe.FloatValue value) {
      if (Math.copySign(1, value.x()) < 0 && !version.atLeast(3, 7)) {
        unit.addConstant(-value.x());
      }
      end = sum(value.x(), PythonText.widthOf(value.x()), column);
      reach(depth + 2);
    } else if (place instanceof Recipe.StrValue value) {
      int arguments = column + FORMAT.length() + 5;
      at(column, arguments - 3);
      constant(FORMAT);
      end = index(number(value.length(), arguments + 1) + 2) + 1;
      at(arguments, end);
      emit(Op.PLAIN, 1);
      at(column, end);
      emit(Op.BINARY, 1);
      reach(depth + 2 + indexDepth);
    } else if (place instanceof Recipe.BytesValue value) {
      end = bytes(value, column);
      reach(depth + (version.atLeast(3, 11) ? 5 : 3));
    } else if (place instanceof Recipe.DictValue value) {
      end = dict(value, depth, column);
    } else if (place instanceof Recipe.InstanceValue value) {
      CodeUnit init = init(value);
      unit.calls.add(init);
      String name = init.qualifiedName.substring(0, init.qualifiedName.indexOf('.'));
      at(column, column + name.length());
      global(name);
      end = index(column + name.length() + 1) + 1;
      at(column, end);
      emit(Op.CALL, 1);
      reach(depth + 1 + indexDepth);
    } else if (place instanceof Recipe.CycleValue value) {
      CodeUnit ring = ring(value);
      unit.calls.add(ring);
      end = call(ring.name, column);
      reach(depth + 1);
    } else if (place instanceof Recipe.ArrayValue value) {
      end = array(value, column);
      reach(depth + (hasMethodCalls() ? 4 : 3));
    } else if (place instanceof Recipe.TimesValue value) {
      end = times(value, depth, column);
    } else {
      end = display(place, depth, column);
    }
    return end;
  }

  private int bytes(Recipe.BytesValue value, int column) {
    if (unit.callsBeforeBytes < 0) {
      unit.callsBeforeBytes = unit.calls.size();
    }
    at(column, column + 5);
    global("bytes");
    at(column + 6, column + 15);
    global("bytearray");
    int end = number(value.length(), column + 16);
    at(column + 6, end + 1);
    emit(Op.CALL, 1);
    at(column, end + 2);
    emit(Op.CALL, 1);
    return end + 2;
  }

  private int array(Recipe.ArrayValue value, int column) {
    at(column, column + 5);
    global("array");
    unit.names.add("array");
    // The compiler knows a module's function from a method; on 3.13 nothing stands for the object.
    at(column, column + 11);
    emit(isExactly(11) ? Op.ATTRIBUTE : Op.METHOD, 1);
    emit(Op.PLAIN, version.atLeast(3, 13) ? 1 : 0);
    at(column + 12, column + 15);
    constant(new Key("l"));
    number(0, column + 18);
    at(column + 17, column + 20);
    emit(Op.PLAIN, 1);
    at(column, column + 21);
    emit(Op.CALL, 1);
    int end = number(value.length(), column + 24);
    at(column, end);
    emit(Op.BINARY, 1);
    return end;
  }

  private int display(Expression place, int depth, int column) {
    List<Expression> items = FreeVariables.parts(place);
    Span whole = new Span(unit.sourceLine, column, 0);
    int end;
    if (isConstant.test(place)) {
      end = column + PythonText.widthOfConstant(place);
      if (place instanceof Recipe.NoneValue) {
        unit.hasNone = true;
      } else {
        noteDisplay(items);
      }
      here = whole;
      emit(Op.PLAIN, 1);
      reach(depth + 1);
    } else if (place instanceof Recipe.SetValue && items.isEmpty()) {
      end = call("set", column);
      reach(depth + 1);
    } else if (place instanceof Recipe.ListValue
        && version.atLeast(3, 9)
        && items.size() >= 3
        && items.stream().allMatch(isConstant)) {
      end = column + PythonText.widthOfConstant(place);
      noteDisplay(items);
      here = whole;
      emit(Op.PLAIN, 3);
      reach(depth + 2);
    } else if (Recipe.isBuiltItemByItem(items.size(), version)) {
      here = whole;
      emit(Op.PLAIN, 1);
      end = column + 1;
      for (Expression item : items) {
        end = expression(item, depth + 1, end) + 2;
        here = whole;
        emit(Op.PLAIN, 1);
      }
      end--;
      emit(Op.PLAIN, place instanceof Recipe.TupleValue ? 1 : 0);
      reach(depth + 2);
    } else {
      end = column + 1;
      for (int i = 0; i < items.size(); i++) {
        end = expression(items.get(i), depth + i, end) + 2;
      }
      boolean isSingle = place instanceof Recipe.TupleValue && items.size() == 1;
      end += items.isEmpty() || isSingle ? 1 : -1;
      here = whole;
      emit(Op.PLAIN, 1);
      reach(depth + Math.max(1, items.size()));
    }
    whole.setEnd(end);
    return end;
  }

  /** A tuple that the compiler makes. */
  private void noteDisplay(List<Expression> items) {
    unit.displays.add(constants(items));
  }

  private static List<Object> constants(List<Expression> items) {
    List<Object> values = new ArrayList<>();
    for (Expression item : items) {
      values.add(
          item instanceof Recipe.NoneValue ? CodeUnit.NONE : constants(FreeVariables.parts(item)));
    }
    return values;
  }

  private int dict(Recipe.DictValue value, int depth, int column) {
    int size = value.keys().size();
    Span whole = new Span(unit.sourceLine, column, 0);
    int end = column + 1;
    if (!version.atLeast(3, 10) || size <= Dicts.LARGEST_PRESIZED) {
      end = dict(value, 0, size, depth, end, whole);
    } else {
      for (int begin = 0; begin < size; begin += Dicts.GROWN) {
        int last = Math.min(size, begin + Dicts.GROWN);
        end = dict(value, begin, last, begin == 0 ? depth : depth + 1, end, whole);
        emit(Op.PLAIN, begin == 0 ? 0 : 1);
      }
    }
    end += size == 0 ? 1 : -1;
    whole.setEnd(end);
    return end;
  }

  /** A dict of some of the keys of a display. */
  private int dict(Recipe.DictValue value, int begin, int end, int depth, int column, Span whole) {
    int size = end - begin;
    int at = column;
    boolean grows = version.atLeast(3, 10) && size > Dicts.LARGEST_PRESIZED;
    if (grows) {
      here = whole;
      emit(Op.PLAIN, 1);
    }
    for (int i = begin; i < end; i++) {
      String key = value.keys().get(i);
      int width = PythonText.widthOf(key);
      if (size == 1 || grows) {
        at(at, at + width);
        constant(new Key(key));
      }
      at += width + 2;
      at = expression(value.values().get(i), depth + (grows ? 2 : size == 1 ? 1 : i - begin), at);
      at += 2;
      here = whole;
      emit(Op.PLAIN, grows ? 1 : 0);
    }
    here = whole;
    if (size > 1 && !grows) {
      constant(List.copyOf(value.keys().subList(begin, end)));
    }
    emit(Op.PLAIN, grows ? 0 : 1);
    reach(depth + (grows ? 3 : size + 1));
    return at;
  }

  private int times(Recipe.TimesValue value, int depth, int column) {
    String variable = "j" + ++number;
    if (!hasComprehensions) {
      return inlined(value, variable, depth, column);
    }
    Span whole = new Span(unit.sourceLine, column, 0);
    CodeUnit outer = unit;
    boolean uses = FreeVariables.usesIndex(value.of());
    CodeUnit inner =
        new CodeUnit(
            value,
            COMPREHENSION,
            outer.qualifiedName
                + (outer.name.equals(COMPREHENSION) ? "." : ".<locals>.")
                + COMPREHENSION,
            List.of(".0", variable));
    unit = inner;
    if (uses) {
      inner.free.add(index);
      inner.free.addAll(outerVariables);
      // The compiler sorts them.
      inner.free.sort(null);
      here = Span.NONE;
      emit(Op.PLAIN, isExactly(11) ? 1 : 0);
    }
    if (FreeVariables.capturesIndex(value.of())) {
      inner.cells.add(variable);
    }
    makeCells();
    begin();
    Span all = new Span(0, column, 0);
    Span target = new Span(0, 0, 0);
    here = all;
    emit(Op.PLAIN, 2);
    emit(Op.FOR, 1);
    here = target;
    emit(Op.PLAIN, 1);
    int end = element(value, variable, 2, column + 1);
    here = all;
    emit(Op.PLAIN, 1);
    emit(Op.JUMP_BACK, 1);
    emit(Op.PLAIN, 1);
    int name = end + 5;
    int iterator = name + variable.length() + 4;
    target.set(name, iterator - 4);
    if (!version.atLeast(3, 11)) {
      // A cell takes its place, as it is no parameter.
      inner.variables.removeAll(inner.cells);
    }
    inner.lines = isExactly(8) ? 2 : isExactly(9) ? 0 : 1;
    inner.lineShape.add(inner.codeBytes);
    unit = outer;
    here = whole;
    emit(Op.PLAIN, uses ? 1 + inner.free.size() : 0);
    inner.free.forEach(free -> note(List.of(unit.cells.indexOf(free), unit.free.indexOf(free))));
    note(unit.addConstant(inner));
    emit(Op.PLAIN, 1);
    if (!version.atLeast(3, 11)) {
      constant(inner.qualifiedName);
    }
    emit(Op.PLAIN, 1);
    end = range(value.times(), iterator).end() + 1;
    all.set(column, end);
    whole.set(column, end);
    here = whole;
    emit(Op.PLAIN, 1);
    emit(Op.CALL, 1);
    reach(depth + Math.max(version.atLeast(3, 11) ? 4 : 3, inner.free.size()));
    return end;
  }

  /** The value of each turn of a comprehension. */
  private int element(Recipe.TimesValue value, String variable, int depth, int column) {
    factors.add(value.times());
    outerVariables.add(variable);
    int end = expression(value.of(), depth, column);
    factors.remove(factors.size() - 1);
    outerVariables.remove(variable);
    return end;
  }

  /** A list comprehension without a function, from 3.12 on. */
  private int inlined(Recipe.TimesValue value, String variable, int depth, int column) {
    // What it goes through stands behind the value and is written before it.
    Span whole = new Span(unit.sourceLine, column, 0);
    Span target = new Span(unit.sourceLine, 0, 0);
    Span range = new Span(unit.sourceLine, 0, 0);
    Span count = new Span(unit.sourceLine, 0, 0);
    Span call = new Span(unit.sourceLine, 0, 0);
    unit.variables.add(variable);
    here = range;
    global("range");
    here = count;
    constant(BigInteger.valueOf(value.times()));
    here = call;
    emit(Op.CALL, 1);
    here = version.atLeast(3, 13) ? call : whole;
    emit(Op.PLAIN, 1);
    here = whole;
    emit(Op.PLAIN, 2);
    int start = unit.codeBytes;
    emit(Op.PLAIN, 2);
    Loop loop = enterLoop(whole, call, target);
    isLoaded = version.atLeast(3, 13) && startsWithIndex(value.of());
    int last = element(value, variable, depth + 3, column + 1);
    at(column + 1, last);
    emit(Op.PLAIN, 1);
    endLoop(loop);
    unit.handlers.add(new CodeUnit.Handler(whole, start, unit.codeBytes));
    // Its variable is kept and restored, also where an exception leaves it.
    here = whole;
    emit(Op.PLAIN, 2);
    int name = last + 5;
    int iterator = name + variable.length() + 4;
    int end = iterator + 6 + Integer.toString(value.times()).length();
    target.set(name, iterator - 4);
    range.set(iterator, iterator + 5);
    count.set(iterator + 6, end);
    call.set(iterator, end + 1);
    whole.set(column, end + 2);
    return end + 2;
  }

  /** From 3.11 on an instruction makes each cell. */
  void makeCells() {
    here = Span.NONE;
    emit(Op.PLAIN, isExactly(11) ? unit.cells.size() : 0);
  }

  /**
   * Whether a value's code begins with loading i, for which 3.13 needs no instruction of its own.
   */
  private boolean startsWithIndex(Expression place) {
    List<Expression> parts = FreeVariables.parts(place);
    boolean isDisplay =
        !parts.isEmpty()
            && !isConstant.test(place)
            && !(place instanceof Recipe.DictValue && parts.size() == 1)
            && !Recipe.isBuiltItemByItem(parts.size(), version);
    return place instanceof Recipe.IntValue
        || place instanceof Recipe.FloatValue
        || (isDisplay && startsWithIndex(parts.get(0)));
  }
}
