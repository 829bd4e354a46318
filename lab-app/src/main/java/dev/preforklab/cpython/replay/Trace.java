package dev.preforklab.cpython.replay;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;

/**
 * A recorded sequence of collector operations.
 *
 * @param family {@code pure} or {@code mixed}
 * @param slots length of the array of references that the operations work on
 * @param operations in order
 */
public record Trace(String family, int slots, List<Operation> operations) {
  public static final int MAX_SLOTS = 100_000;
  public static final int MAX_OPERATIONS = 2_000_000;

  /** Largest number of objects that one chain, ring or burst may have. */
  public static final int MAX_REPEAT = 1_000;

  public Trace {
    operations = List.copyOf(operations);
  }

  /** What an argument may be. */
  private enum Range {
    SLOT,
    FIELD,
    REPEAT,
    LENGTH,
    GENERATION,
    THRESHOLD
  }

  /** The operations by name, with their arguments in order. */
  public enum Code {
    NOP,
    NEW(Range.SLOT),
    CHAIN(Range.SLOT, Range.REPEAT),
    LINK(Range.SLOT, Range.FIELD, Range.SLOT),
    UNLINK(Range.SLOT, Range.FIELD),
    DROP(Range.SLOT),
    CYCLE(Range.LENGTH, Range.REPEAT),
    BURST(Range.REPEAT),
    LIST(Range.SLOT),
    DICT(Range.SLOT),
    INST(Range.SLOT),
    TUPLE(Range.SLOT, Range.SLOT, Range.SLOT),
    LSET(Range.SLOT, Range.FIELD, Range.SLOT),
    DSET(Range.SLOT, Range.FIELD, Range.SLOT),
    ASET(Range.SLOT, Range.FIELD, Range.SLOT),
    LCYCLE(Range.LENGTH, Range.REPEAT),
    DCYCLE(Range.LENGTH, Range.REPEAT),
    ICYCLE(Range.LENGTH, Range.REPEAT),
    LBURST(Range.REPEAT),
    COLLECT(Range.GENERATION),
    THR(Range.THRESHOLD, Range.THRESHOLD, Range.THRESHOLD),
    FREEZE,
    UNFREEZE,
    DISABLE,
    ENABLE;

    @SuppressWarnings("ImmutableEnumChecker") // made by List.of
    private final List<Range> arguments;

    Code(Range... arguments) {
      this.arguments = List.of(arguments);
    }
  }

  /** One operation; arguments that it has not are 0. */
  public record Operation(Code code, int a, int b, int c) {}

  /**
   * Reads a trace in JSON: {@code {"family":..., "slots":..., "ops":[[name, arguments...], ...]}}.
   *
   * @throws TraceException if it is not a trace, or not within the limits above
   * @throws IOException if the stream cannot be read
   */
  public static Trace read(InputStream in) throws IOException {
    JsonFactory factory =
        JsonFactory.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .streamReadConstraints(
                StreamReadConstraints.builder()
                    .maxNestingDepth(16)
                    .maxDocumentLength(256L << 20)
                    .build())
            .build();
    JsonNode root;
    try {
      root = new ObjectMapper(factory).readTree(in);
    } catch (JacksonException e) {
      throw new TraceException("not valid JSON: " + firstLine(e.getOriginalMessage()));
    }
    if (root == null || !root.isObject()) {
      throw new TraceException("not a trace: the file does not hold a JSON object");
    }
    String family = root.path("family").asText("");
    if (!family.equals("pure") && !family.equals("mixed")) {
      throw new TraceException("family: \"" + family + "\" is not known; known: pure, mixed");
    }
    JsonNode slotsNode = root.path("slots");
    if (!slotsNode.canConvertToInt()
        || !slotsNode.isIntegralNumber()
        || slotsNode.intValue() < 1
        || slotsNode.intValue() > MAX_SLOTS) {
      throw new TraceException("slots: must be a whole number from 1 to " + MAX_SLOTS);
    }
    JsonNode ops = root.path("ops");
    if (!ops.isArray() || ops.size() > MAX_OPERATIONS) {
      throw new TraceException("ops: must be a list of at most " + MAX_OPERATIONS + " operations");
    }
    int slots = slotsNode.intValue();
    List<Operation> operations = new ArrayList<>(ops.size());
    for (int i = 0; i < ops.size(); i++) {
      operations.add(readOperation(ops.get(i), i, slots));
    }
    return new Trace(family, slots, operations);
  }

  private static String firstLine(String text) {
    int end = text.indexOf('\n');
    return end < 0 ? text : text.substring(0, end);
  }

  private static Operation readOperation(JsonNode node, int index, int slots) {
    if (!node.isArray() || node.isEmpty() || !node.get(0).isTextual()) {
      throw new TraceException("ops[" + index + "]: must be a list that begins with a name");
    }
    String name = node.get(0).asText();
    for (Code code : Code.values()) {
      if (!nameOf(code).equals(name)) {
        continue;
      }
      int count = code.arguments.size();
      if (node.size() != count + 1) {
        throw new TraceException(
            "ops["
                + index
                + "]: "
                + name
                + " takes "
                + count
                + " numbers, not "
                + (node.size() - 1));
      }
      int[] values = new int[3];
      for (int i = 0; i < count; i++) {
        values[i] = argument(node.get(i + 1), code.arguments.get(i), index, name, slots);
      }
      return new Operation(code, values[0], values[1], values[2]);
    }
    throw new TraceException("ops[" + index + "]: unknown operation \"" + name + "\"");
  }

  private static int argument(JsonNode node, Range range, int index, String name, int slots) {
    int low = range == Range.LENGTH ? 1 : 0;
    int high =
        switch (range) {
          case SLOT -> slots - 1;
          case FIELD -> 3;
          case REPEAT, LENGTH -> MAX_REPEAT;
          case GENERATION -> 2;
          case THRESHOLD -> Integer.MAX_VALUE;
        };
    if (!node.isIntegralNumber()
        || !node.canConvertToInt()
        || node.intValue() < low
        || node.intValue() > high) {
      throw new TraceException(
          "ops["
              + index
              + "]: "
              + name
              + ": "
              + node
              + " is not a whole number from "
              + low
              + " to "
              + high);
    }
    return node.intValue();
  }

  /** The operation's name as a trace writes it. */
  public static String nameOf(Code code) {
    return code.name().toLowerCase(java.util.Locale.ROOT);
  }
}
