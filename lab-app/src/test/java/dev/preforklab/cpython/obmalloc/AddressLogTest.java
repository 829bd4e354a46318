package dev.preforklab.cpython.obmalloc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.PlainHost;
import dev.preforklab.cpython.PythonVersion;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Replays logs of tens of thousands of allocations in real CPythons: every block must land in the
 * same arena, pool and offset, every arena be mapped and returned at the same moment.
 *
 * <p>The logs were taken with arenas aligned to the pool size, on an allocator whose older arenas
 * were full, and whose pools 0 to 31 of the first arena held one block each: of 512, then of 16, 32
 * ... 496 bytes.
 */
class AddressLogTest {
  @ParameterizedTest
  @CsvSource({
    "3.6, 3.6.15, 1", "3.8, 3.6.15, 1", "3.9, 3.9.18, 1", "3.10, 3.10.13, 1", "3.11, 3.10.13, 1",
    "3.12, 3.10.13, 1", "3.13, 3.10.13, 1", "3.6, 3.6.15, 2", "3.9, 3.9.18, 2", "3.10, 3.10.13, 2"
  })
  void everyBlockLandsWhereTheRealOneDid(String release, String logOf, int seed)
      throws IOException {
    PythonVersion version = PythonVersion.parse(release);
    Interpreter interpreter = Interpreter.boot(new PlainHost(), version, version.poolBytes);
    PyMalloc malloc = interpreter.malloc;
    List<Long> arenas = new ArrayList<>();
    Deque<String> arenaEvents = new ArrayDeque<>();
    malloc.setListener(
        new PyMalloc.ArenaListener() {
          @Override
          public void arenaAllocated(long address, long bytes) {
            arenas.add(address);
            arenaEvents.add("N " + (arenas.size() - 1));
          }

          @Override
          public void arenaFreed(long address, long bytes) {
            arenaEvents.add("X " + arenas.lastIndexOf(address));
          }
        });
    malloc.allocate(512);
    for (int size = 16; size < 512; size += 16) {
      malloc.allocate(size);
    }
    arenaEvents.clear();

    List<Long> blocks = new ArrayList<>();
    int lineNumber = 0;
    try (BufferedReader log = open("pymalloc_seed" + seed + "_" + logOf + ".txt.gz")) {
      for (String line = log.readLine(); line != null; line = log.readLine()) {
        lineNumber++;
        String[] f = line.split(" ", -1);
        String got = line;
        switch (f[0]) {
          case "A" -> {
            long block = arenaEvents.isEmpty() ? malloc.allocate(Integer.parseInt(f[2])) : -1;
            if (!arenaEvents.isEmpty()) {
              // The log has the new arena's line first.
              got = "an arena mapped or returned at line " + lineNumber;
            } else {
              blocks.add(block);
              got = "A " + f[1] + " " + f[2] + " " + place(block, arenas, version);
            }
          }
          case "F" -> malloc.free(blocks.get(Integer.parseInt(f[1])));
          case "N" -> {
            // Announced by the allocation on the next line: run it now and keep its line for it.
            String next = Objects.requireNonNull(log.readLine());
            lineNumber++;
            String[] a = next.split(" ", -1);
            long block = malloc.allocate(Integer.parseInt(a[2]));
            blocks.add(block);
            got = arenaEvents.isEmpty() ? "no arena mapped" : arenaEvents.remove();
            assertThat("A " + a[1] + " " + a[2] + " " + place(block, arenas, version))
                .as("line %d of %s", lineNumber, logOf)
                .isEqualTo(next);
          }
          case "X" -> got = arenaEvents.isEmpty() ? "no arena returned" : arenaEvents.remove();
          default -> {}
        }
        if (!got.equals(line)) {
          assertThat(got).as("line %d of %s", lineNumber, logOf).isEqualTo(line);
        }
      }
    }
    assertThat(arenaEvents).isEmpty();
    assertThat(blocks).hasSizeGreaterThan(15_000);
  }

  private static String place(long block, List<Long> arenas, PythonVersion version) {
    for (int i = arenas.size() - 1; i >= 0; i--) {
      long distance = block - arenas.get(i);
      if (distance >= 0 && distance < version.arenaBytes) {
        return i + " " + distance / version.poolBytes + " " + distance % version.poolBytes;
      }
    }
    return "outside";
  }

  private static BufferedReader open(String name) throws IOException {
    InputStream in = AddressLogTest.class.getResourceAsStream("/cpython/pymalloc/" + name);
    return new BufferedReader(
        new InputStreamReader(
            new GZIPInputStream(Objects.requireNonNull(in)), StandardCharsets.US_ASCII));
  }
}
