package dev.preforklab.prefork.profile;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;

/** Reads the record of how the application loads. */
final class LoadParser {
  private static final int GENERATIONS = 3;
  private static final int ALLOCATIONS_MAX = 1 << 26; // of them each has a few bytes here
  private static final int[] NONE = {};

  private final JsonParser in;
  private final RecordParser records;
  private int[] counts = {};
  private int[] sizes = {};
  private int[] longLived = {};
  private int[] untracked = new int[2]; // not in profiles before 2026-11-30
  private final IntArray freeLists = new IntArray(64);
  private final long[][] stats = new long[GENERATIONS][];

  LoadParser(JsonParser in, RecordParser records) {
    this.in = in;
    this.records = records;
  }

  /**
   * Reads the object the parser stands on.
   *
   * @param captured the collector of the captured master
   */
  LoadHistory read(Profile.GcFacts captured) throws IOException {
    long allocations = -1;
    int step = 0;
    int applicationAt = 0;
    Map<String, int[]> columns = Map.of();
    String events = "";
    requireObject("load");
    while (in.nextToken() == JsonToken.FIELD_NAME) {
      String key = in.currentName();
      in.nextToken();
      switch (key) {
        case "allocations" -> allocations = records.currentLong(0, ALLOCATIONS_MAX);
        case "application_at" -> applicationAt = (int) records.currentLong(0, ALLOCATIONS_MAX);
        case "step" -> step = (int) records.currentLong(1, 1 << 20);
        case "at_start" -> readStart();
        case "columns" -> columns = readColumns();
        case "events" -> events = in.getText();
        default -> in.skipChildren();
      }
    }
    for (long[] row : stats) {
      require(row != null, "load.at_start.stats must be three rows of three numbers");
    }
    require(allocations >= 0 && step > 0, "load without allocations or step");
    require(
        counts.length == GENERATIONS && sizes.length == GENERATIONS && longLived.length == 2,
        "load.at_start without counts, generations or long_lived");
    require(
        !events.isEmpty() || !columns.containsKey("check_after"),
        "load.columns.check_after without load.events");
    require(untracked.length == 2, "load.at_start.untracked must be two numbers");
    try {
      return new LoadHistory(
          allocations,
          applicationAt,
          new LoadHistory.Start(
              new Profile.GcFacts(
                  true,
                  captured.thresholds(),
                  counts,
                  longLived[0],
                  longLived[1],
                  stats,
                  captured.freezeCount()),
              sizes,
              untracked),
          new LoadLives(
              allocations,
              step,
              new LoadLives.Columns(
                  column(columns, "unlisted"),
                  columns.getOrDefault("dicts", NONE), // in profiles since 2026-11-29
                  columns.getOrDefault("nested", NONE), // in profiles since 2026-11-30
                  column(columns, "ends"),
                  column(columns, "age"),
                  column(columns, "ended"))),
          losses(columns, allocations, step),
          events.isEmpty()
              ? LoadEvents.NONE
              : new LoadEvents(
                  events,
                  allocations,
                  step,
                  freeLists.toArray(),
                  columns.getOrDefault("check_after", NONE), // of 3.12 on, since 2026-12-01
                  columns.getOrDefault("check_ends", NONE)));
    } catch (IllegalArgumentException e) {
      throw records.bad(String.valueOf(e.getMessage()));
    }
  }

  private void readStart() throws IOException {
    requireObject("load.at_start");
    while (in.nextToken() == JsonToken.FIELD_NAME) {
      String key = in.currentName();
      in.nextToken();
      switch (key) {
        case "counts" -> counts = ints();
        case "generations" -> sizes = ints();
        case "long_lived" -> longLived = ints();
        case "untracked" -> untracked = ints();
        case "stats" -> readStats();
        case "free_lists" -> readFreeLists();
        default -> in.skipChildren();
      }
    }
  }

  private Map<String, int[]> readColumns() throws IOException {
    requireObject("load.columns");
    Map<String, int[]> columns = new HashMap<>();
    while (in.nextToken() == JsonToken.FIELD_NAME) {
      String name = in.currentName();
      in.nextToken();
      columns.put(name, ints());
    }
    return columns;
  }

  private LoadLosses losses(Map<String, int[]> columns, long allocations, int step) {
    int[] age = column(columns, "lost_age");
    int[] holderAge = column(columns, "holder_age");
    int[] list = column(columns, "list");
    int[] lost = column(columns, "lost");
    if (!columns.containsKey("lost_after")) { // as profiles had it up to 2026-11-30
      int[] leaderAge = columns.getOrDefault("leader_age", NONE);
      return LoadLosses.bySteps(
          allocations, step, column(columns, "losses"), age, holderAge, leaderAge, list, lost);
    }
    return LoadLosses.exact(
        allocations,
        column(columns, "lost_after"),
        age,
        holderAge,
        column(columns, "leader_older"),
        list,
        lost);
  }

  private int[] column(Map<String, int[]> columns, String name) {
    int[] column = columns.get(name);
    if (column == null) {
      throw records.bad("load.columns without " + name);
    }
    return column;
  }

  private void readStats() throws IOException {
    records.requireArray();
    for (int generation = 0; generation < GENERATIONS; generation++) {
      in.nextToken();
      int[] row = ints();
      require(row.length == 3, "load.at_start.stats must be three rows of three numbers");
      stats[generation] = new long[] {row[0], row[1], row[2]};
    }
    require(in.nextToken() == JsonToken.END_ARRAY, "load.at_start.stats has more than three rows");
  }

  private void readFreeLists() throws IOException {
    records.requireArray();
    while (in.nextToken() != JsonToken.END_ARRAY) {
      int[] row = ints();
      require(row.length == 2, "load.at_start.free_lists must be rows of two numbers");
      freeLists.add(row[0]);
      freeLists.add(row[1]);
    }
  }

  private int[] ints() throws IOException {
    IntArray values = new IntArray(8);
    records.readInts(values, 0, Integer.MAX_VALUE);
    return values.toArray();
  }

  private void requireObject(String key) {
    require(in.currentToken() == JsonToken.START_OBJECT, key + " must be an object");
  }

  private void require(boolean holds, String problem) {
    if (!holds) {
      throw records.bad(problem);
    }
  }
}
