package dev.preforklab.cpython.recipe;

import static org.assertj.core.api.Assertions.assertThat;

import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.obmalloc.BlocksInUse;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Instances leave nothing when they die, even those that have room for values but none. */
class DroppedInstancesTest {
  private static final String HEAP =
      """
      {"heap": [{"repeat": %d, "make": {"instance": {%s}}}], "acts": ["drop"]}
      """;

  static Stream<PythonVersion> versions() {
    return PythonVersion.SUPPORTED.stream();
  }

  @ParameterizedTest
  @MethodSource("versions")
  void moreInstancesLeaveNoMoreBlocks(PythonVersion version) {
    for (String attributes : new String[] {"", "\"a\": \"none\""}) {
      assertThat(left(version, 2200, attributes)).isEqualTo(left(version, 1200, attributes));
    }
  }

  /** How many blocks are in use when the heap has been dropped. */
  private static int left(PythonVersion version, int instances, String attributes) {
    Recipe recipe = RecipeReader.read(HEAP.formatted(instances, attributes));
    RecipeRunner runner = new RecipeRunner(recipe, version, Addresses.FIXED);
    Evaluator evaluator = runner.parent(recipe.acts().get(0)).evaluator();
    Interpreter interpreter = evaluator.mutator().interpreter;
    long heap = evaluator.out;
    evaluator.out = 0;
    interpreter.decref(heap);
    interpreter.freeLists.clear();
    AtomicInteger count = new AtomicInteger();
    new BlocksInUse(interpreter).forEach(block -> count.incrementAndGet());
    return count.get();
  }
}
