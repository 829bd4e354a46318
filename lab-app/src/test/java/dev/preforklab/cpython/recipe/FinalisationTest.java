package dev.preforklab.cpython.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.MachineHost;
import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.layout.ObjectHead;
import dev.preforklab.cpython.obmalloc.BlocksInUse;
import dev.preforklab.cpython.obmalloc.ChunksInUse;
import dev.preforklab.cpython.obmalloc.PoolInvariants;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** A finalisation frees each block once, and all of the recipe's. */
class FinalisationTest {
  private static final String HEAP =
      """
      {"heap": [{"repeat": 400, "every": 20, "also": {"make": {"cycle": 2}, "keep": false},
                 "make": {"instance": {"a": {"dict": {"k": {"tuple": [{"int": 3000}]}}},
                                       "b": {"list": [{"float": 0.5}, {"set": [{"str": 15}]}]}}}},
                {"repeat": 50, "make": {"times": 3, "of": {"bytes": 100}}}%s],
       "acts": ["exit"]}
      """;

  static Stream<Arguments> processes() {
    return PythonVersion.SUPPORTED.stream()
        .flatMap(
            version ->
                Stream.of("", ", {\"repeat\": 2, \"make\": {\"array\": 9}}")
                    .map(array -> Arguments.of(version, array)));
  }

  /** What 2.7's finalisation asks of the allocators is not known. */
  static Stream<Arguments> processesOfPython3() {
    return processes().filter(process -> ((PythonVersion) process.get()[0]).major > 2);
  }

  @ParameterizedTest(name = "{0}{1}")
  @MethodSource("processes")
  void freesEachBlockOnce(PythonVersion version, String array) {
    for (boolean frozen : new boolean[] {false, true}) {
      Child child = fork(version, array);
      PoolInvariants.check(child.interpreter);
      if (frozen) {
        child.finalisation.exitFrozen();
      } else {
        child.finalisation.exit();
      }
      PoolInvariants.check(child.interpreter);
    }
  }

  @ParameterizedTest(name = "{0}{1}")
  @MethodSource("processes")
  void leavesNothingOfTheRecipes(PythonVersion version, String array) {
    Child child = fork(version, array);
    Set<Long> before = blocks(child.interpreter);
    child.finalisation.exit();
    Set<Long> left = blocks(child.interpreter);
    if (child.baseline.exitCalls.isEmpty()) {
      assertThat(left.size()).isLessThan(before.size());
      return;
    }
    left.removeAll(captured(child, child.baseline.pools::forEachBlockInUse));
    // The names in the recipe's code are immortal where there is such a thing.
    left.removeIf(
        block ->
            version.hasImmortalObjects
                && child.interpreter.host.load(block) == ObjectHead.IMMORTAL_REF_COUNT);
    // Names that it makes and keeps.
    assertThat(left).hasSizeLessThan(10);
  }

  @ParameterizedTest(name = "{0}{1}")
  @MethodSource("processesOfPython3")
  void leavesNothingOfTheRecipesInTheLibrarysHeap(PythonVersion version, String array) {
    Child child = fork(version, array);
    Set<Long> before = largeBlocks(child);
    child.finalisation.exit();
    Set<Long> left = largeBlocks(child);
    Set<Long> captured = captured(child, child.baseline.cHeap::forEachBlockInUse);
    before.removeAll(captured);
    left.removeAll(captured);
    // A class at least; what the interpreter keeps are the locks that a child makes anew.
    assertThat(before).hasSizeGreaterThan(left.size());
    assertThat(left).hasSizeLessThan(10);
  }

  @Test
  void aBlockFreedTwiceIsSeen() {
    Interpreter interpreter = fork(PythonVersion.V3_13, "").interpreter;
    long block = interpreter.malloc.allocate(40);
    interpreter.malloc.free(block);
    interpreter.malloc.free(block);

    assertThatThrownBy(() -> PoolInvariants.check(interpreter)).isInstanceOf(AssertionError.class);
    assertThatThrownBy(() -> blocks(interpreter)).isInstanceOf(IllegalStateException.class);
  }

  private record Child(
      Interpreter interpreter,
      Baseline baseline,
      BaselineLoader loader,
      Finalisation finalisation) {}

  /** Where the captured process's blocks are. */
  private static Set<Long> captured(Child child, Consumer<CapturedPools.BlockVisitor> blocks) {
    Set<Long> captured = new HashSet<>();
    blocks.accept(
        (block, bytes) -> {
          if (child.loader.isThere(block)) {
            captured.add(child.loader.relocate(block));
          }
        });
    return captured;
  }

  private static Child fork(PythonVersion version, String array) {
    Recipe recipe = RecipeReader.read(HEAP.formatted(array));
    RecipeRunner runner = new RecipeRunner(recipe, version, Addresses.FIXED);
    RecipeRunner.Parent parent = runner.parent(List.copyOf(recipe.acts()).get(0));
    MachineHost host = parent.host().fork(1);
    Interpreter interpreter = parent.evaluator().mutator().interpreter.forked(host);
    Evaluator evaluator = parent.evaluator().forked(interpreter);
    RecipeRunner.setRoots(interpreter, parent.loader(), evaluator);
    return new Child(
        interpreter,
        parent.baseline(),
        parent.loader(),
        new Finalisation(evaluator, parent.baseline(), parent.loader()));
  }

  private static Set<Long> blocks(Interpreter interpreter) {
    Set<Long> blocks = new HashSet<>();
    new BlocksInUse(interpreter).forEach(blocks::add);
    return blocks;
  }

  private static Set<Long> largeBlocks(Child child) {
    Set<Long> blocks = new HashSet<>();
    long start = child.loader.relocate(child.baseline.cHeap.start());
    new ChunksInUse(child.interpreter).forEach(start, blocks::add);
    return blocks;
  }
}
