package dev.preforklab.cpython.recipe;

import dev.preforklab.cpython.recipe.Recipe.Expression;
import dev.preforklab.cpython.recipe.Recipe.Statement;
import java.math.BigInteger;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * The numbers in a recipe's source that its code objects keep as constants ({@code co_consts}):
 * each value once in each function, small ints excepted, which exist already.
 */
final class Constants {
  private final Mutator mutator;

  /**
   * Prepares for an interpreter without any.
   *
   * @param loader of the baseline, which knows where 2.7 has room for numbers
   */
  Constants(Mutator mutator, BaselineLoader loader) {
    this.mutator = mutator;
    mutator.restoreNumbers(loader);
  }

  /**
   * Makes the constants of all functions, which hold them for good; on 2.7 only; see {@link
   * CodeObjects}.
   */
  void make(List<Statement> heap, List<Statement> act) {
    if (mutator.version.major > 2) {
      return;
    }
    heap.forEach(this::makeOfClasses);
    act.forEach(this::makeOfClasses);
    for (List<Statement> function : List.of(heap, act)) {
      Set<Object> values = new LinkedHashSet<>();
      function.forEach(statement -> collect(statement, values));
      make(values);
    }
  }

  private void makeOfClasses(Statement statement) {
    makeOfClasses(statement.make());
    statement.also().forEach(this::makeOfClasses);
  }

  /** Each {@code __init__} is a function of its own. */
  private void makeOfClasses(Expression place) {
    if (place instanceof Recipe.InstanceValue instance) {
      instance.values().forEach(this::makeOfClasses);
      Set<Object> values = new LinkedHashSet<>();
      instance.values().forEach(value -> collect(value, values));
      make(values);
    } else if (place instanceof Recipe.TimesValue times) {
      makeOfClasses(times.of());
    } else {
      FreeVariables.parts(place).forEach(this::makeOfClasses);
    }
  }

  private static void collect(Statement statement, Set<Object> values) {
    addInt(statement.repeat(), values);
    collect(statement.make(), values);
    statement.also().forEach(also -> collect(also, values));
  }

  private static void collect(Expression place, Set<Object> values) {
    if (place instanceof Recipe.IntValue value) {
      values.add(value.base());
    } else if (place instanceof Recipe.FloatValue value) {
      values.add(value.x());
    } else if (place instanceof Recipe.StrValue value) {
      addInt(value.length(), values);
    } else if (place instanceof Recipe.BytesValue value) {
      addInt(value.length(), values);
    } else if (place instanceof Recipe.ArrayValue value) {
      addInt(value.length(), values);
    } else if (place instanceof Recipe.TimesValue times) {
      collect(times.of(), values);
    } else {
      FreeVariables.parts(place).forEach(part -> collect(part, values));
    }
  }

  private static void addInt(int value, Set<Object> values) {
    values.add(BigInteger.valueOf(value));
  }

  private void make(Set<Object> values) {
    for (Object value : values) {
      if (value instanceof BigInteger number) {
        mutator.newSum(0, number);
      } else {
        mutator.newFloat();
      }
    }
  }
}
