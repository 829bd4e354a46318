package dev.preforklab.cpython.recipe;

import dev.preforklab.cpython.recipe.Recipe.Expression;
import dev.preforklab.cpython.recipe.Recipe.Statement;
import java.util.BitSet;
import java.util.List;

/** Which variables a list comprehension takes from the function around it. */
final class FreeVariables {
  private FreeVariables() {}

  /** Whether an expression's value depends on the loop's index. */
  static boolean usesIndex(Expression place) {
    if (place instanceof Recipe.TimesValue times) {
      return usesIndex(times.of());
    }
    return place instanceof Recipe.IntValue
        || place instanceof Recipe.FloatValue
        || place instanceof Recipe.StrValue
        || place instanceof Recipe.InstanceValue
        || anyUsesIndex(parts(place));
  }

  private static boolean anyUsesIndex(List<Expression> places) {
    for (Expression place : places) {
      if (usesIndex(place)) {
        return true;
      }
    }
    return false;
  }

  /** Whether a comprehension in an expression, outside any call there, uses the index. */
  static boolean capturesIndex(Expression place) {
    return place instanceof Recipe.TimesValue times
        ? usesIndex(times.of())
        : anyCapturesIndex(parts(place));
  }

  /** Whether one of several expressions has such a comprehension. Asked for each instance made. */
  static boolean anyCapturesIndex(List<Expression> places) {
    for (Expression place : places) {
      if (capturesIndex(place)) {
        return true;
      }
    }
    return false;
  }

  /** How many of the loop variables of statements comprehensions use. */
  static int captured(List<Statement> statements) {
    return capturedDepths(statements).cardinality();
  }

  /** Of the loop variables of statements, one a depth, those that comprehensions use. */
  static BitSet capturedDepths(List<Statement> statements) {
    return capturedDepths(statements, 0);
  }

  private static BitSet capturedDepths(List<Statement> statements, int depth) {
    BitSet depths = new BitSet();
    for (Statement statement : statements) {
      if (capturesIndex(statement.make())) {
        depths.set(depth);
      }
      depths.or(capturedDepths(statement.also(), depth + 1));
    }
    return depths;
  }

  /** The expressions of a display, in order. */
  static List<Expression> parts(Expression place) {
    if (place instanceof Recipe.ListValue list) {
      return list.items();
    }
    if (place instanceof Recipe.TupleValue tuple) {
      return tuple.items();
    }
    if (place instanceof Recipe.SetValue set) {
      return set.items();
    }
    return place instanceof Recipe.DictValue dict ? dict.values() : List.of();
  }
}
