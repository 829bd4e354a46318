package dev.preforklab.cpython.recipe;

import static org.assertj.core.api.Assertions.assertThat;

import dev.preforklab.cpython.PythonVersion;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ReaderCodeTest {
  private static final ReaderCode.Branch TWO = new ReaderCode.Branch("C1", List.of("a", "b"));
  private static final ReaderCode.Branch NONE = new ReaderCode.Branch("C2", List.of());

  /**
   * Bytes of bytecode, names and (3.8 to 3.10) instructions with a cache, as compile() of each
   * release makes them of the source that capture/rig.py writes: without classes, with one of two
   * attributes, one of none, both, and twelve classes of three.
   */
  @ParameterizedTest
  @CsvSource({
    "3.6, 102, 132, 112, 142, 614, 56",
    "3.7, 102, 132, 112, 142, 614, 56",
    "3.8, 94, 124, 104, 134, 606, 56",
    "3.9, 94, 124, 104, 134, 606, 56",
    "3.10, 100, 132, 114, 146, 610, 92",
    "3.11, 238, 340, 260, 362, 1942, 92",
    "3.12, 194, 296, 212, 314, 1922, 92",
    "3.13, 208, 312, 228, 332, 1960, 92"
  })
  void compilesAsTheReleaseDoes(
      String release, int plain, int two, int none, int both, int many, int lookUps) {
    PythonVersion version = PythonVersion.parse(release);
    List<ReaderCode.Branch> branches = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      branches.add(new ReaderCode.Branch("D" + i, List.of("a", "b", "c" + i)));
    }
    CodeUnit large = ReaderCode.of(version, branches);

    assertThat(ReaderCode.of(version, List.of()).codeBytes).isEqualTo(plain);
    assertThat(ReaderCode.of(version, List.of(TWO)).codeBytes).isEqualTo(two);
    assertThat(ReaderCode.of(version, List.of(NONE)).codeBytes).isEqualTo(none);
    assertThat(ReaderCode.of(version, List.of(TWO, NONE)).codeBytes).isEqualTo(both);
    assertThat(large.codeBytes).isEqualTo(many);
    assertThat(large.lookUps).isEqualTo(lookUps);
    assertThat(large.names).hasSize(32);
    assertThat(large.stack).isEqualTo(version.atLeast(3, 11) ? 5 : 4);
  }
}
