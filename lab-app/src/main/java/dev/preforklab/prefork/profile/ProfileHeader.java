package dev.preforklab.prefork.profile;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The first line of a profile file, read strictly. */
record ProfileHeader(
    String name,
    String python,
    String captured,
    int modules,
    int objects,
    int tracked,
    Profile.GcFacts gc,
    Profile.Sizes sizes,
    List<Profile.Type> types,
    List<Profile.Endpoint> endpoints,
    String requestsFrom) {

  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final int OBJECTS_MAX = 100_000_000;

  ProfileHeader {
    types = List.copyOf(types);
    endpoints = List.copyOf(endpoints);
  }

  /** Reads the header object the parser has just entered. */
  static ProfileHeader read(Path file, JsonParser parser) throws IOException {
    return new Fields(file, MAPPER.readTree(parser)).header();
  }

  /** This header with another state of the collector. */
  ProfileHeader withGc(Profile.GcFacts newGc) {
    return with(newGc, requestsFrom);
  }

  /** This header of a profile that has its requests from no other. */
  ProfileHeader withOwnRequests() {
    return with(gc, "");
  }

  private ProfileHeader with(Profile.GcFacts newGc, String from) {
    return new ProfileHeader(
        name, python, captured, modules, objects, tracked, newGc, sizes, types, endpoints, from);
  }

  /** Typed access to the header's fields; an error names the key. */
  private record Fields(Path file, JsonNode root) {

    ProfileHeader header() {
      JsonNode schema = root.get("prefork_profile");
      if (schema == null) {
        throw new ProfileException(file, "not a profile: no \"prefork_profile\" in its first line");
      }
      if (!schema.isInt() || schema.intValue() != ProfileReader.SCHEMA) {
        throw new ProfileException(
            file,
            "profile schema " + schema + ", this program reads schema " + ProfileReader.SCHEMA);
      }
      String implementation = text(root, "implementation");
      if (!implementation.equalsIgnoreCase("cpython")) {
        throw new ProfileException(file, "implementation \"" + implementation + "\", not cpython");
      }
      return new ProfileHeader(
          text(root, "name"),
          text(root, "python"),
          text(root, "captured"),
          number(root, "modules", 0, 10_000_000),
          number(root, "objects", 1, OBJECTS_MAX),
          number(root, "tracked", 0, OBJECTS_MAX),
          gc(object("gc")),
          sizes(object("sizes")),
          types(),
          endpoints(),
          root.path("requests_from").asText(""));
    }

    private Profile.GcFacts gc(JsonNode gc) {
      JsonNode enabled = gc.get("enabled");
      if (enabled == null || !enabled.isBoolean()) {
        throw bad("gc.enabled", "true or false");
      }
      JsonNode rows = array(gc, "stats");
      long[][] stats = new long[3][];
      for (int generation = 0; generation < 3; generation++) {
        stats[generation] = numbers(rows.path(generation), "gc.stats", 3);
      }
      return new Profile.GcFacts(
              enabled.booleanValue(),
              ints(numbers(array(gc, "thresholds"), "gc.thresholds", 3), "gc.thresholds"),
              ints(numbers(array(gc, "counts"), "gc.counts", 3), "gc.counts"),
              number(gc, "long_lived_total", 0, OBJECTS_MAX),
              number(gc, "long_lived_pending", 0, OBJECTS_MAX),
              stats,
              number(gc, "freeze_count", 0, OBJECTS_MAX))
          .withFreeLists(freeLists(gc.path("free_lists")));
    }

    /** Absent in older profiles. */
    private int[] freeLists(JsonNode rows) {
      int[] lengths = new int[RequestTrace.FREE_LISTS_MAX + 1];
      for (JsonNode row : rows) {
        long[] numbers = numbers(row, "gc.free_lists", 2);
        if (numbers[0] > RequestTrace.FREE_LISTS_MAX || numbers[1] > OBJECTS_MAX) {
          throw bad("gc.free_lists", "rows of [number of the list, length]");
        }
        lengths[(int) numbers[0]] = (int) numbers[1];
      }
      return lengths;
    }

    private Profile.Sizes sizes(JsonNode sizes) {
      int page = number(sizes, "page", 4096, 4096);
      int pool = number(sizes, "pool", 4096, 1 << 20);
      int arena = number(sizes, "arena", pool, 1 << 26);
      return new Profile.Sizes(number(sizes, "gc_head", 8, 64), arena, pool, page);
    }

    private List<Profile.Type> types() {
      List<Profile.Type> types = new ArrayList<>();
      for (JsonNode row : array(root, "types")) {
        if (!row.isArray() || row.size() < 4 || !row.get(0).isTextual()) {
          throw bad("types", "rows of [name, is_gc, basicsize, itemsize, preheader]");
        }
        for (int i = 1; i < row.size(); i++) {
          if (!row.get(i).isInt()) {
            throw bad("types", "whole numbers in the row of " + row.get(0));
          }
        }
        types.add(
            new Profile.Type(
                row.get(0).textValue(),
                row.get(1).intValue() != 0,
                row.get(2).intValue(),
                row.get(3).intValue(),
                frontBytes(row.path(4).asInt(0))));
      }
      if (types.isEmpty()) {
        throw bad("types", "at least one type");
      }
      return types;
    }

    /** The file counts the GC head among the bytes in front of an object; here it is apart. */
    private int frontBytes(int preHeaderAndHead) {
      return Math.max(0, preHeaderAndHead - root.path("sizes").path("gc_head").asInt());
    }

    private List<Profile.Endpoint> endpoints() {
      List<Profile.Endpoint> endpoints = new ArrayList<>();
      for (JsonNode row : array(root, "endpoints")) {
        if (!row.isArray()
            || row.size() != 3
            || !row.get(0).isTextual()
            || !row.get(1).isTextual()
            || !row.get(2).isInt()
            || row.get(2).intValue() < 1) {
          throw bad("endpoints", "rows of [method, route, weight from 1 up]");
        }
        endpoints.add(
            new Profile.Endpoint(
                row.get(0).textValue(), row.get(1).textValue(), row.get(2).intValue()));
      }
      if (endpoints.isEmpty()) {
        throw bad("endpoints", "at least one endpoint");
      }
      return endpoints;
    }

    private JsonNode object(String key) {
      JsonNode node = root.get(key);
      if (node == null || !node.isObject()) {
        throw bad(key, "an object");
      }
      return node;
    }

    private JsonNode array(JsonNode parent, String key) {
      JsonNode node = parent.get(key);
      if (node == null || !node.isArray()) {
        throw bad(key, "an array");
      }
      return node;
    }

    private String text(JsonNode parent, String key) {
      JsonNode node = parent.get(key);
      if (node == null || !node.isTextual()) {
        throw bad(key, "a string");
      }
      return node.textValue();
    }

    private int number(JsonNode parent, String key, int min, int max) {
      JsonNode node = parent.get(key);
      if (node == null || !node.isInt() || node.intValue() < min || node.intValue() > max) {
        throw bad(key, "a whole number from " + min + " to " + max);
      }
      return node.intValue();
    }

    private long[] numbers(JsonNode node, String key, int size) {
      if (!node.isArray() || node.size() != size) {
        throw bad(key, size + " numbers");
      }
      long[] values = new long[size];
      for (int i = 0; i < size; i++) {
        JsonNode value = node.get(i);
        if (!value.isIntegralNumber() || !value.canConvertToLong() || value.longValue() < 0) {
          throw bad(key, "whole numbers from 0 up");
        }
        values[i] = value.longValue();
      }
      return values;
    }

    private int[] ints(long[] values, String key) {
      int[] ints = new int[values.length];
      for (int i = 0; i < ints.length; i++) {
        if (values[i] > Integer.MAX_VALUE) {
          throw bad(key, "numbers below 2^31");
        }
        ints[i] = (int) values[i];
      }
      return ints;
    }

    private ProfileException bad(String key, String wanted) {
      return new ProfileException(file, "header: \"" + key + "\" must be " + wanted);
    }
  }
}
