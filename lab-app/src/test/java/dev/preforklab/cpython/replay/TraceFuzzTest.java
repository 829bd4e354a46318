package dev.preforklab.cpython.replay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.preforklab.cpython.PythonVersion;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Broken traces: whatever is read in place of a trace is either refused with one line that begins
 * with file and line, or is a trace that can be replayed. Recorded traces are the material.
 */
class TraceFuzzTest {
  private static final int READ = 6_000;
  private static final int REPLAYED = 60;
  private static final String[] JUNK = {
    "null",
    "true",
    "-1",
    "0",
    "1e400",
    "0.5",
    "3",
    "48",
    "1000000000000",
    "9".repeat(2_000),
    "\"\"",
    "\"new\"",
    "\"\\u0000\\ud800\"",
    "[]",
    "{}",
    "[[[]]]",
    "[".repeat(40),
    "[\"collect\",2]",
    "[\"thr\",0,0,0]",
    "[\"cycle\",1000,1000]",
    "\"ops\":[]",
    "}",
    "]",
    ",",
    "\n\n"
  };

  private final long seed = Long.getLong("property.seed", System.nanoTime());
  private final SplittableRandom random = new SplittableRandom(seed);

  /** Bytes deleted, inserted, changed, cut off; pieces doubled or replaced by junk. */
  @Test
  void damagedTracesAreRefusedInOneLineOrAreTraces() throws IOException {
    List<byte[]> originals = List.of(start("pure_1"), start("mixed_1"), start("pure_deep"));
    int replayed = 0;
    int refused = 0;
    for (int i = 0; i < READ; i++) {
      byte[] text = originals.get(random.nextInt(originals.size()));
      for (int k = random.nextInt(3); k >= 0; k--) {
        text = damaged(text);
      }
      Trace trace = read(text);
      refused += trace == null ? 1 : 0;
      if (trace != null && replayed < REPLAYED && isSmall(trace)) {
        replayed++;
        replay(trace, text);
      }
    }
    assertThat(replayed).as("traces that were replayed, seed %d", seed).isEqualTo(REPLAYED);
    assertThat(refused).as("traces that were refused, seed %d", seed).isGreaterThan(READ / 4);
  }

  /** A trace's first part, closed again. */
  private static byte[] start(String name) throws IOException {
    try (InputStream in =
        new GZIPInputStream(
            Objects.requireNonNull(
                TraceFuzzTest.class.getResourceAsStream(
                    "/cpython/gc_trace/" + name + ".trace.json.gz")))) {
      String whole = new String(in.readAllBytes(), StandardCharsets.UTF_8);
      int end = whole.indexOf("],[", 3_000);
      return (whole.substring(0, end) + "]]}").getBytes(StandardCharsets.UTF_8);
    }
  }

  private byte[] damaged(byte[] text) {
    int at = random.nextInt(text.length + 1);
    int end = Math.min(text.length, at + 1 + random.nextInt(30));
    byte[] before = Arrays.copyOf(text, at);
    byte[] after = Arrays.copyOfRange(text, at, text.length);
    return switch (random.nextInt(8)) {
      case 0 ->
          joined(before, Arrays.copyOfRange(text, Math.min(text.length, at + 1), text.length));
      case 1 -> joined(before, new byte[] {(byte) random.nextInt(256)}, after);
      case 2 ->
          joined(before, new byte[] {(byte) "{}[]\",:0-e9".charAt(random.nextInt(11))}, after);
      case 3 -> before;
      case 4 -> joined(before, Arrays.copyOfRange(text, at, end), after);
      case 5, 6 -> digits(text);
      default -> {
        byte[] junk = JUNK[random.nextInt(JUNK.length)].getBytes(StandardCharsets.UTF_8);
        int from = nextSeparator(text, at);
        int to = nextSeparator(text, Math.min(text.length, from + 1));
        yield joined(
            Arrays.copyOf(text, Math.min(text.length, from + 1)),
            junk,
            Arrays.copyOfRange(text, to, text.length));
      }
    };
  }

  /** Another digit in place of one: most often still a trace, though not one that makes sense. */
  private byte[] digits(byte[] text) {
    byte[] changed = text.clone();
    for (int at = random.nextInt(text.length + 1); at < text.length; at++) {
      if (text[at] >= '0' && text[at] <= '9') {
        changed[at] = (byte) ('0' + random.nextInt(10));
        break;
      }
    }
    return changed;
  }

  private static int nextSeparator(byte[] text, int from) {
    int at = from;
    while (at < text.length && text[at] != ',' && text[at] != ']') {
      at++;
    }
    return at;
  }

  private static byte[] joined(byte[]... pieces) {
    int length = Arrays.stream(pieces).mapToInt(p -> p.length).sum();
    byte[] all = new byte[length];
    int at = 0;
    for (byte[] piece : pieces) {
      System.arraycopy(piece, 0, all, at, piece.length);
      at += piece.length;
    }
    return all;
  }

  private @Nullable Trace read(byte[] text) throws IOException {
    try {
      return Trace.read("dir/t.json", new ByteArrayInputStream(text));
    } catch (TraceException e) {
      assertOneLine(e);
      return null;
    } catch (RuntimeException | StackOverflowError e) {
      throw new AssertionError("seed " + seed + ": " + new String(text, StandardCharsets.UTF_8), e);
    }
  }

  private static boolean isSmall(Trace trace) {
    return trace.operations().stream().mapToLong(Trace.Operation::objects).sum() < 200_000;
  }

  private void replay(Trace trace, byte[] text) {
    List<PythonVersion> releases = PythonVersion.SUPPORTED;
    PythonVersion release = releases.get(random.nextInt(releases.size()));
    try {
      assertThat(ReplayEngine.run(trace, release, 100, 2)).hasSameSizeAs(trace.operations());
    } catch (TraceException e) {
      assertOneLine(e);
    } catch (RuntimeException | StackOverflowError e) {
      throw new AssertionError(
          "seed " + seed + ", " + release + ": " + new String(text, StandardCharsets.UTF_8), e);
    }
  }

  private void assertOneLine(TraceException e) {
    assertThat(e.getMessage())
        .as("seed %d", seed)
        .matches("dir/t\\.json:[0-9]+:([0-9]+:)? \\P{Cntrl}+")
        .hasSizeLessThan(400)
        .doesNotContainIgnoringCase("exception")
        .doesNotContain("StreamRead");
  }

  /** What never ends must end here, and without being kept: 256 MiB would not fit so often. */
  @Test
  void endlessInputEnds() {
    String start = "{\"family\":\"pure\",\"slots\":4,\"ops\":[";
    assertRefused("", " \n", "Document length");
    assertRefused("", "[", "does not hold a JSON object");
    assertRefused("{\"a\":", "[", "Document nesting depth");
    assertRefused("", "\0", "not JSON");
    assertRefused("{\"family\":\"", "x", "String value length");
    assertRefused("{\"family\":\"pure\",\"slots\":", "9", "value length");
    assertRefused("{\"", "k", "Name length");
    assertRefused("{\"a\":[1", ",1", "too long, and no part of a trace");
    assertRefused(start + "[\"nop\"]", ",[\"nop\"]", "at most 2000000 operations");
    assertRefused(start + "[\"cycle\",9,9]", ",[\"cycle\",999,999]", "makes more than 500000000");
    assertRefused(start + "[\"new\"", ",0", "takes 1 number, and more follow");
    assertRefused(start + "[\"", "n", "String value length");
  }

  private static void assertRefused(String start, String period, String message) {
    InputStream endless =
        new SequenceInputStream(
            new ByteArrayInputStream(start.getBytes(StandardCharsets.UTF_8)),
            new Endless(period.repeat(4_000).getBytes(StandardCharsets.UTF_8)));
    assertThatThrownBy(() -> Trace.read("t.json", endless))
        .as(start + period)
        .isInstanceOf(TraceException.class)
        .hasMessageStartingWith("t.json:")
        .hasMessageContaining(message);
  }

  /** The same bytes again and again. */
  private static final class Endless extends InputStream {
    private final byte[] period;
    private int position;

    Endless(byte[] period) {
      this.period = period;
    }

    @Override
    public int read() {
      position = (position + 1) % period.length;
      return period[position];
    }

    @Override
    public int read(byte[] target, int offset, int length) {
      int n = Math.min(length, period.length - position);
      System.arraycopy(period, position, target, offset, n);
      position = (position + n) % period.length;
      return n;
    }
  }
}
