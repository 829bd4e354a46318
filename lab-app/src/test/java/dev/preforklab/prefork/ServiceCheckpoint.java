package dev.preforklab.prefork;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * What {@code capture/service.py} measured of a real service after so many requests: a worker's
 * mean PSS, faults and collections of all workers, and what each has served since the checkpoint
 * before, a digit to the base of 36 for each endpoint in its order ("-": nothing; empty: not told).
 */
@SuppressWarnings("ArrayRecordComponent") // read only
record ServiceCheckpoint(
    int requests,
    double pssKb,
    double sharedRatio,
    double minorFaults,
    List<Integer> collections,
    int[] served,
    int[] masterGc,
    List<String> endpoints) {

  /** The rows of a setting; the tables differ in the columns after the last that is read here. */
  static List<ServiceCheckpoint> read(String table, String server, String setting)
      throws IOException {
    List<ServiceCheckpoint> found = new ArrayList<>();
    try (InputStream in = ServiceCheckpoint.class.getResourceAsStream(table);
        BufferedReader lines =
            new BufferedReader(new InputStreamReader(in, StandardCharsets.US_ASCII))) {
      List<String> columns = List.of(lines.readLine().split(",", -1));
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        String[] field = line.split(",", -1);
        if (field[0].equals(server) && field[1].equals(setting.replace(',', ' '))) {
          List<Integer> collections = new ArrayList<>();
          for (int generation = 0; generation < 3; generation++) {
            collections.add(Integer.valueOf(field[columns.indexOf("gen" + generation + "_sum")]));
          }
          found.add(
              new ServiceCheckpoint(
                  Integer.parseInt(field[2]),
                  Double.parseDouble(field[columns.indexOf("pss_kb")]),
                  Double.parseDouble(field[columns.indexOf("share_ratio")]),
                  Double.parseDouble(field[8]),
                  collections,
                  numbers(columns.contains("served") ? field[columns.indexOf("served")] : ""),
                  numbers(columns.contains("master_gc") ? field[columns.indexOf("master_gc")] : ""),
                  words(columns.contains("endpoints") ? field[columns.indexOf("endpoints")] : "")));
        }
      }
    }
    assertThat(found).hasSize(10);
    return found;
  }

  private static int[] numbers(String text) {
    return words(text).stream().mapToInt(Integer::parseInt).toArray();
  }

  private static List<String> words(String text) {
    return Stream.of(text.split(" ")).filter(word -> !word.isEmpty()).toList();
  }
}
