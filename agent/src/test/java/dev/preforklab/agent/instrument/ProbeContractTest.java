package dev.preforklab.agent.instrument;

import static org.assertj.core.api.Assertions.assertThat;

import dev.preforklab.probe.Probes;
import java.io.IOException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import net.bytebuddy.description.type.TypeDescription;
import org.junit.jupiter.api.Test;

final class ProbeContractTest {
  private static final Set<InstrumentationModule> ALL = EnumSet.allOf(InstrumentationModule.class);

  /** Probes as another version of the lab might have them. */
  @SuppressWarnings("unused")
  private static final class OtherProbes {
    private OtherProbes() {}

    static void pageFault(int host, int slot, long kind) {}

    void hostStopped(int host) {}

    static void hostSample(int host, long timeNs, long totalBytes, long availableBytes) {}
  }

  private final List<String> reports = new ArrayList<>();

  @Test
  void everyProbeTheAgentKnowsIsThere() {
    TypeDescription probes = TypeDescription.ForLoadedType.of(Probes.class);
    assertThat(ProbeContract.matching(probes, ALL, reports::add))
        .hasSameSizeAs(ProbeContract.probes());
    assertThat(reports).isEmpty();
  }

  @Test
  void everyProbeOfTheLabIsKnownButGcStart() {
    List<String> probes =
        Arrays.stream(Probes.class.getDeclaredMethods())
            .filter(m -> Modifier.isPublic(m.getModifiers()))
            .map(Method::getName)
            .toList();
    // A pass is told whole when it is over; its start alone has no series.
    assertThat(ProbeContract.probes().stream().map(Probe::name).toList())
        .containsExactlyInAnyOrderElementsOf(
            probes.stream().filter(name -> !name.equals("gcStart")).toList());
  }

  @Test
  void aProbeThatDoesNotMatchIsLeftOutAndReportedInOneLine() {
    TypeDescription other = TypeDescription.ForLoadedType.of(OtherProbes.class);
    List<Probe> matching = ProbeContract.matching(other, ALL, reports::add);
    assertThat(matching).extracting(Probe::name).containsExactly("hostSample");
    assertThat(reports)
        .hasSize(ProbeContract.probes().size() - 1)
        .allMatch(line -> !line.contains("\n") && line.endsWith("switched off"))
        .anyMatch(
            line ->
                line.startsWith(
                    "probe pageFault(int, int, int, int, long) is declared as pageFault(int, int,"
                        + " long) in "))
        .anyMatch(line -> line.contains("hostStopped(int) is declared as non-static"))
        .anyMatch(line -> line.startsWith("probe gcDone(") && line.contains(" is missing in "));
  }

  @Test
  void modulesThatAreOffAreNotLookedFor() {
    TypeDescription other = TypeDescription.ForLoadedType.of(OtherProbes.class);
    Set<InstrumentationModule> memory = EnumSet.of(InstrumentationModule.MEMORY);
    assertThat(ProbeContract.matching(other, memory, reports::add)).hasSize(1);
    assertThat(reports).hasSize(2);
  }

  @Test
  void theCopyOfTheProbesIsTheLabsOwn() throws IOException {
    String file = "java/dev/preforklab/probe/Probes.java";
    assertThat(Files.readString(Path.of("src/test", file)))
        .as("the agent's tests use a copy of the lab's probes; copy it again")
        .isEqualTo(Files.readString(Path.of("../lab-app/src/main", file)));
  }
}
