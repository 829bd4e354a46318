package dev.preforklab.cpython.recipe;

import dev.preforklab.cpython.recipe.Recipe.Act;
import dev.preforklab.cpython.recipe.Recipe.Expression;
import dev.preforklab.cpython.recipe.Recipe.Statement;
import java.util.List;
import java.util.Locale;

/**
 * Whether a recipe can come to an end: how many values it makes and the least memory that its heap
 * takes, told from the recipe alone. Recipes can ask for more than any machine has in a line.
 */
final class RecipeLimits {
  /** Values made in one process, kept or not: about a minute of real Python. */
  static final double MOST_VALUES = 500e6;

  /** Brackets in one another that every release compiles; 3.6 and 3.7 take the fewest. */
  static final int DEEPEST_BRACKETS = 90;

  /**
   * What an expression or statement asks for.
   *
   * @param values made, None among them
   * @param bytes that they occupy at least while all of them are alive
   */
  record Cost(double values, double bytes) {
    static final Cost NONE = new Cost(0, 0);

    Cost plus(Cost other) {
      return new Cost(values + other.values, bytes + other.bytes);
    }

    Cost times(double n) {
      return new Cost(values * n, bytes * n);
    }
  }

  private RecipeLimits() {}

  /**
   * @param ramBytes of the simulated machine
   * @throws RecipeException if the recipe makes too many values or needs more memory than there is
   */
  static void check(Recipe recipe, double ramBytes) {
    Cost heap = Cost.NONE;
    for (int i = 0; i < recipe.heap().size(); i++) {
      heap = heap.plus(check(recipe.heap().get(i), "heap[" + i + "]", ramBytes));
    }
    refuse(heap, "heap", ramBytes);
    for (int i = 0; i < recipe.acts().size(); i++) {
      String where = recipe.single() ? "act" : "acts[" + i + "]";
      Cost all = heap;
      Act act = recipe.acts().get(i);
      for (Act part : act instanceof Recipe.Sequence s ? s.acts() : List.of(act)) {
        if (part instanceof Recipe.Allocate allocate) {
          all = all.plus(check(allocate.statement(), where + ".allocate", ramBytes));
        }
      }
      refuse(all, where, ramBytes);
    }
  }

  private static Cost check(Statement statement, String where, double ramBytes) {
    Cost one = cost(statement.make());
    refuse(one, where + ".make", ramBytes);
    Cost all = one.times(statement.repeat());
    if (!statement.keep()) {
      all = new Cost(all.values, one.bytes);
    }
    for (Statement also : statement.also()) {
      Cost more = check(also, where + ".also", ramBytes);
      int turns = statement.repeat() / statement.every();
      all = all.plus(more.times(turns));
    }
    refuse(all, where, ramBytes);
    return all;
  }

  private static void refuse(Cost cost, String where, double ramBytes) {
    if (cost.values > MOST_VALUES) {
      throw new RecipeException(
          String.format(
              Locale.ROOT, "%s: makes %.3g values; at most %.0f", where, cost.values, MOST_VALUES));
    }
    if (cost.bytes > ramBytes) {
      throw new RecipeException(
          String.format(
              Locale.ROOT,
              "%s: needs at least %.1f GiB; the simulated machine has %.1f GiB",
              where,
              cost.bytes / (1 << 30),
              ramBytes / (1 << 30)));
    }
  }

  /** The least that an expression takes: object heads, items and contents, nothing in between. */
  static Cost cost(Expression expression) {
    if (expression instanceof Recipe.NoneValue) {
      return new Cost(1, 0);
    }
    if (expression instanceof Recipe.StrValue text) {
      return new Cost(1, 32.0 + text.length());
    }
    if (expression instanceof Recipe.BytesValue bytes) {
      return new Cost(1, 32.0 + bytes.length());
    }
    if (expression instanceof Recipe.ArrayValue array) {
      return new Cost(1, 64 + 8.0 * array.length());
    }
    if (expression instanceof Recipe.CycleValue ring) {
      return new Cost(ring.length(), 64.0 * ring.length());
    }
    if (expression instanceof Recipe.TimesValue times) {
      return cost(times.of()).times(times.times()).plus(container(times.times()));
    }
    if (expression instanceof Recipe.ListValue list) {
      return cost(list.items());
    }
    if (expression instanceof Recipe.TupleValue tuple) {
      return cost(tuple.items());
    }
    if (expression instanceof Recipe.SetValue set) {
      return cost(set.items());
    }
    if (expression instanceof Recipe.DictValue dict) {
      return cost(dict.values());
    }
    if (expression instanceof Recipe.InstanceValue instance) {
      return cost(instance.values());
    }
    return new Cost(1, 24);
  }

  private static Cost cost(List<Expression> items) {
    Cost cost = container(items.size());
    for (Expression item : items) {
      cost = cost.plus(cost(item));
    }
    return cost;
  }

  private static Cost container(double items) {
    return new Cost(1, 40 + 8 * items);
  }

  /**
   * Brackets in one another in the source of an expression; an instance's attributes are assigned
   * in a function of their own and start anew.
   */
  static int brackets(Expression expression) {
    if (expression instanceof Recipe.TimesValue times) {
      return 2 + brackets(times.of());
    }
    List<Expression> items = List.of();
    if (expression instanceof Recipe.ListValue list) {
      items = list.items();
    } else if (expression instanceof Recipe.TupleValue tuple) {
      items = tuple.items();
    } else if (expression instanceof Recipe.SetValue set) {
      items = set.items();
    } else if (expression instanceof Recipe.DictValue dict) {
      items = dict.values();
    }
    int deepest = 0;
    for (Expression item : items) {
      deepest = Math.max(deepest, brackets(item));
    }
    return 1 + deepest;
  }
}
