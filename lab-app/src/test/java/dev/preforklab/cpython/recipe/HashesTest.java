package dev.preforklab.cpython.recipe;

import static org.assertj.core.api.Assertions.assertThat;

import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.PlainHost;
import dev.preforklab.cpython.PythonVersion;
import java.io.IOException;
import java.io.InputStream;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.LongSupplier;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Hashes and places in tables against {@code rig/hashes.txt}, which real interpreters printed. */
class HashesTest {
  static Stream<PythonVersion> releases() {
    return PythonVersion.SUPPORTED.stream().filter(PythonVersion::isVerified);
  }

  @ParameterizedTest
  @MethodSource("releases")
  void hashesAreThoseOfTheRelease(PythonVersion version) {
    Hashes hashes = new Hashes(version, 0);
    Map<String, Object> values = values(version.major == 2);
    List<String[]> rows = rows(version, "hash");
    assertThat(rows).hasSize(values.size());
    for (String[] row : rows) {
      assertThat(hashes.hash(Objects.requireNonNull(values.get(row[2]), row[2])))
          .as("hash(%s)", row[2])
          .isEqualTo(Long.parseLong(row[3]));
    }
  }

  private static Map<String, Object> values(boolean isOld) {
    Map<String, Object> values = new HashMap<>();
    values.put("1000", power(0, 999));
    values.put("-1", power(0, -2));
    values.put("0", power(0, -1));
    values.put("2**61-1", power(61, -1));
    values.put("2**61+5", power(61, 5));
    values.put("-2**62", power(62, 0).negate());
    values.put("2**70+3", power(70, 3));
    values.put("2**63-1", power(63, -1));
    values.put("-2**63", power(63, 0).negate());
    values.put("-2**200-7", power(200, 7).negate());
    for (String number : List.of("1.5", "-0.25", "1000.0", "1e30", "0.1", "-3.5e-310")) {
      values.put(number, Hashes.number(Double.parseDouble(number)));
    }
    values.put("1e300+0.0", Hashes.number(1e300));
    values.put("''", "");
    values.put("'0'", "0");
    values.put("'0000012'", "0000012");
    values.put("'%075d' % 123", "0".repeat(72) + "123");
    values.put("b''", zeros(0, isOld));
    values.put("b'\\0'", zeros(1, isOld));
    values.put("b'\\0'*200", zeros(200, isOld));
    values.put("()", List.of());
    values.put("(1000,)", List.of(power(0, 999)));
    values.put("(1000, '0000012')", List.of(power(0, 999), "0000012"));
    values.put(
        "(1.5, (2, b'\\0\\0'))",
        List.of(Hashes.number(1.5), List.of(power(0, 1), zeros(2, isOld))));
    values.put(
        "(0, 0, 0, 0, 0)",
        List.of(power(0, -1), power(0, -1), power(0, -1), power(0, -1), power(0, -1)));
    return values;
  }

  private static BigInteger power(int exponent, long plus) {
    return BigInteger.ONE.shiftLeft(exponent).add(BigInteger.valueOf(plus));
  }

  private static Object zeros(int length, boolean isOld) {
    return isOld ? "\0".repeat(length) : new Hashes.Bytes(length);
  }

  @ParameterizedTest
  @MethodSource("releases")
  void setsKeepTheirMembersWhereTheReleaseDoes(PythonVersion version) {
    for (String kind : List.of("ints", "texts")) {
      for (String[] row : rows(version, kind)) {
        Mutator mutator = mutator(version);
        int n = Integer.parseInt(row[2]);
        long[] items = new long[n];
        Map<Long, String> names = new HashMap<>();
        List<Object> values = new ArrayList<>();
        for (int i = 0; i < n; i++) {
          boolean isInt = kind.equals("ints");
          String text = isInt ? Integer.toString(i * 1009) : "%08d".formatted(i);
          values.add(isInt ? new BigInteger(text) : text);
          items[i] = mutator.texts.format(8, 0, 1);
          names.put(items[i], text);
        }
        assertThat(names(mutator, mutator.sets.create(items, values), names))
            .as("%s of %d on %s", kind, n, version)
            .containsExactly(row[3].split(" "));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("releases")
  void equalValuesAreOneMember(PythonVersion version) {
    Mutator mutator = mutator(version);
    long[] items = {
      mutator.texts.format(8, 0, 1), mutator.texts.format(8, 0, 1), mutator.texts.format(8, 0, 1)
    };
    List<Object> values = List.of(power(0, 1), Hashes.number(2.0), Hashes.number(2.5));
    Map<Long, String> names = Map.of(items[0], "2", items[1], "2.0", items[2], "2.5");

    // The first of them, in 2.7.18 too.
    assertThat(names(mutator, mutator.sets.create(items, values), names))
        .containsExactlyInAnyOrder("2", "2.5");
  }

  @ParameterizedTest
  @MethodSource("releases")
  void dictsOf27KeepTheirEntriesByHash(PythonVersion version) {
    for (String[] row : rows(version, "dict")) {
      Mutator mutator = mutator(version);
      int n = Integer.parseInt(row[2]);
      long dict = mutator.dictObjects.newDict(List.of(), new long[0], List.<LongSupplier>of());
      Map<Long, String> names = new HashMap<>();
      for (int k = 0; k < n; k++) {
        long value = mutator.texts.format(8, 0, 1);
        names.put(value, "a" + k);
        mutator.dictObjects.setOldItem(dict, "a" + k, value);
      }
      assertThat(names(mutator, dict, names)).containsExactly(row[3].split(" "));
      for (Map.Entry<Long, String> one : names.entrySet()) {
        assertThat(mutator.dictObjects.oldItem(dict, one.getValue())).isEqualTo(one.getKey());
      }
    }
  }

  private static Mutator mutator(PythonVersion version) {
    return new Mutator(
        Interpreter.boot(new PlainHost(), version), new Hashes(version, 0), Map.of());
  }

  private static List<String> names(Mutator mutator, long container, Map<Long, String> names) {
    List<String> found = new ArrayList<>();
    mutator.forEachReferent(container, o -> found.add(Objects.requireNonNull(names.get(o))));
    return found;
  }

  private static List<String[]> rows(PythonVersion version, String kind) {
    try (InputStream in = HashesTest.class.getResourceAsStream("/rig/hashes.txt")) {
      String text = new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8);
      return Arrays.stream(text.split("\n"))
          .map(line -> line.split("\\|", -1))
          .filter(row -> row[0].equals(version.toString()) && row[1].equals(kind))
          .toList();
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }
}
