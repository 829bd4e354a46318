package dev.preforklab.experiment;

import static org.assertj.core.api.Assertions.assertThat;

import dev.preforklab.prefork.profile.ProfilePair;
import dev.preforklab.prefork.profile.TestProfiles;
import dev.preforklab.scenario.ScenarioLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a lab says of settings that would have acted while the application was loaded. */
class LabNotesTest {
  @TempDir Path directory = Path.of(".");

  private List<String> notes(String gc) {
    ScenarioLoader loader = new ScenarioLoader().set("gc", gc, "--gc");
    Path file = TestProfiles.small(directory).file();
    return new Lab(loader.load(), ProfilePair.read(file), loader::error).notes();
  }

  @Test
  void namesTheSettingsAndTheCaptureThatIsMissing() {
    List<String> notes = notes("default,freeze,threshold=200,5,5,disabled,threshold0");
    assertThat(notes).hasSize(2);
    assertThat(notes.get(0)).startsWith("disabled, threshold0: ").contains("--gc disabled");
    assertThat(notes.get(1)).startsWith("threshold=200,5,5: ").contains("700,10,10", "--threshold");
  }

  @Test
  void saysNothingWhereNothingDiffers() {
    assertThat(notes("default,freeze,collect-freeze,threshold=700,10,10")).isEmpty();
  }

  @Test
  void saysNothingWithAPair() throws Exception {
    Path pair = directory.resolve("small.gc-off.profile.gz");
    Files.copy(TestProfiles.small(directory).file(), pair);
    assertThat(notes("disabled")).isEmpty();
  }
}
