package dev.preforklab.agent;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The whole scrape after a scripted history; {@code -Dgolden.update=true} accepts a new one. */
final class MetricsGoldenIT {
  private static final Path GOLDEN = Path.of("src/test/resources/scrape.golden.txt");

  @Test
  void theWholeScrapeIsAsExpected() throws Exception {
    String scrape;
    try (LabProcess lab = LabProcess.start("port=0", Map.of(), "once").awaitReady()) {
      scrape = lab.scrape();
      assertThat(lab.scrape()).as("a second scrape").isEqualTo(scrape);
      lab.stop();
    }
    // The one series that depends on when the lab was started.
    scrape =
        scrape.replaceAll(
            "(?m)^(process_start_time_seconds\\{.*}) 1\\.\\d+E9$", "$1 START_OF_THE_PROCESS");
    if (Boolean.getBoolean("golden.update")) {
      Files.writeString(GOLDEN, scrape);
    }
    assertThat(scrape).isEqualTo(Files.readString(GOLDEN));
  }
}
