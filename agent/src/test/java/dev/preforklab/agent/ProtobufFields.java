package dev.preforklab.agent;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Just enough of the protobuf wire format to read the spans of an OTLP request. */
final class ProtobufFields {
  private record Field(int number, long value, ByteBuffer bytes) {}

  private final List<Field> fields = new ArrayList<>();

  ProtobufFields(byte[] message) {
    ByteBuffer in = ByteBuffer.wrap(message).order(ByteOrder.LITTLE_ENDIAN);
    while (in.hasRemaining()) {
      long tag = varint(in);
      int number = (int) (tag >>> 3);
      switch ((int) (tag & 7)) {
        case 0 -> fields.add(new Field(number, varint(in), ByteBuffer.allocate(0)));
        case 1 -> fields.add(new Field(number, in.getLong(), ByteBuffer.allocate(0)));
        case 2 -> {
          byte[] bytes = new byte[(int) varint(in)];
          in.get(bytes);
          fields.add(new Field(number, 0, ByteBuffer.wrap(bytes)));
        }
        case 5 -> fields.add(new Field(number, in.getInt(), ByteBuffer.allocate(0)));
        default -> throw new IllegalArgumentException("wire type " + (tag & 7));
      }
    }
  }

  private static long varint(ByteBuffer in) {
    long value = 0;
    for (int shift = 0; ; shift += 7) {
      byte next = in.get();
      value |= (long) (next & 0x7f) << shift;
      if (next >= 0) {
        return value;
      }
    }
  }

  List<ProtobufFields> messages(int number) {
    return fields.stream()
        .filter(f -> f.number() == number)
        .map(f -> new ProtobufFields(f.bytes().array()))
        .toList();
  }

  long number(int number) {
    return first(number).value();
  }

  byte[] bytes(int number) {
    return first(number).bytes().array();
  }

  String string(int number) {
    return new String(bytes(number), StandardCharsets.UTF_8);
  }

  boolean has(int number) {
    return fields.stream().anyMatch(f -> f.number() == number);
  }

  private Field first(int number) {
    return fields.stream().filter(f -> f.number() == number).findFirst().orElseThrow();
  }
}
