package dev.preforklab.prefork.profile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.preforklab.capture.SystemPython;
import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.machine.HostConfig;
import dev.preforklab.machine.Kernel;
import dev.preforklab.sim.CostModel;
import dev.preforklab.sim.Prng;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A profile that the capture writes today is one that the reader, which checks all, takes. */
class FreshProfileIT {
  private static final int OLDEST = 2;
  private static final int RINGS = 7;
  private static final int REQUESTS = 10;
  private static final int KEPT = 5_000;

  private static final String APPLICATION =
      """
      kept = [[n] for n in range(%d)]
      def application(environ, start_response):
          if environ["PATH_INFO"] == "/rings":
              for _ in range(%d):
                  ring = []
                  ring.append(ring)
          start_response("200 OK", [("Content-Type", "text/plain")])
          return [b"done"]
      """
          .formatted(KEPT, RINGS);

  @Test
  void whatIsCapturedIsReadLoadedAndServed(@TempDir Path directory)
      throws IOException, InterruptedException {
    Profile profile = capture(directory);

    PythonVersion version = PythonVersion.parse(release(profile));
    assertThat(version.isVerified()).isTrue();
    assertThat(profile.endpoints())
        .containsExactly(
            new Profile.Endpoint("GET", "/rings", 1), new Profile.Endpoint("GET", "/none", 1));
    assertThat(profile.trackedObjects()).isGreaterThan(KEPT);
    int listed = Arrays.stream(profile.heap.generations).mapToInt(list -> list.length).sum();
    assertThat(listed).isEqualTo(profile.trackedObjects());

    HostConfig config = HostConfig.DEFAULT.withVirtualPages(HeapLoader.virtualPages(profile));
    LoadedHeap heap = HeapLoader.load(profile, new Kernel(config, CostModel.defaults(), 0), 0);
    assertThat(collectedAfter(heap, 0))
        .as("each request leaves its rings")
        .isEqualTo(RINGS * REQUESTS);
    assertThat(collectedAfter(heap, 1)).as("the others leave nothing").isZero();
  }

  /** Garbage that a worker's requests of one endpoint leave, the collector off. */
  private static long collectedAfter(LoadedHeap heap, int endpoint) {
    RequestReplayer replayer = new RequestReplayer(heap);
    Interpreter interpreter = heap.interpreter().forked(heap.host().fork(0));
    RequestReplayer.Worker worker = replayer.newWorker(interpreter, new Prng(1), true);
    interpreter.gcState.setEnabled(false);
    worker.boot();
    worker.serve(endpoint, 0);
    interpreter.collector.collect(OLDEST);
    for (int request = 1; request <= REQUESTS; request++) {
      worker.serve(endpoint, request);
    }
    return interpreter.collector.collect(OLDEST);
  }

  private static String release(Profile profile) {
    String[] numbers = profile.release().split("\\.", -1);
    return numbers[0] + "." + numbers[1];
  }

  private static Profile capture(Path directory) throws IOException, InterruptedException {
    Optional<Path> python = SystemPython.find();
    assumeTrue(python.isPresent(), "no python3 on PATH: no application was captured");
    Files.writeString(directory.resolve("rings.py"), APPLICATION);
    Path output = directory.resolve("rings.profile.gz");
    ProcessBuilder builder =
        new ProcessBuilder(
            List.of(
                python.orElseThrow().toString(),
                Path.of("..", "capture", "preforklab_capture.py").toAbsolutePath().toString(),
                "--app",
                "rings:application",
                "--python-path",
                directory.toString(),
                "--get",
                "/rings",
                "--get",
                "/none",
                "--page-requests",
                "20",
                "-o",
                output.toString()));
    SystemPython.run(builder, 60, directory.resolve("capture.log"));
    return ProfileReader.read(output);
  }
}
