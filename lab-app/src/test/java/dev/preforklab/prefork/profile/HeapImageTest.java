package dev.preforklab.prefork.profile;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HeapImageTest {
  /** Two tuples with each other in them, and one with a string: a collection will untrack that. */
  @ParameterizedTest(name = "youngest {0}, middle {1}")
  @CsvSource({"1, 1, 1 2, 0, ''", "2, 0, 0 1 2, '', ''", "0, 1, '', 1, 0", "0, 9, '', 0 1, ''"})
  void onlyTheYoungestGenerationHasTuplesToBeUntracked(
      int youngest, int middle, String first, String second, String third, @TempDir Path files) {
    SmallProfile small = new SmallProfile().edit("{\"prefork", "\"list\"", "\"tuple\"");
    HeapImage heap = ProfileReader.read(small.write(files.resolve("small.profile.gz"))).heap;
    HeapImage moved = heap.collectedAtOtherTimes(youngest, middle, new boolean[] {true, false});
    String[] expected = {first, second, third};
    for (int generation = 0; generation < 3; generation++) {
      int[] objects =
          Arrays.stream(expected[generation].split(" "))
              .filter(o -> !o.isEmpty())
              .mapToInt(Integer::parseInt)
              .toArray();
      assertThat(moved.generations[generation]).containsExactly(objects);
    }
    assertThat(moved.flag[2])
        .isEqualTo(first.endsWith("2") ? HeapImage.TRACKED : HeapImage.UNTRACKED);
  }
}
