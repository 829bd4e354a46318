package dev.preforklab.prefork.profile;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;

/** Reads the record of how the application loads. */
final class LoadParser {
  private static final int GENERATIONS = 3;

  private final JsonParser in;
  private final RecordParser records;
  private int[] counts = {};
  private int[] sizes = {};
  private int[] longLived = {};
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
    int[] stream = {};
    String events = "";
    requireObject("load");
    while (in.nextToken() == JsonToken.FIELD_NAME) {
      String key = in.currentName();
      in.nextToken();
      switch (key) {
        case "allocations" -> allocations = records.currentLong(0, Integer.MAX_VALUE);
        case "step" -> step = (int) records.currentLong(1, 1 << 20);
        case "at_start" -> readStart();
        case "stream" -> stream = ints();
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
    try {
      return new LoadHistory(
          allocations,
          step,
          new Profile.GcFacts(
              true,
              captured.thresholds(),
              counts,
              longLived[0],
              longLived[1],
              stats,
              captured.freezeCount()),
          sizes,
          stream,
          events.isEmpty()
              ? LoadEvents.NONE
              : new LoadEvents(events, allocations, step, freeLists.toArray()));
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
        case "stats" -> readStats();
        case "free_lists" -> readFreeLists();
        default -> in.skipChildren();
      }
    }
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
