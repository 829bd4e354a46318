package dev.preforklab.prefork.profile;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.nio.file.Path;

/** Parses the records after the header, token by token, and hands them to the assembler. */
final class RecordParser {
  /** Larger changes of a free list than any there are. */
  private static final int FREE_LIST_CHANGE_MAX = 1 << 20;

  private static final int RUNS_MAX = 1 << 22;
  private static final long ADDRESS_MAX = 1L << 47;

  private final Path file;
  private final JsonParser in;
  private final ProfileAssembler assembler;
  private final IntArray ints = new IntArray(1 << 12);
  private final IntArray deltas = new IntArray(64);
  private final LongArray longs = new LongArray(1 << 12);
  private long line;

  RecordParser(Path file, JsonParser in, ProfileAssembler assembler) {
    this.file = file;
    this.in = in;
    this.assembler = assembler;
  }

  /**
   * Reads the record whose first token the parser stands on.
   *
   * @param line its number in the file, from 1
   * @return whether it was the end record
   */
  boolean readRecord(long line) throws IOException {
    this.line = line;
    if (in.currentToken() != JsonToken.START_OBJECT || in.nextToken() != JsonToken.FIELD_NAME) {
      throw bad("a record must be an object with one key");
    }
    String kind = in.currentName();
    in.nextToken();
    boolean end = false;
    switch (kind) {
      case "vma" -> readVma();
      case "arena" -> readArena();
      case "pool" -> readPool();
      case "used" -> readUsed();
      case "free_pools" -> readFreePools();
      case "usable_arenas" -> {
        readLongs();
        assembler.usableArenas(line, longs.toArray());
      }
      case "c_heap" -> readCHeap();
      case "objs" -> readObjects();
      case "gc_list" -> readGcList();
      case "load" -> assembler.load(line, new LoadParser(in, this).read(assembler.gc()));
      case "request", "first_request" -> readRequest(new RequestCompiler(file, line));
      case "start" -> readRequest(RequestCompiler.ofStart(file, line));
      case "gathers" -> readGathers();
      case "touched" -> readTouched();
      case "copies" -> readCopies();
      case "needs" -> readNeeds();
      case "appeared" -> readAppeared();
      case "end" -> {
        readEnd();
        end = true;
      }
      default -> throw bad("unknown record \"" + kind + "\"");
    }
    if (in.nextToken() != JsonToken.END_OBJECT) {
      throw bad("a record must have one key");
    }
    return end;
  }

  private void readVma() throws IOException {
    requireArray();
    long start = nextLong(0, ADDRESS_MAX);
    int pages = (int) nextLong(1, 1L << 28);
    String kindName = nextText();
    CapturedVma.Kind kind =
        switch (kindName) {
          case "anon" -> CapturedVma.Kind.ANON;
          case "brk_heap" -> CapturedVma.Kind.BRK_HEAP;
          case "stack" -> CapturedVma.Kind.STACK;
          case "lib_data" -> CapturedVma.Kind.LIB_DATA;
          case "file_ro" -> CapturedVma.Kind.FILE_RO;
          default -> throw bad("unknown kind of mapping \"" + kindName + "\"");
        };
    String library = nextText();
    in.nextToken();
    readInts(ints, 0, RUNS_MAX);
    int[] runs = ints.toArray();
    long covered = 0;
    for (int run : runs) {
      covered += run;
    }
    if (covered > pages || (start & 4095) != 0) {
      throw bad("a mapping's runs cover " + covered + " of " + pages + " pages");
    }
    expectEnd();
    assembler.vma(line, new CapturedVma(start, pages, kind, library, runs));
  }

  private void readArena() throws IOException {
    requireArray();
    assembler.arena(line, nextLong(1, ADDRESS_MAX), (int) nextLong(1, 1 << 16));
    expectEnd();
  }

  private void readPool() throws IOException {
    requireArray();
    long address = nextLong(1, ADDRESS_MAX);
    int szidx = (int) nextLong(0, 63);
    int refCount = (int) nextLong(0, 1 << 16);
    int next = (int) nextLong(0, 1 << 21);
    int max = (int) nextLong(0, 1 << 21);
    in.nextToken();
    readInts(ints, 0, 1 << 21);
    expectEnd();
    assembler.pool(line, new HeapImage.Pool(address, szidx, refCount, next, max, ints.toArray()));
  }

  private void readUsed() throws IOException {
    requireArray();
    int szidx = (int) nextLong(0, 63);
    in.nextToken();
    readLongs();
    expectEnd();
    assembler.used(line, szidx, longs.toArray());
  }

  private void readFreePools() throws IOException {
    requireArray();
    long arena = nextLong(1, ADDRESS_MAX);
    in.nextToken();
    readLongs();
    // the address of the next pool to carve and the number of free pools follow from the others
    while (in.nextToken() == JsonToken.VALUE_NUMBER_INT) {
      currentLong(0, ADDRESS_MAX);
    }
    if (in.currentToken() != JsonToken.END_ARRAY) {
      throw bad("free pools are a list of numbers");
    }
    assembler.freePools(line, arena, longs.toArray());
  }

  private void readCHeap() throws IOException {
    requireArray();
    long trimThreshold = nextLong(0, ADDRESS_MAX);
    long mmapThreshold = nextLong(0, ADDRESS_MAX);
    long top = nextLong(1, ADDRESS_MAX);
    long topBytes = nextLong(1, ADDRESS_MAX);
    in.nextToken();
    requireArray();
    longs.clear();
    while (in.nextToken() == JsonToken.START_ARRAY) {
      longs.add(nextLong(1, ADDRESS_MAX));
      longs.add(nextLong(1, Integer.MAX_VALUE));
      expectEnd();
    }
    expectEnd();
    assembler.cHeap(
        line, new CapturedCHeap(trimThreshold, mmapThreshold, top, topBytes, longs.toArray()));
  }

  private void readObjects() throws IOException {
    requireArray();
    while (in.nextToken() == JsonToken.START_ARRAY) {
      readObject();
    }
    if (in.currentToken() != JsonToken.END_ARRAY) {
      throw bad("rows of objects must be arrays");
    }
  }

  private void readObject() throws IOException {
    long delta = nextLong(0, ADDRESS_MAX / 8);
    int type = (int) nextLong(0, Integer.MAX_VALUE);
    int bytes = (int) nextLong(0, Integer.MAX_VALUE);
    byte flag = (byte) nextLong(0, 2);
    long refcount = nextLong(Long.MIN_VALUE, Long.MAX_VALUE);
    in.nextToken();
    readInts(deltas, Integer.MIN_VALUE, Integer.MAX_VALUE);
    assembler.object(line, delta, type, bytes, flag, refcount, deltas);
    JsonToken token = in.nextToken();
    if (token == JsonToken.START_ARRAY) {
      while (in.nextToken() == JsonToken.START_ARRAY) {
        long address = nextLong(1, ADDRESS_MAX);
        int size = (int) nextLong(0, Integer.MAX_VALUE);
        byte kind = (byte) nextLong(0, 4);
        expectEnd();
        assembler.block(line, address, size, kind);
      }
      if (in.currentToken() != JsonToken.END_ARRAY) {
        throw bad("blocks of an object must be arrays");
      }
      token = in.nextToken();
    }
    if (token != JsonToken.END_ARRAY) {
      throw bad("a row of an object has more fields than known");
    }
  }

  private void readGcList() throws IOException {
    requireArray();
    int generation = (int) nextLong(0, 3);
    in.nextToken();
    readInts(ints, Integer.MIN_VALUE, Integer.MAX_VALUE);
    expectEnd();
    assembler.gcList(line, generation, ints);
  }

  private void readTouched() throws IOException {
    requireArray();
    int request = (int) nextLong(0, Integer.MAX_VALUE);
    assembler.touched(line, request, readPages());
  }

  private void readCopies() throws IOException {
    requireArray();
    int endpoint = (int) nextLong(0, Integer.MAX_VALUE);
    in.nextToken();
    readInts(ints, 0, Integer.MAX_VALUE);
    expectEnd();
    assembler.copies(line, endpoint, ints.toArray());
  }

  /** Numbers of pages: the first one and differences, in profiles before 2026-12-01 a list. */
  private long[] readPages() throws IOException {
    if (in.nextToken() == JsonToken.START_ARRAY) {
      readLongs();
      expectEnd();
      return longs.toArray();
    }
    long first = currentLong(0, ADDRESS_MAX);
    in.nextToken();
    readLongs();
    expectEnd();
    long[] pages = new long[longs.size() + 1];
    pages[0] = first;
    for (int i = 1; i < pages.length; i++) {
      pages[i] = Math.addExact(pages[i - 1], longs.get(i - 1));
      if (pages[i] > ADDRESS_MAX) {
        throw bad(pages[i] + " is no address");
      }
    }
    return pages;
  }

  private void readNeeds() throws IOException {
    requireArray();
    int request = (int) nextLong(1, Integer.MAX_VALUE);
    assembler.needs(line, request, readPages());
  }

  private void readAppeared() throws IOException {
    requireArray();
    int request = (int) nextLong(0, Integer.MAX_VALUE);
    String kind = nextText();
    assembler.appeared(line, request, kind, (int) nextLong(0, Integer.MAX_VALUE));
    expectEnd();
  }

  private void readEnd() throws IOException {
    if (in.currentToken() != JsonToken.START_OBJECT) {
      throw bad("the end record must be an object");
    }
    long lines = -1;
    while (in.nextToken() == JsonToken.FIELD_NAME) {
      boolean known = in.currentName().equals("lines");
      in.nextToken();
      if (known && in.currentToken() == JsonToken.VALUE_NUMBER_INT) {
        lines = in.getLongValue();
      } else {
        in.skipChildren();
      }
    }
    if (lines != line) {
      throw bad("the end record tells of " + lines + " lines, there are " + line);
    }
  }

  private void readRequest(RequestCompiler compiler) throws IOException {
    if (in.currentToken() != JsonToken.START_OBJECT) {
      throw bad("a request must be an object");
    }
    while (in.nextToken() == JsonToken.FIELD_NAME) {
      String key = in.currentName();
      in.nextToken();
      switch (key) {
        case "endpoint" -> compiler.endpoint = (int) currentLong(0, Integer.MAX_VALUE);
        case "state" -> compiler.state(currentText());
        case "after" -> {
          readInts(ints, 0, Integer.MAX_VALUE);
          compiler.after = ints.toArray();
        }
        case "shares" -> {
          readInts(ints, 0, Integer.MAX_VALUE);
          compiler.shares = ints.toArray();
        }
        case "cpu_ns" -> compiler.cpuNs = currentLong(0, Long.MAX_VALUE);
        case "events" -> {
          readInts(ints, Integer.MIN_VALUE, Integer.MAX_VALUE);
          compiler.events(ints);
        }
        case "garbage" -> readGarbage(compiler);
        case "lost" -> {
          readInts(deltas, 0, Integer.MAX_VALUE);
          compiler.lost(deltas);
        }
        case "carried" -> readCarried(compiler);
        case "gathered" -> {
          readInts(deltas, 0, Integer.MAX_VALUE);
          compiler.gathered(deltas);
        }
        case "free_listed" -> readFreeListed(compiler);
        case "resized" -> {
          readInts(deltas, 0, Integer.MAX_VALUE);
          compiler.resized(deltas);
        }
        case "shelved" -> {
          readInts(deltas, 0, Integer.MAX_VALUE);
          compiler.shelved(deltas);
        }
        case "direct" -> {
          readInts(deltas, 0, Integer.MAX_VALUE);
          compiler.direct(deltas);
        }
        case "unlisted" -> {
          readInts(deltas, 0, Integer.MAX_VALUE);
          compiler.unlisted(deltas);
        }
        case "tracked" -> {
          readInts(deltas, 0, Integer.MAX_VALUE);
          compiler.tracked(deltas);
        }
        case "atomic" -> {
          readInts(deltas, 0, Integer.MAX_VALUE);
          compiler.atomic(deltas);
        }
        case "older" -> {
          readInts(ints, 0, Integer.MAX_VALUE);
          compiler.older(ints);
        }
        case "filled" -> {
          readInts(ints, 0, Integer.MAX_VALUE);
          compiler.filled(ints);
        }
        case "free_list_changes" -> {
          readInts(ints, -FREE_LIST_CHANGE_MAX, Integer.MAX_VALUE);
          compiler.freeListChanges(ints);
        }
        case "held" -> {
          readInts(ints, 0, Integer.MAX_VALUE);
          compiler.held(ints);
        }
        default -> in.skipChildren();
      }
    }
    assembler.request(line, compiler.finish());
  }

  private void readGathers() throws IOException {
    if (in.currentToken() != JsonToken.START_OBJECT) {
      throw bad("gathers must be an object");
    }
    int limit = 0;
    int waiting = 0;
    while (in.nextToken() == JsonToken.FIELD_NAME) {
      String key = in.currentName();
      in.nextToken();
      switch (key) {
        case "limit" -> limit = (int) currentLong(1, Integer.MAX_VALUE);
        case "waiting" -> waiting = (int) currentLong(0, Integer.MAX_VALUE);
        default -> in.skipChildren();
      }
    }
    assembler.gathers(line, new RequestRecords.Gathering(limit, waiting));
  }

  private void readGarbage(RequestCompiler compiler) throws IOException {
    requireArray();
    while (in.nextToken() == JsonToken.START_ARRAY) {
      in.nextToken();
      readInts(ints, 0, Integer.MAX_VALUE);
      in.nextToken();
      readInts(deltas, 0, Integer.MAX_VALUE);
      expectEnd();
      compiler.garbage(ints, deltas);
    }
    if (in.currentToken() != JsonToken.END_ARRAY) {
      throw bad("garbage must be a list of groups");
    }
  }

  private void readFreeListed(RequestCompiler compiler) throws IOException {
    requireArray();
    while (in.nextToken() == JsonToken.START_ARRAY) {
      int number = (int) nextLong(1, RequestTrace.FREE_LISTS_MAX);
      in.nextToken();
      readInts(deltas, 0, Integer.MAX_VALUE);
      expectEnd();
      compiler.freeListed(number, deltas);
    }
    if (in.currentToken() != JsonToken.END_ARRAY) {
      throw bad("free_listed must be a list of [free list, ordinals]");
    }
  }

  private void readCarried(RequestCompiler compiler) throws IOException {
    requireArray();
    while (in.nextToken() == JsonToken.START_ARRAY) {
      int ordinal = (int) nextLong(0, Integer.MAX_VALUE);
      int requests = (int) nextLong(1, Integer.MAX_VALUE);
      expectEnd();
      compiler.carried(ordinal, requests);
    }
    if (in.currentToken() != JsonToken.END_ARRAY) {
      throw bad("carried must be a list of [ordinal, requests]");
    }
  }

  void readInts(IntArray into, int min, int max) throws IOException {
    requireArray();
    into.clear();
    while (in.nextToken() == JsonToken.VALUE_NUMBER_INT) {
      long value = in.getLongValue();
      if (value < min || value > max) {
        throw bad(value + " is out of range");
      }
      into.add((int) value);
    }
    if (in.currentToken() != JsonToken.END_ARRAY) {
      throw bad("found " + in.getText() + " among whole numbers");
    }
  }

  private void readLongs() throws IOException {
    requireArray();
    longs.clear();
    while (in.nextToken() == JsonToken.VALUE_NUMBER_INT) {
      long value = in.getLongValue();
      if (value < 0 || value > ADDRESS_MAX) {
        throw bad(value + " is no address");
      }
      longs.add(value);
    }
    if (in.currentToken() != JsonToken.END_ARRAY) {
      throw bad("found " + in.getText() + " among addresses");
    }
  }

  private long nextLong(long min, long max) throws IOException {
    in.nextToken();
    return currentLong(min, max);
  }

  long currentLong(long min, long max) throws IOException {
    if (in.currentToken() != JsonToken.VALUE_NUMBER_INT) {
      throw bad("a whole number is missing");
    }
    long value = in.getLongValue();
    if (value < min || value > max) {
      throw bad(value + " is out of range");
    }
    return value;
  }

  private String nextText() throws IOException {
    in.nextToken();
    return currentText();
  }

  private String currentText() throws IOException {
    if (in.currentToken() != JsonToken.VALUE_STRING) {
      throw bad("a string is missing");
    }
    return in.getText();
  }

  void requireArray() {
    if (in.currentToken() != JsonToken.START_ARRAY) {
      throw bad("an array is missing");
    }
  }

  private void expectEnd() throws IOException {
    if (in.nextToken() != JsonToken.END_ARRAY) {
      throw bad("a record has more fields than known");
    }
  }

  ProfileException bad(String problem) {
    return new ProfileException(file, "line " + line + ": " + problem);
  }
}
