package dev.preforklab.cpython.replay;

import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Locale;

/**
 * A recorded sequence of collector operations, and where each stands in the file it was read from.
 */
public final class Trace {
  public static final int MAX_SLOTS = 100_000;
  public static final int MAX_OPERATIONS = 2_000_000;

  /** Largest number of objects that one chain, ring or burst may have. */
  public static final int MAX_REPEAT = 1_000;

  /** Largest number of objects that all operations may make: about a minute of real Python. */
  public static final long MAX_OBJECTS = 500_000_000;

  /** What an argument may be. */
  enum Range {
    SLOT,
    FIELD,
    REPEAT,
    LENGTH,
    GENERATION,
    THRESHOLD;

    int low() {
      return this == LENGTH ? 1 : 0;
    }

    int high(int slots) {
      return switch (this) {
        case SLOT -> slots - 1;
        case FIELD -> TraceObjects.FIELDS - 1;
        case REPEAT, LENGTH -> MAX_REPEAT;
        case GENERATION -> 2;
        case THRESHOLD -> Integer.MAX_VALUE;
      };
    }
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

    List<Range> arguments() {
      return arguments;
    }
  }

  /** One operation; arguments that it has not are 0. */
  public record Operation(Code code, int a, int b, int c) {
    /** How many objects it makes. */
    long objects() {
      return switch (code) {
        case NEW, LIST, DICT, INST, TUPLE -> 1;
        case CHAIN -> b;
        case CYCLE, LCYCLE, DCYCLE, ICYCLE -> (long) a * b;
        case BURST, LBURST -> a;
        default -> 0;
      };
    }

    /** The operation as a trace has it, JSON. */
    public String text() {
      int[] values = {a, b, c};
      StringBuilder text = new StringBuilder("[\"").append(nameOf(code)).append('"');
      for (int i = 0; i < code.arguments.size(); i++) {
        text.append(',').append(values[i]);
      }
      return text.append(']').toString();
    }
  }

  private final String name;
  private final String family;
  private final int slots;
  private final List<Operation> operations;
  private final int[] places;

  /**
   * @param name of the file
   * @param places line and column of each operation
   */
  Trace(String name, String family, int slots, List<Operation> operations, int[] places) {
    this.name = name;
    this.family = family;
    this.slots = slots;
    this.operations = List.copyOf(operations);
    this.places = places.clone();
  }

  /**
   * Reads a trace in JSON: {@code {"family":..., "slots":..., "ops":[[name, arguments...], ...]}}.
   *
   * @param name of the file, for messages
   * @throws TraceException if it is not a trace, or not within the limits above; the message begins
   *     with file and line
   * @throws IOException if the stream cannot be read
   */
  public static Trace read(String name, InputStream in) throws IOException {
    return new TraceReader(name).read(in);
  }

  /** {@code pure} or {@code mixed}. */
  public String family() {
    return family;
  }

  /** Length of the array of references that the operations work on. */
  public int slots() {
    return slots;
  }

  public List<Operation> operations() {
    return operations;
  }

  /** Where an operation stands: file, line, column and its index. */
  public String where(int operation) {
    return where(name, places[2 * operation], places[2 * operation + 1], operation);
  }

  static String where(String name, int line, int column, int operation) {
    return name + ":" + line + ":" + column + ": ops[" + operation + "]: ";
  }

  /** The operation's name as a trace writes it. */
  public static String nameOf(Code code) {
    return code.name().toLowerCase(Locale.ROOT);
  }
}
