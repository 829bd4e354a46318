package dev.preforklab.cpython.recipe;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.preforklab.cpython.ParserMessage;
import dev.preforklab.cpython.recipe.Recipe.Act;
import dev.preforklab.cpython.recipe.Recipe.Expression;
import dev.preforklab.cpython.recipe.Recipe.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Reads recipes from JSON, strictly: an unknown or misspelt key is an error that names it. */
public final class RecipeReader {
  /** A heap of more than so many statements' turns is a slip of the pen. */
  private static final long MOST_REPEATS = 100_000_000;

  /** Loops in one another; each comes with a condition, and Python takes 20 of both. */
  static final int DEEPEST_LOOP = 10;

  private static final Set<String> SWITCHES =
      Set.of("gc.disable", "gc.enable", "gc.freeze", "gc.unfreeze");

  /** Keywords of any release from 2.7 on: the same recipe is to run in all of them. */
  private static final Set<String> KEYWORDS =
      Set.of(
          ("False None True and as assert async await break class continue def del elif else except"
                  + " exec finally for from global if import in is lambda nonlocal not or pass print"
                  + " raise return try while with yield")
              .split(" "));

  private static final ObjectMapper JSON =
      new ObjectMapper()
          .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  private RecipeReader() {}

  /**
   * Reads a recipe.
   *
   * @throws RecipeException if the text is no recipe; the message names the key
   */
  public static Recipe read(String text) {
    JsonNode root;
    try {
      root = JSON.readTree(text);
    } catch (StreamConstraintsException e) {
      throw new RecipeException("too deep or too long: JSON of at most 1000 levels is read", e);
    } catch (JsonProcessingException e) {
      throw new RecipeException("not JSON: " + ParserMessage.plain(e.getOriginalMessage()), e);
    }
    object(root, "recipe", Set.of("heap", "parent", "act", "acts", "name", "comment"));
    List<Statement> heap = new ArrayList<>();
    JsonNode statements = root.path("heap");
    if (!statements.isMissingNode()) {
      array(statements, "heap");
      for (int i = 0; i < statements.size(); i++) {
        heap.add(statement(statements.get(i), "heap[" + i + "]", 1));
      }
    }
    JsonNode parent = root.path("parent");
    if (!parent.isMissingNode()) {
      object(parent, "parent", Set.of("before_heap", "before_fork"));
    }
    return new Recipe(
        List.copyOf(heap),
        actions(parent.path("before_heap"), "parent.before_heap"),
        actions(parent.path("before_fork"), "parent.before_fork"),
        acts(root),
        !root.has("acts"));
  }

  private static List<Act> acts(JsonNode root) {
    if (!root.has("acts")) {
      if (!root.has("act")) {
        throw new RecipeException("act: missing (or `acts`, a list of them)");
      }
      return List.of(act(root.get("act"), "act"));
    }
    JsonNode acts = array(root.get("acts"), "acts");
    List<Act> list = new ArrayList<>();
    for (int i = 0; i < acts.size(); i++) {
      list.add(act(acts.get(i), "acts[" + i + "]"));
    }
    if (list.isEmpty()) {
      throw new RecipeException("acts: at least one");
    }
    return List.copyOf(list);
  }

  private static List<Act> actions(JsonNode node, String where) {
    List<Act> list = new ArrayList<>();
    if (!node.isMissingNode()) {
      array(node, where);
      for (int i = 0; i < node.size(); i++) {
        list.add(action(node.get(i), where + "[" + i + "]"));
      }
    }
    return List.copyOf(list);
  }

  private static Act action(JsonNode node, String where) {
    String json = node.toString();
    if (node.isTextual()) {
      String name = node.asText();
      if (name.equals("gc.collect")) {
        return new Recipe.Collect(json, 2);
      }
      if (SWITCHES.contains(name)) {
        return new Recipe.CollectorSwitch(json, name);
      }
    }
    if (node.isObject() && node.size() == 1 && node.has("threshold")) {
      JsonNode values = array(node.get("threshold"), where + ".threshold");
      if (values.isEmpty() || values.size() > 3) {
        throw new RecipeException(where + ".threshold: a list of one to three whole numbers");
      }
      List<Integer> list = new ArrayList<>();
      for (JsonNode value : values) {
        list.add((int) integer(value, where + ".threshold", 0, Integer.MAX_VALUE));
      }
      return new Recipe.Threshold(json, List.copyOf(list));
    }
    throw new RecipeException(where + ": unknown action " + json);
  }

  private static Act act(JsonNode node, String where) {
    String json = node.toString();
    if (node.isArray()) {
      List<Act> list = new ArrayList<>();
      for (int i = 0; i < node.size(); i++) {
        if (!list.isEmpty() && leaves(list.get(list.size() - 1))) {
          throw new RecipeException(where + "[" + i + "]: nothing follows an exit");
        }
        Act part = act(node.get(i), where + "[" + i + "]");
        // a list in a list is one act after another, too
        list.addAll(part instanceof Recipe.Sequence inner ? inner.acts() : List.of(part));
      }
      if (list.isEmpty()) {
        throw new RecipeException(where + ": a list of acts needs one");
      }
      return new Recipe.Sequence(json, List.copyOf(list));
    }
    if (node.isObject() && node.size() == 1) {
      if (node.has("iterate")) {
        return iterate(node.get("iterate"), where + ".iterate", json);
      }
      if (node.has("gc.collect")) {
        return new Recipe.Collect(
            json, (int) integer(node.get("gc.collect"), where + ".gc.collect", 0, 2));
      }
      if (node.has("allocate")) {
        return new Recipe.Allocate(json, statement(node.get("allocate"), where + ".allocate", 1));
      }
    }
    return switch (node.asText()) {
      case "nothing" -> new Recipe.Nothing(json);
      case "iterate" -> new Recipe.Iterate(json, 1, false, false);
      case "read_deep" -> new Recipe.ReadDeep(json);
      case "drop" -> new Recipe.Drop(json);
      case "sum" -> new Recipe.Sum(json);
      case "exit" -> new Recipe.Exit(json, true);
      case "_exit" -> new Recipe.Exit(json, false);
      default -> action(node, where);
    };
  }

  /** Whether an act ends the child. */
  static boolean leaves(Act act) {
    if (act instanceof Recipe.Sequence sequence) {
      List<Act> acts = sequence.acts();
      return !acts.isEmpty() && leaves(acts.get(acts.size() - 1));
    }
    return act instanceof Recipe.Exit;
  }

  private static Act iterate(JsonNode node, String where, String json) {
    object(node, where, Set.of("part", "stride"));
    double part = 1;
    if (node.has("part")) {
      JsonNode value = node.get("part");
      part = value.isNumber() ? value.asDouble() : -1;
      if (!(part > 0 && part <= 1)) {
        throw new RecipeException(where + ".part: above 0, at most 1");
      }
    }
    return new Recipe.Iterate(json, part, bool(node, "stride", where, false), true);
  }

  private static Statement statement(JsonNode node, String where, int depth) {
    if (depth > DEEPEST_LOOP) {
      throw new RecipeException(where + ": Python nests at most 20 loops and conditions");
    }
    object(node, where, Set.of("repeat", "make", "keep", "every", "also"));
    int repeat =
        node.has("repeat")
            ? (int) integer(node.get("repeat"), where + ".repeat", 0, MOST_REPEATS)
            : 1;
    if (!node.has("make")) {
      throw new RecipeException(where + ".make: missing");
    }
    if (node.has("every") != node.has("also")) {
      throw new RecipeException(where + ": `every` and `also` stand together");
    }
    List<Statement> also = List.of();
    int every = 0;
    if (node.has("also")) {
      every = (int) integer(node.get("every"), where + ".every", 1, MOST_REPEATS);
      also = List.of(statement(node.get("also"), where + ".also", depth + 1));
    }
    return new Statement(
        repeat,
        checked(expression(node.get("make"), where + ".make"), where + ".make"),
        bool(node, "keep", where, true),
        every,
        also);
  }

  /** An expression that each release's compiler takes: not too many brackets in one another. */
  private static Expression checked(Expression expression, String where) {
    if (RecipeLimits.brackets(expression) > RecipeLimits.DEEPEST_BRACKETS) {
      throw new RecipeException(
          where + ": nested too deep; Python takes " + RecipeLimits.DEEPEST_BRACKETS + " brackets");
    }
    return expression;
  }

  private static Expression expression(JsonNode node, String where) {
    if (node.isTextual() && node.asText().equals("none")) {
      return new Recipe.NoneValue();
    }
    if (!node.isObject()) {
      throw new RecipeException(where + ": an expression is an object or \"none\"");
    }
    if (node.has("instance")) {
      return instance(node, where);
    }
    if (node.has("times")) {
      object(node, where, Set.of("times", "of"));
      if (!node.has("of")) {
        throw new RecipeException(where + ".of: missing");
      }
      return new Recipe.TimesValue(
          (int) integer(node.get("times"), where + ".times", 0, MOST_REPEATS),
          expression(node.get("of"), where + ".of"));
    }
    if (node.size() != 1) {
      throw new RecipeException(where + ": one key that names the kind");
    }
    String kind = node.fieldNames().next();
    JsonNode value = node.get(kind);
    String at = where + "." + kind;
    return switch (kind) {
      case "int" -> {
        if (!value.isIntegralNumber()) {
          throw new RecipeException(at + ": a whole number");
        }
        yield new Recipe.IntValue(value.bigIntegerValue());
      }
      case "float" -> {
        if (!value.isNumber() || !Double.isFinite(value.asDouble())) {
          throw new RecipeException(at + ": a finite number");
        }
        yield new Recipe.FloatValue(value.asDouble());
      }
      case "str" -> new Recipe.StrValue((int) integer(value, at, 0, MOST_REPEATS));
      case "bytes" -> new Recipe.BytesValue((int) integer(value, at, 0, MOST_REPEATS));
      case "list" -> new Recipe.ListValue(expressions(value, at));
      case "tuple" -> new Recipe.TupleValue(expressions(value, at));
      case "set" -> new Recipe.SetValue(expressions(value, at));
      case "dict" -> {
        object(value, at, null);
        yield new Recipe.DictValue(keys(value), values(value, at));
      }
      case "cycle" -> new Recipe.CycleValue((int) integer(value, at, 1, MOST_REPEATS));
      case "array" -> new Recipe.ArrayValue((int) integer(value, at, 0, MOST_REPEATS));
      default -> throw new RecipeException(at + ": unknown kind of expression");
    };
  }

  private static Expression instance(JsonNode node, String where) {
    object(node, where, Set.of("instance", "slots"));
    JsonNode attributes = node.get("instance");
    object(attributes, where + ".instance", null);
    List<String> names = keys(attributes);
    for (String name : names) {
      if (!name.matches("[A-Za-z_][A-Za-z_0-9]*")) {
        throw new RecipeException(where + ".instance." + name + ": not a Python name");
      }
      if (KEYWORDS.contains(name) || (name.startsWith("__") && name.endsWith("__"))) {
        throw new RecipeException(
            where + ".instance." + name + ": a word of Python itself, no attribute's name");
      }
    }
    List<Expression> values = values(attributes, where + ".instance");
    for (int i = 0; i < values.size(); i++) {
      checked(values.get(i), where + ".instance." + names.get(i));
    }
    return new Recipe.InstanceValue(names, values, bool(node, "slots", where, false));
  }

  private static List<Expression> expressions(JsonNode node, String where) {
    array(node, where);
    List<Expression> list = new ArrayList<>();
    for (int i = 0; i < node.size(); i++) {
      list.add(expression(node.get(i), where + "[" + i + "]"));
    }
    return List.copyOf(list);
  }

  private static List<String> keys(JsonNode node) {
    List<String> list = new ArrayList<>();
    node.fieldNames().forEachRemaining(list::add);
    return List.copyOf(list);
  }

  private static List<Expression> values(JsonNode node, String where) {
    List<Expression> list = new ArrayList<>();
    for (Map.Entry<String, JsonNode> field : node.properties()) {
      list.add(expression(field.getValue(), where + "." + field.getKey()));
    }
    return List.copyOf(list);
  }

  private static boolean bool(JsonNode node, String key, String where, boolean otherwise) {
    if (!node.has(key)) {
      return otherwise;
    }
    if (!node.get(key).isBoolean()) {
      throw new RecipeException(where + "." + key + ": true or false");
    }
    return node.get(key).asBoolean();
  }

  private static long integer(JsonNode node, String where, long least, long most) {
    if (!node.isIntegralNumber() || !node.canConvertToLong()) {
      throw new RecipeException(where + ": a whole number");
    }
    long value = node.asLong();
    if (value < least || value > most) {
      throw new RecipeException(
          where + ": a whole number from " + least + " to " + most + ", not " + value);
    }
    return value;
  }

  private static JsonNode array(JsonNode node, String where) {
    if (!node.isArray()) {
      throw new RecipeException(where + ": a list");
    }
    return node;
  }

  private static void object(
      JsonNode node, String where, @org.jspecify.annotations.Nullable Set<String> known) {
    if (!node.isObject()) {
      throw new RecipeException(where + ": an object");
    }
    if (known != null) {
      node.fieldNames()
          .forEachRemaining(
              key -> {
                if (!known.contains(key)) {
                  throw new RecipeException(where + "." + key + ": unknown key");
                }
              });
    }
  }
}
