package dev.preforklab.machine;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.MachineHost;
import dev.preforklab.machine.memory.FileObject;
import dev.preforklab.probe.Probes;
import dev.preforklab.sim.CostModel;
import dev.preforklab.sim.Prng;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The same random sequences of forks, reads, writes, mremaps and exits in real processes on this
 * machine's kernel and on the simulated one: after each step the same Rss, Pss, shared, private and
 * anonymous memory of both mappings of every process, and the same minor faults. Needs Linux,
 * python3 and pages of 4 KiB.
 */
class RealKernelTest {
  private static final int SEEDS = 2;
  private static final int STEPS = 50;
  private static final int MOST_PROCESSES = 8;
  private static final int ANON_PAGES = 600;
  private static final int FILE_PAGES = 100;
  private static final int PAGES_IN_HARDWARE_TABLE = 512;

  /** The interpreter that makes the accesses may fault a little itself. */
  private static final int FAULTS_OF_THE_INTERPRETER = 3;

  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path directory;

  @Test
  void agreesWithThisMachinesKernel() throws IOException, InterruptedException {
    String skipped = "skipped the comparison with a real kernel: ";
    assumeTrue(Files.isReadable(Path.of("/proc/self/smaps")), skipped + "no /proc/self/smaps");
    assumeTrue(succeeds("python3", "-c", "import mmap"), skipped + "no python3");
    assumeTrue(
        succeeds("python3", "-c", "import mmap; assert mmap.PAGESIZE == 4096"),
        skipped + "pages are not 4 KiB");
    Path script = directory.resolve("real_kernel.py");
    try (InputStream in = RealKernelTest.class.getResourceAsStream("real_kernel.py")) {
      assertThat(in).isNotNull();
      Files.copy(in, script);
    }
    for (long seed = 1; seed <= SEEDS; seed++) {
      Process real = new ProcessBuilder("python3", script.toString()).start();
      try (Writer to = new OutputStreamWriter(real.getOutputStream(), UTF_8);
          BufferedReader from =
              new BufferedReader(new InputStreamReader(real.getInputStream(), UTF_8))) {
        new Comparison(seed, to, from).run();
      } finally {
        // with its input closed it ends by itself, and ends its children
        if (!real.waitFor(10, TimeUnit.SECONDS)) {
          real.destroyForcibly();
        }
      }
    }
  }

  private static boolean succeeds(String... command) throws InterruptedException {
    try {
      return new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start()
              .waitFor()
          == 0;
    } catch (IOException e) {
      return false;
    }
  }

  private static final class Comparison {
    private final long seed;
    private final Writer to;
    private final BufferedReader from;
    private final Prng prng;
    private final Kernel kernel =
        new Kernel(new HostConfig(64 << 20, 1, 4096), CostModel.defaults(), 0);
    private final Map<Integer, MachineHost> hosts = new TreeMap<>();
    private final Map<Integer, Anon> anons = new TreeMap<>();
    private long fileBase;

    /** A process's anonymous mapping, in pages. */
    private record Anon(long start, int pages) {}

    Comparison(long seed, Writer to, BufferedReader from) {
      this.seed = seed;
      this.to = to;
      this.from = from;
      prng = new Prng(seed);
    }

    void run() throws IOException {
      start();
      for (int step = 0; step < STEPS; step++) {
        int choice = prng.nextInt(100);
        if (choice < 15 && hosts.size() < MOST_PROCESSES) {
          fork();
        } else if (choice < 22 && hosts.size() > 1) {
          exit();
        } else if (choice < 35) {
          remap();
        } else {
          touch();
        }
      }
    }

    private void start() throws IOException {
      ObjectNode command = JSON.createObjectNode().put("op", "start");
      JsonNode answer = ask(command.put("anon", ANON_PAGES).put("file", FILE_PAGES));
      JsonNode maps = answer.path("smaps").path("0");
      long anonBase = 1024 + maps.path("anon").path("start").asLong() % PAGES_IN_HARDWARE_TABLE;
      fileBase = 2560 + maps.path("file").path("start").asLong() % PAGES_IN_HARDWARE_TABLE;
      MachineHost first = new MachineHost(kernel, kernel.spawn(Probes.MASTER));
      FileObject file = kernel.openFile("mapped", FILE_PAGES * 4096L);
      kernel.readFile(file, 0, FILE_PAGES);
      first.mapAt(anonBase << 12, ANON_PAGES * 4096L, "");
      first.mapFileAt(fileBase << 12, file, 0, FILE_PAGES * 4096L, true);
      hosts.put(0, first);
      anons.put(0, new Anon(anonBase, ANON_PAGES));
      compare(command, answer);
    }

    private int anyone() {
      Integer[] alive = hosts.keySet().toArray(new Integer[0]);
      return alive[prng.nextInt(alive.length)];
    }

    private MachineHost host(int who) {
      MachineHost host = hosts.get(who);
      assertThat(host).isNotNull();
      return host;
    }

    private Anon anon(int who) {
      Anon anon = anons.get(who);
      assertThat(anon).isNotNull();
      return anon;
    }

    /**
     * Whether a longer mapping must move depends on the others, of which a real process has more.
     */
    private void remap() throws IOException {
      int who = anyone();
      Anon old = anon(who);
      int pages = 1 + prng.nextInt(2 * ANON_PAGES);
      ObjectNode command = JSON.createObjectNode().put("op", "remap").put("who", who);
      JsonNode answer = ask(command.put("pages", pages));
      MachineHost host = host(who);
      long before = host.process().faults().minor();
      long address = host.remap(old.start() << 12, old.pages() * 4096L, pages * 4096L);
      anons.put(who, new Anon(address >> 12, pages));
      compare(command, answer);
      assertThat(host.process().faults().minor()).isEqualTo(before);
      assertThat(answer.path("faults").asInt())
          .as("seed %d, real faults of %s", seed, command)
          .isBetween(0, FAULTS_OF_THE_INTERPRETER);
    }

    private void fork() throws IOException {
      int child = 0;
      while (hosts.containsKey(child)) {
        child++;
      }
      int who = anyone();
      ObjectNode command = JSON.createObjectNode().put("op", "fork").put("who", who);
      JsonNode answer = ask(command.put("child", child));
      hosts.put(child, host(who).fork(child));
      anons.put(child, anon(who));
      compare(command, answer);
    }

    private void exit() throws IOException {
      int who = anyone();
      ObjectNode command = JSON.createObjectNode().put("op", "exit").put("who", who);
      JsonNode answer = ask(command);
      host(who).exit();
      hosts.remove(who);
      anons.remove(who);
      compare(command, answer);
    }

    private void touch() throws IOException {
      boolean write = prng.nextInt(3) > 0;
      boolean anon = prng.nextInt(4) > 0;
      int who = anyone();
      ObjectNode command = JSON.createObjectNode().put("op", write ? "write" : "read");
      command.put("who", who).put("region", anon ? "anon" : "file");
      ArrayNode pages = command.putArray("pages");
      Anon mapping = anon(who);
      int most = anon ? mapping.pages() : FILE_PAGES;
      int first = prng.nextInt(most);
      int stride = 1 + prng.nextInt(5);
      int count = 1 + prng.nextInt(anon ? 120 : 5);
      for (int i = 0; i < count; i++) {
        int page = first + i * stride;
        if (page < most) {
          pages.add(page);
        }
      }
      JsonNode answer = ask(command);
      MachineHost host = host(who);
      long before = host.process().faults().minor();
      for (JsonNode page : pages) {
        long address = ((anon ? mapping.start() : fileBase) + page.asInt()) << 12;
        if (write) {
          host.store(address, 1, Host.CAUSE_DATA);
        } else {
          host.load(address);
        }
      }
      compare(command, answer);
      long faults = host.process().faults().minor() - before;
      assertThat(answer.path("faults").asLong())
          .as("seed %d, real faults of %s", seed, command)
          .isBetween(faults, faults + FAULTS_OF_THE_INTERPRETER);
      assertThat(host.process().faults().major()).isZero();
    }

    private JsonNode ask(JsonNode command) throws IOException {
      to.write(command + "\n");
      to.flush();
      String line = from.readLine();
      assertThat(line).as("seed %d, answer to %s", seed, command).isNotNull();
      return JSON.readTree(line);
    }

    private void compare(JsonNode command, JsonNode answer) {
      JsonNode all = answer.path("smaps");
      assertThat(all.size()).isEqualTo(hosts.size());
      for (Map.Entry<Integer, MachineHost> e : hosts.entrySet()) {
        for (Smaps area : kernel.smaps(e.getValue().process())) {
          JsonNode real =
              all.path(e.getKey().toString()).path(area.name().isEmpty() ? "anon" : "file");
          assertThat(
                  new long[] {
                    real.path("Rss").asLong(),
                    real.path("Pss").asLong(),
                    real.path("Shared_Clean").asLong() + real.path("Shared_Dirty").asLong(),
                    real.path("Private_Clean").asLong() + real.path("Private_Dirty").asLong(),
                    real.path("Anonymous").asLong()
                  })
              .as("seed %d, process %d, '%s' after %s", seed, e.getKey(), area.name(), command)
              .containsExactly(kibibytes(area.figures()));
        }
      }
    }

    private static long[] kibibytes(SmapsRollup f) {
      return new long[] {
        f.rss() >> 10, f.pss() >> 10, f.shared() >> 10, f.uss() >> 10, f.anonymous() >> 10
      };
    }
  }
}
