package dev.preforklab.cpython.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RecipeReaderTest {
  @Test
  void readsEveryKindOfExpressionAndAct() {
    Recipe recipe =
        RecipeReader.read(
            """
            {"heap": [{"repeat": 3, "make": {"tuple": [{"int": 5}, {"set": [{"str": 8}]},
                {"dict": {"a": {"float": 1}, "b": {"bytes": 4}}},
                {"times": 3, "of": {"instance": {"x": {"cycle": 3}}, "slots": true}}]},
              "every": 2, "also": {"make": {"list": ["none", {"array": 2}]}, "keep": false}}],
             "parent": {"before_heap": [{"threshold": [9, 5]}], "before_fork": ["gc.freeze"]},
             "acts": ["nothing", {"iterate": {"part": 0.5, "stride": true}}, {"gc.collect": 1},
               ["gc.unfreeze", "exit"], {"allocate": {"make": "none"}}]}
            """);

    assertThat(recipe.heap()).hasSize(1);
    assertThat(recipe.heap().get(0).every()).isEqualTo(2);
    assertThat(recipe.heap().get(0).also().get(0).keep()).isFalse();
    assertThat(recipe.beforeHeap()).hasSize(1);
    assertThat(recipe.acts()).hasSize(5);
    assertThat(recipe.single()).isFalse();
    assertThat(recipe.acts().get(3)).isInstanceOf(Recipe.Sequence.class);
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '^',
      delimiter = '|',
      value = {
        "{}|act: missing",
        "{'act':'fly'}|act: unknown action",
        "{'act':'exit','heat':[]}|recipe.heat: unknown key",
        "{'act':'exit','heap':[{'make':{'int':'x'}}]}|heap[0].make.int: a whole number",
        "{'act':'exit','heap':[{'make':{'cycle':0}}]}|heap[0].make.cycle: a whole number from 1",
        "{'act':'exit','heap':[{'repeat':1}]}|heap[0].make: missing",
        "{'act':'exit','heap':[{'make':'none','every':2}]}|`every` and `also` stand together",
        "{'act':'exit','heap':[{'make':{'instance':{'a b':'none'}}}]}|not a Python name",
        "{'act':['exit','nothing']}|act[1]: nothing follows an exit",
        "{'acts':[[]]}|acts[0]: a list of acts needs one",
        "{'act':{'iterate':{'part':2}}}|act.iterate.part: above 0, at most 1",
        "{'act':'exit','parent':{'before_fork':['gc.fly']}}|parent.before_fork[0]: unknown action",
        "{'act':'exit'} 5|not JSON",
        "{'act':'exit','heap':[{'make':{'instance':{'class':'none'}}}]}|a word of Python itself",
        "{'act':'exit','heap':[{'make':{'instance':{'__dict__':'none'}}}]}|a word of Python itself",
        "{'act':'exit','heap':[{'make':{'float':1e400}}]}|heap[0].make.float: a finite number"
      })
  void namesTheKeyOfAnError(String text, String message) {
    assertThatThrownBy(() -> RecipeReader.read(text.replace('\'', '"')))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining(message);
  }

  @Test
  void tellsOfBrokenJsonInItsOwnWords() {
    assertThatThrownBy(() -> RecipeReader.read("{\"heap\": ["))
        .hasMessage("not JSON: Unexpected end-of-input: expected close marker for Array");
  }

  @ParameterizedTest
  @ValueSource(ints = {91, 450, 2_000, 100_000})
  void refusesWhatPythonsCompilerWould(int depth) {
    String text =
        "{\"act\":\"exit\",\"heap\":[{\"make\":"
            + "{\"list\":[".repeat(depth)
            + "\"none\""
            + "]}".repeat(depth)
            + "}]}";

    assertThatThrownBy(() -> RecipeReader.read(text))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining("too deep");
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '^',
      delimiter = '|',
      value = {
        "{'repeat':100000000,'make':{'times':100000000,'of':{'int':1}}}|heap[0]: makes 1.00e+16 values",
        "{'repeat':100000000,'make':{'times':10,'of':{'int':1}},'keep':false}|heap[0]: makes 1.10e+09 values",
        "{'repeat':100000000,'make':{'array':1000}}|heap[0]: needs at least 7",
        "{'repeat':100000,'make':'none','every':1,'also':{'repeat':100000,'make':{'int':1}}}|heap[0]: makes 1.00e+10 values"
      })
  void refusesWhatHasNoEnd(String statement, String message) {
    Recipe recipe =
        RecipeReader.read(("{'act':'exit','heap':[" + statement + "]}").replace('\'', '"'));

    assertThatThrownBy(() -> RecipeLimits.check(recipe, 6.0 * (1L << 30)))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining(message);
  }
}
