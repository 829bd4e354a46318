package dev.preforklab.cpython.recipe;

import static org.assertj.core.api.Assertions.assertThat;

import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.PlainHost;
import dev.preforklab.cpython.PythonVersion;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Arrays inside other objects; {@code gc.is_tracked} of an array as real releases answer it. */
class LongArraysTest {
  @ParameterizedTest
  @CsvSource({"2.7, false", "3.6, false", "3.9, false", "3.10, true", "3.12, true", "3.13, true"})
  void aNestedArrayGivesItsBufferBackWithItsOwner(String release, boolean tracked) {
    Interpreter interpreter = Interpreter.boot(new PlainHost(), PythonVersion.parse(release));
    Mutator mutator = new Mutator(interpreter, new Hashes(interpreter.version, 0), Map.of());
    for (int length : new int[] {42, 600}) {
      long array = mutator.newArray(length);
      long buffer = buffer(interpreter, array);
      int code = interpreter.types.code(interpreter.host.load(array + 8));
      assertThat(interpreter.isGc(array, code) && interpreter.isTracked(array)).isEqualTo(tracked);

      interpreter.decref(mutator.newList(new long[] {mutator.newTuple(new long[] {array})}));

      // Allocators hand out first what was given back last.
      long again = mutator.newArray(length);
      assertThat(buffer(interpreter, again)).as("%s items", length).isEqualTo(buffer);
      interpreter.decref(again);
    }
  }

  private static long buffer(Interpreter interpreter, long array) {
    return interpreter.host.load(array + 24);
  }
}
