package dev.preforklab.cpython.recipe;

import dev.preforklab.cpython.PythonVersion;
import java.math.BigInteger;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * A heap recipe: what the parent builds, what it does before and after, and the acts of a child.
 *
 * @param heap statements in order
 * @param beforeHeap the parent's actions before it builds
 * @param beforeFork the parent's actions before it forks
 * @param acts each measured in a child of a fresh parent
 * @param single whether the recipe has one {@code act} and no list of {@code acts}
 */
public record Recipe(
    List<Statement> heap,
    List<Act> beforeHeap,
    List<Act> beforeFork,
    List<Act> acts,
    boolean single) {

  /** {@code for i in range(repeat)}: make a value, keep it or not, and now and then do more. */
  public record Statement(
      int repeat, Expression make, boolean keep, int every, List<Statement> also) {

    /** The kinds of all expressions in it. */
    Set<String> kinds() {
      Set<String> kinds = new TreeSet<>();
      make.addKinds(kinds);
      also.forEach(statement -> kinds.addAll(statement.kinds()));
      return kinds;
    }
  }

  /** What a statement makes; i is the statement's index. */
  public sealed interface Expression {
    /** What the value is, as the baselines name the kinds. */
    String kind();

    /** The expressions inside. */
    default List<Expression> parts() {
      return List.of();
    }

    private void addKinds(Set<String> kinds) {
      kinds.add(kind());
      parts().forEach(part -> part.addKinds(kinds));
    }
  }

  /** i + base. */
  public record IntValue(BigInteger base) implements Expression {
    @Override
    public String kind() {
      return "int";
    }
  }

  /** i + x. */
  public record FloatValue(double x) implements Expression {
    @Override
    public String kind() {
      return "float";
    }
  }

  /** i with leading zeros, at least so many characters. */
  public record StrValue(int length) implements Expression {
    @Override
    public String kind() {
      return "str";
    }
  }

  /** So many zero bytes. */
  public record BytesValue(int length) implements Expression {
    @Override
    public String kind() {
      return "bytes";
    }
  }

  /** None. */
  public record NoneValue() implements Expression {
    @Override
    public String kind() {
      return "none";
    }
  }

  public record ListValue(List<Expression> items) implements Expression {
    @Override
    public String kind() {
      return "list";
    }

    @Override
    public List<Expression> parts() {
      return items;
    }
  }

  public record TupleValue(List<Expression> items) implements Expression {
    @Override
    public String kind() {
      return "tuple";
    }

    @Override
    public List<Expression> parts() {
      return items;
    }
  }

  public record SetValue(List<Expression> items) implements Expression {
    @Override
    public String kind() {
      return "set";
    }

    @Override
    public List<Expression> parts() {
      return items;
    }
  }

  public record DictValue(List<String> keys, List<Expression> values) implements Expression {
    @Override
    public String kind() {
      return "dict";
    }

    @Override
    public List<Expression> parts() {
      return values;
    }
  }

  /** C(i), of a class of its own, which assigns the attributes in order. */
  public record InstanceValue(List<String> attributes, List<Expression> values, boolean slots)
      implements Expression {
    @Override
    public String kind() {
      return slots ? "slots" : "instance";
    }

    @Override
    public List<Expression> parts() {
      return values;
    }
  }

  /** A ring of instances of a class of its own, dropped at once. */
  public record CycleValue(int length) implements Expression {
    @Override
    public String kind() {
      return "cycle";
    }
  }

  /** array.array("l", [0]) * n. */
  public record ArrayValue(int length) implements Expression {
    @Override
    public String kind() {
      return "array";
    }
  }

  /** A list comprehension in which i stands for i * n + j. */
  public record TimesValue(int times, Expression of) implements Expression {
    @Override
    public String kind() {
      return "times";
    }

    @Override
    public List<Expression> parts() {
      return List.of(of);
    }
  }

  /** What a process does once. */
  public sealed interface Act {
    /** The act as it stands in the recipe, JSON. */
    String json();
  }

  public record Nothing(String json) implements Act {}

  /**
   * Reads items of {@code out}.
   *
   * @param part of the list that is read, 0 to 1; 1 without index
   * @param stride whether the part is spread over the list
   * @param indexed whether items are read by their index
   */
  public record Iterate(String json, double part, boolean stride, boolean indexed) implements Act {}

  public record ReadDeep(String json) implements Act {}

  /** One of gc.disable, gc.enable, gc.freeze, gc.unfreeze. */
  public record CollectorSwitch(String json, String name) implements Act {}

  public record Threshold(String json, List<Integer> values) implements Act {}

  /** gc.collect(generation). */
  public record Collect(String json, int generation) implements Act {
    /** Whether the call names no generation. */
    boolean isPlain() {
      return !json.startsWith("{");
    }
  }

  public record Allocate(String json, Statement statement) implements Act {}

  public record Drop(String json) implements Act {}

  public record Sum(String json) implements Act {}

  /**
   * Leaves.
   *
   * @param normal whether the interpreter finalises itself, or the process just ends
   */
  public record Exit(String json, boolean normal) implements Act {}

  public record Sequence(String json, List<Act> acts) implements Act {}

  /** More items than the compiler wants on the stack ({@code STACK_USE_GUIDELINE}). */
  private static final int MOST_ON_STACK = 30;

  /**
   * Whether a display of a list, tuple or set begins with an empty list or set and takes its items
   * one by one, from 3.10 on.
   */
  static boolean isBuiltItemByItem(int items, PythonVersion version) {
    return version.atLeast(3, 10) && items > MOST_ON_STACK;
  }
}
