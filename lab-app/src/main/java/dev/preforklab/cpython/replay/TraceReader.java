package dev.preforklab.cpython.replay;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import dev.preforklab.cpython.ParserMessage;
import dev.preforklab.cpython.replay.Trace.Code;
import dev.preforklab.cpython.replay.Trace.Operation;
import dev.preforklab.cpython.replay.Trace.Range;
import java.io.CharConversionException;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reads a trace token by token, so that whatever is given in place of one costs no more memory than
 * the operations of a valid trace, and so that an error can name its line.
 */
final class TraceReader {
  static final long MAX_BYTES = 256L << 20;

  /** Tokens in keys that are not a trace's own: a comment, say. */
  private static final int MAX_OTHER_TOKENS = 10_000;

  private static final int LONGEST_SHOWN = 40;

  private static final JsonFactory FACTORY =
      JsonFactory.builder()
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(16)
                  .maxDocumentLength(MAX_BYTES)
                  .maxStringLength(100_000)
                  .maxNameLength(1_000)
                  .build())
          .build();

  private static final Map<String, Code> CODES = new HashMap<>();

  static {
    for (Code code : Code.values()) {
      CODES.put(Trace.nameOf(code), code);
    }
  }

  private final String name;
  private final List<Operation> operations = new ArrayList<>();
  private int[] places = new int[64];
  private String family = "";
  private int slots;
  private long objects;
  private int otherTokens;

  TraceReader(String name) {
    this.name = name;
  }

  Trace read(InputStream in) throws IOException {
    try (JsonParser parser = FACTORY.createParser(in)) {
      try {
        readObject(parser);
      } catch (JacksonException e) {
        throw error(e.getLocation(), "not JSON: " + ParserMessage.plain(e.getOriginalMessage()));
      } catch (CharConversionException e) {
        throw error(parser.currentLocation(), "not JSON: no UTF-8 text");
      }
    } catch (CharConversionException e) {
      throw new TraceException(name + ":1: not JSON: no UTF-8 text");
    }
    return new Trace(name, family, slots, operations, Arrays.copyOf(places, 2 * operations.size()));
  }

  private void readObject(JsonParser parser) throws IOException {
    if (parser.nextToken() != JsonToken.START_OBJECT) {
      throw error(
          parser.currentTokenLocation(), "not a trace: the file does not hold a JSON object");
    }
    Set<String> seen = new HashSet<>();
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String key = parser.currentName();
      JsonLocation at = parser.currentTokenLocation();
      if (!seen.add(key)) {
        throw error(at, excerpt(key) + ": is there twice");
      }
      parser.nextToken();
      switch (key) {
        case "family" -> readFamily(parser);
        case "slots" -> readSlots(parser);
        case "ops" -> readOperations(parser);
        default -> skip(parser, key, at);
      }
    }
    JsonLocation end = parser.currentTokenLocation();
    for (String key : List.of("family", "slots", "ops")) {
      if (!seen.contains(key)) {
        throw error(end, "not a trace: it has no " + key);
      }
    }
    if (parser.nextToken() != null) {
      throw error(parser.currentTokenLocation(), "more follows after the trace's end");
    }
    for (int i = 0; i < operations.size(); i++) {
      checkSlots(operations.get(i), i);
    }
  }

  private void readFamily(JsonParser parser) throws IOException {
    family = parser.currentToken() == JsonToken.VALUE_STRING ? parser.getText() : "";
    if (!family.equals("pure") && !family.equals("mixed")) {
      throw error(
          parser.currentTokenLocation(),
          "family: " + shown(parser) + " is not known; known: pure, mixed");
    }
  }

  private void readSlots(JsonParser parser) throws IOException {
    Integer value = whole(parser, 1, Trace.MAX_SLOTS);
    if (value == null) {
      throw error(
          parser.currentTokenLocation(),
          "slots: must be a whole number from 1 to " + Trace.MAX_SLOTS + ", not " + shown(parser));
    }
    slots = value;
  }

  private void readOperations(JsonParser parser) throws IOException {
    if (parser.currentToken() != JsonToken.START_ARRAY) {
      throw error(
          parser.currentTokenLocation(), "ops: must be a list of operations, not " + shown(parser));
    }
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      int index = operations.size();
      if (index >= Trace.MAX_OPERATIONS) {
        throw error(
            parser.currentTokenLocation(),
            "ops: must be a list of at most " + Trace.MAX_OPERATIONS + " operations");
      }
      if (2 * index == places.length) {
        places = Arrays.copyOf(places, 2 * places.length);
      }
      JsonLocation at = parser.currentTokenLocation();
      places[2 * index] = at.getLineNr();
      places[2 * index + 1] = at.getColumnNr();
      operations.add(readOperation(parser, index));
      objects += operations.get(index).objects();
      if (objects > Trace.MAX_OBJECTS) {
        throw error(
            index, "the trace makes more than " + Trace.MAX_OBJECTS + " objects up to here");
      }
    }
  }

  private Operation readOperation(JsonParser parser, int index) throws IOException {
    if (parser.currentToken() != JsonToken.START_ARRAY) {
      throw error(index, "must be a list that begins with a name, not " + shown(parser));
    }
    if (parser.nextToken() != JsonToken.VALUE_STRING) {
      throw error(index, "must begin with a name, not " + shown(parser));
    }
    Code code = CODES.get(parser.getText());
    if (code == null) {
      throw error(index, "unknown operation " + shown(parser));
    }
    int[] values = new int[3];
    int count = 0;
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      if (count == code.arguments().size()) {
        throw error(index, takes(code) + ", and more follow: " + shown(parser));
      }
      Range range = code.arguments().get(count);
      // a slot's number is checked when it is known how many there are
      int high = range.high(Trace.MAX_SLOTS);
      Integer value = whole(parser, range.low(), high);
      if (value == null) {
        String what = range == Range.SLOT ? "a slot" : range.low() + " to " + high;
        throw error(
            index,
            Trace.nameOf(code)
                + ": "
                + shown(parser)
                + " is not "
                + (range == Range.SLOT ? what : "a whole number from " + what));
      }
      values[count++] = value;
    }
    if (count < code.arguments().size()) {
      throw error(index, takes(code) + ", not " + count);
    }
    return new Operation(code, values[0], values[1], values[2]);
  }

  private static String takes(Code code) {
    int count = code.arguments().size();
    return Trace.nameOf(code) + " takes " + count + (count == 1 ? " number" : " numbers");
  }

  private void checkSlots(Operation operation, int index) {
    int[] values = {operation.a(), operation.b(), operation.c()};
    for (int i = 0; i < operation.code().arguments().size(); i++) {
      if (operation.code().arguments().get(i) == Range.SLOT && values[i] >= slots) {
        throw error(
            index,
            Trace.nameOf(operation.code())
                + ": "
                + values[i]
                + " is not a whole number from 0 to "
                + (slots - 1));
      }
    }
  }

  /** Passes over a value that is none of a trace's own. */
  private void skip(JsonParser parser, String key, JsonLocation at) throws IOException {
    int depth = 0;
    do {
      if (++otherTokens > MAX_OTHER_TOKENS) {
        throw error(at, excerpt(key) + ": too long, and no part of a trace");
      }
      if (parser.currentToken().isStructStart()) {
        depth++;
      } else if (parser.currentToken().isStructEnd()) {
        depth--;
      }
    } while (depth > 0 && parser.nextToken() != null);
  }

  private static @Nullable Integer whole(JsonParser parser, int low, int high) throws IOException {
    if (parser.currentToken() != JsonToken.VALUE_NUMBER_INT
        || parser.getNumberType() != JsonParser.NumberType.INT) {
      return null;
    }
    int value = parser.getIntValue();
    return value < low || value > high ? null : value;
  }

  /** The value that the parser stands at. */
  private static String shown(JsonParser parser) throws IOException {
    return switch (parser.currentToken()) {
      case START_ARRAY, END_ARRAY -> "a list";
      case START_OBJECT, END_OBJECT -> "an object";
      case VALUE_STRING -> '"' + excerpt(parser.getText()) + '"';
      default -> excerpt(parser.getText());
    };
  }

  private static String excerpt(String text) {
    String line = text.length() > LONGEST_SHOWN ? text.substring(0, LONGEST_SHOWN) + "..." : text;
    return line.replaceAll("[\\p{Cntrl}\\p{Cs}]", "?");
  }

  private TraceException error(int operation, String problem) {
    int line = places[2 * operation];
    int column = places[2 * operation + 1];
    return new TraceException(Trace.where(name, line, column, operation) + problem);
  }

  private TraceException error(@Nullable JsonLocation at, String problem) {
    String place =
        at == null || at.getLineNr() < 1
            ? ":1: "
            : ":" + at.getLineNr() + ":" + at.getColumnNr() + ": ";
    return new TraceException(name + place + problem);
  }
}
