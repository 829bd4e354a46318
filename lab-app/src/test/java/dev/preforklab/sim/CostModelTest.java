package dev.preforklab.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class CostModelTest {
  private static String resource() throws IOException {
    try (InputStream in = CostModel.class.getResourceAsStream("costs.properties")) {
      assertThat(in).isNotNull();
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private static CostModel read(String text) throws IOException {
    return CostModel.read(new StringReader(text), "my.properties");
  }

  @Test
  void readsTheMeasuredCosts() throws IOException {
    CostModel costs = CostModel.defaults();
    assertThat(costs.faultCowCopyNs()).isEqualTo(2_400);
    assertThat(costs.faultCowReuseNs()).isEqualTo(900);
    assertThat(read(resource())).isEqualTo(costs);
    // forks of 93 MB and 250 MB as measured
    assertThat(costs.forkBaseNs() + 93_000_000 / 4096 * costs.forkPageNs())
        .isBetween(2_000_000L, 2_900_000L);
    assertThat(costs.forkBaseNs() + 250_000_000 / 4096 * costs.forkPageNs())
        .isBetween(4_500_000L, 7_900_000L);
  }

  @Test
  void namesTheKeyThatIsWrong() throws IOException {
    String text = resource();
    assertThatThrownBy(() -> read(text + "\nfaultCowCpyNs=1"))
        .hasMessage("my.properties: unknown cost 'faultCowCpyNs'");
    assertThatThrownBy(() -> read(text.replace("brkNs=", "# brkNs=")))
        .hasMessage("my.properties: cost 'brkNs' is missing");
    for (String wrong : new String[] {"-1", "ten", "1.5", "99999999999999"}) {
      assertThatThrownBy(() -> read(text + "\nbrkNs=" + wrong))
          .hasMessage(
              "my.properties: cost 'brkNs' must be nanoseconds from 0 to 60000000000, not '"
                  + wrong
                  + "'");
    }
  }
}
