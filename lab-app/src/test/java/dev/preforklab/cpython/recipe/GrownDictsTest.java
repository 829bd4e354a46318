package dev.preforklab.cpython.recipe;

import static org.assertj.core.api.Assertions.assertThat;

import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.PlainHost;
import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.RuntimeState;
import dev.preforklab.cpython.layout.DictLayout;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GrownDictsTest {
  /** Tables of the smallest size that wait, as 3.13.0's sys._debugmallocstats() prints them. */
  @ParameterizedTest
  @CsvSource({"15, 0", "16, 1"})
  void aLongDisplayLeavesItsFirstTable(int items, int tables) {
    PythonVersion version = PythonVersion.V3_13;
    Interpreter interpreter = Interpreter.boot(new PlainHost(), version);
    Mutator mutator = new Mutator(interpreter, new Hashes(version, 0), Map.of());
    List<String> names = IntStream.range(0, items).mapToObj(i -> "k" + i).toList();
    List<LongSupplier> values = Collections.nCopies(items, () -> mutator.newInt(1000));

    long[] keys = names.stream().mapToLong(name -> mutator.newName(name.length(), true)).toArray();

    long dict = mutator.dictObjects.newDict(names, keys, values);

    assertThat(interpreter.host.load(dict + DictLayout.USED)).isEqualTo(items);
    assertThat(interpreter.freeLists.count(RuntimeState.KEYS_FREE_COUNT)).isEqualTo(tables);
  }
}
