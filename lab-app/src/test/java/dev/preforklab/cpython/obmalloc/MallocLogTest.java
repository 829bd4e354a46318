package dev.preforklab.cpython.obmalloc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.PlainHost;
import dev.preforklab.cpython.PythonVersion;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ThreadLocalRandom;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Replays logs of {@code malloc_log.c}, real processes on glibc 2.36: every block of a drawn
 * sequence of malloc, realloc and free must lie where the real one did, from the heap's start.
 */
class MallocLogTest {
  private static final String LIBC = "2.36";

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void everyBlockLandsWhereTheRealOneDid(int seed) throws IOException {
    String name = "/cpython/malloc/malloc_seed" + seed + "_" + LIBC + ".txt.gz";
    try (InputStream in = Objects.requireNonNull(getClass().getResourceAsStream(name));
        BufferedReader log = reader(new GZIPInputStream(in))) {
      assertThat(replay(log, "seed " + seed)).isGreaterThan(5_000);
    }
  }

  @Test
  void andInAFreshSequenceOfThisMachine(@TempDir Path folder) throws Exception {
    Path source = folder.resolve("malloc_log.c");
    try (InputStream in =
        Objects.requireNonNull(getClass().getResourceAsStream("/cpython/malloc/malloc_log.c"))) {
      Files.copy(in, source);
    }
    Path program = folder.resolve("malloc_log");
    assumeThat(compile(source, program)).as("a C compiler on this machine").isTrue();
    int seed = ThreadLocalRandom.current().nextInt(1_000_000);
    Process process =
        new ProcessBuilder(program.toString(), Integer.toString(seed), "40000").start();
    process.getOutputStream().close();
    try (BufferedReader log = reader(process.getInputStream())) {
      assertThat(replay(log, "fresh seed " + seed)).isGreaterThan(10_000);
    } finally {
      process.destroyForcibly();
    }
  }

  private static boolean compile(Path source, Path program) throws InterruptedException {
    try {
      return new ProcessBuilder("gcc", "-w", "-o", program.toString(), source.toString())
              .start()
              .waitFor()
          == 0;
    } catch (IOException e) {
      return false;
    }
  }

  /** Returns how many addresses were compared. */
  private static int replay(BufferedReader log, String name) throws IOException {
    String version = Objects.requireNonNull(log.readLine());
    assumeThat(version).as("the C library of this machine").isEqualTo("V " + LIBC);
    PlainHost host = new PlainHost();
    long start = host.sbrk(0);
    RawMalloc heap = Interpreter.boot(host, PythonVersion.parse("3.12")).raw;
    Map<Integer, Long> blocks = new HashMap<>();
    int compared = 0;
    int number = 1;
    for (String line = log.readLine(); line != null; line = log.readLine()) {
      number++;
      List<String> f = List.of(line.split(" ", -1));
      int slot = Integer.parseInt(f.get(1));
      long old = blocks.getOrDefault(slot, 0L);
      if (f.get(0).equals("F")) {
        heap.free(old);
        blocks.remove(slot);
        continue;
      }
      long bytes = Long.parseLong(f.get(2));
      long block = f.get(0).equals("R") ? heap.reallocate(old, bytes) : heap.allocate(bytes);
      blocks.put(slot, block);
      boolean inHeap = block >= start && block < host.sbrk(0);
      String got = inHeap ? Long.toString(block - start) : "M";
      assertThat(got).as("line %d of %s: %s", number, name, line).isEqualTo(f.get(3));
      assertThat(heap.usableBytes(block)).isGreaterThanOrEqualTo(bytes);
      compared++;
    }
    return compared;
  }

  private static BufferedReader reader(InputStream in) {
    return new BufferedReader(new InputStreamReader(in, StandardCharsets.US_ASCII));
  }
}
