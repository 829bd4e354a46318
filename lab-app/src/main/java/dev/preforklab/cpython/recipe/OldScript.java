package dev.preforklab.cpython.recipe;

import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.layout.TypeSpec;
import java.util.List;
import java.util.function.Predicate;

/**
 * What the script around a recipe allocates on 2.7 once the heap is built: it formats the counts,
 * has them encoded, waits for words and calls act. All of that comes to lie behind the heap, where
 * the frames of its functions and the last text that was decoded keep arenas alive that a drop
 * would otherwise give back. In the order of a log of a real process's calls; the sources are
 * {@code Python/codecs.c}, {@code Objects/unicodeobject.c} and {@code Lib/encodings/__init__.py}.
 */
final class OldScript {
  /** Of a str, with what ends it. */
  private static final int TEXT_BYTES = 37;

  /** By how much a buffer for formatting is longer than the format. */
  private static final int FORMAT_ROOM = 100;

  private static final int ITERATOR_BYTES = 32;
  private static final int CODEC_INFO_BYTES = 72;
  private static final int TRACEBACK_BYTES = 40;
  private static final int EXCEPTION_BYTES = 40;
  private static final int UNICODE_BYTES = 48;

  /** A unicode that is shorter keeps its characters while it waits on the free list. */
  private static final int KEEPALIVE_LIMIT = 9;

  /** MAXPATHLEN + 1. */
  private static final int IMPORT_BYTES = 4097;

  private static final List<String> CODEC_INFO =
      List.of(
          "name",
          "encode",
          "decode",
          "incrementalencoder",
          "incrementaldecoder",
          "streamwriter",
          "streamreader");

  private static final String COUNTS = "F %d %d %d\n";
  private static final String PROCESS = "C %d\n";

  /** "C " and a process number; the baselines are of such with five digits. */
  private static final int PROCESS_LENGTH = 8;

  /** Variables and stack of {@code line}. */
  private static final int PLACES_OF_LINE = 5;

  private final Recipe recipe;
  private final Mutator mutator;
  private final Interpreter interpreter;
  private final Calls calls;
  private final Predicate<Recipe.Expression> isConstant;
  private final long type;

  /** The frame of {@code line}, which the code keeps. */
  private long frame;

  /** The word that is being read. */
  private long word;

  /** The length of the unicode that waits on the free list, if it has kept its characters. */
  private int keptLength;

  OldScript(Recipe recipe, Evaluator evaluator) {
    this(
        recipe,
        evaluator,
        evaluator.mutator().interpreter.addStaticType(TypeSpec.blocks("script", 16, 16, 0, false)));
  }

  private OldScript(Recipe recipe, Evaluator evaluator, long type) {
    this.recipe = recipe;
    this.type = type;
    mutator = evaluator.mutator();
    interpreter = mutator.interpreter;
    calls = evaluator.calls();
    isConstant = evaluator.definitions()::isConstant;
  }

  /** The script of a forked process. */
  OldScript forked(Evaluator child) {
    OldScript copy = new OldScript(recipe, child, type);
    copy.frame = frame;
    copy.word = word;
    copy.keptLength = keptLength;
    return copy;
  }

  /** The parent says what its counts are and waits for a word; it gets it. */
  void report(List<Integer> counts) {
    long tuple = mutator.newTuple(new long[counts.size()]);
    int length = String.format(COUNTS, counts.toArray()).length();
    long text = format(COUNTS, length);
    interpreter.decref(tuple);
    long encode = calls.bindBuiltin();
    passing("ascii");
    long arguments = mutator.newTuple(new long[1]);
    findCodec();
    interpreter.decref(arguments);
    write(encode(length), text, encode);
    frame =
        interpreter.newTracked(
            type, ReaderFrames.emptyBytes(interpreter.version) + 8 * PLACES_OF_LINE);
    read();
    leaveLine();
  }

  /** The child says which process it is and waits for the word to act. */
  void announce() {
    long text = format(PROCESS, PROCESS_LENGTH);
    long encode = calls.bindBuiltin();
    passing("ascii");
    write(encode(PROCESS_LENGTH), text, encode);
    enterLine();
  }

  /** The word to act has come. */
  void leaveLine() {
    interpreter.malloc.free(word);
    interpreter.untrack(frame);
  }

  /** The child says that it has acted and waits for its next word. */
  void done() {
    calls.write();
    interpreter.malloc.free(interpreter.malloc.allocate(UNICODE_BYTES));
    enterLine();
  }

  /** Of act's frame: the variables and the stack. */
  int placesOfAct(List<Recipe.Act> acts) {
    return new OldCode(recipe, acts, false, isConstant).places("act");
  }

  private void enterLine() {
    interpreter.track(frame);
    read();
  }

  private void read() {
    word = text(1);
  }

  /** The codec is looked up for the first time: its module is there, and asked for it. */
  private void findCodec() {
    long get = calls.bindBuiltin();
    interpreter.decref(mutator.newTuple(new long[2]));
    calls.release(get, true);
    interpreter.decref(mutator.newTuple(new long[1]));
    long join = calls.bindBuiltin();
    long translate = calls.bindBuiltin();
    passing("ascii");
    calls.release(translate, true);
    interpreter.decref(list());
    calls.release(join, true);
    long modules = list();
    long iterator = interpreter.newTracked(type, ITERATOR_BYTES);
    importCodec();
    interpreter.deleteTracked(iterator);
    makeCodecInfo();
    missAliases();
    interpreter.decref(modules);
  }

  /** {@code __import__('encodings.' + modname, fromlist=_import_tail, level=0)}. */
  private void importCodec() {
    long name = text("encodings.ascii".length());
    long keywords = dict(List.of("fromlist", "level"));
    for (String keyword : List.of("name", "globals", "locals", "fromlist", "level")) {
      passing(keyword);
    }
    long buffer = interpreter.raw.allocate(IMPORT_BYTES);
    passing("encodings");
    passing("encodings.ascii");
    passing("__path__");
    passing("'module' object has no attribute '__path__'");
    interpreter.raw.free(interpreter.raw.allocate(IMPORT_BYTES));
    interpreter.raw.free(buffer);
    interpreter.decref(keywords);
    interpreter.malloc.free(name);
  }

  /** {@code codecs.CodecInfo}, which is called with keywords, stays in the registry's cache. */
  private void makeCodecInfo() {
    long keywords = dict(CODEC_INFO);
    long self = mutator.newTuple(new long[1]);
    long pairs = mutator.newTuple(new long[2 * CODEC_INFO.size()]);
    long functions = mutator.newTuple(new long[4]);
    long arguments = mutator.newTuple(new long[2]);
    long rest = mutator.newTuple(new long[1]);
    interpreter.newTracked(type, CODEC_INFO_BYTES);
    interpreter.decref(rest);
    interpreter.decref(arguments);
    interpreter.decref(functions);
    interpreter.track(dict(CODEC_INFO));
    interpreter.decref(pairs);
    interpreter.decref(self);
    interpreter.decref(keywords);
  }

  /** {@code mod.getaliases()}, and there is none: the exception is noted in sys and goes. */
  private void missAliases() {
    long message = text("'module' object has no attribute 'getaliases'".length());
    long traceback = interpreter.newTracked(type, TRACEBACK_BYTES);
    long exception = interpreter.newTracked(type, EXCEPTION_BYTES);
    passing("exc_type");
    long value = text("exc_value".length());
    long trace = text("exc_traceback".length());
    passing("exc_type");
    passing("exc_value");
    long name = text("exc_value".length());
    interpreter.malloc.free(message);
    interpreter.deleteTracked(exception);
    interpreter.malloc.free(value);
    interpreter.malloc.free(name);
    passing("exc_traceback");
    name = text("exc_traceback".length());
    interpreter.deleteTracked(traceback);
    interpreter.malloc.free(trace);
    interpreter.malloc.free(name);
  }

  /**
   * A text is decoded, and what comes of that encoded: the unicode goes onto its free list.
   *
   * @return the block of the encoded text
   */
  private long encode(int length) {
    long characters = keptLength == 0 ? 0 : interpreter.freeLists.takeOther();
    long unicode = interpreter.freeLists.takeOther();
    if (unicode == 0) {
      unicode = interpreter.malloc.allocate(UNICODE_BYTES);
    }
    if (characters == 0) {
      characters = interpreter.malloc.allocate(4L * (length + 1));
    } else if (keptLength < length) {
      characters = interpreter.malloc.reallocate(characters, 4L * (length + 1));
    }
    long encoded = text(length);
    keptLength = length < KEEPALIVE_LIMIT ? length : 0;
    interpreter.freeLists.putOther(unicode);
    if (keptLength == 0) {
      interpreter.malloc.free(characters);
    } else {
      interpreter.freeLists.putOther(characters);
    }
    return encoded;
  }

  /** {@code posix.write(1, encoded)}, when the method that encoded it is gone with its text. */
  private void write(long encoded, long text, long method) {
    calls.release(method, true);
    interpreter.malloc.free(text);
    calls.write();
    interpreter.malloc.free(interpreter.malloc.allocate(UNICODE_BYTES));
    interpreter.malloc.free(encoded);
  }

  /** {@code format % ...}: a buffer, resized to what was written. */
  private long format(String format, int length) {
    long buffer = text(format.length() + FORMAT_ROOM);
    return interpreter.malloc.reallocate(buffer, TEXT_BYTES + length);
  }

  private long list() {
    return mutator.newList(new long[] {mutator.none()});
  }

  private long dict(List<String> keys) {
    long dict = mutator.dictObjects.newDictObject();
    keys.forEach(key -> mutator.dictObjects.setOldItem(dict, key, mutator.none()));
    return dict;
  }

  private long text(int length) {
    return interpreter.malloc.allocate(TEXT_BYTES + length);
  }

  /** A text that goes at once. */
  private void passing(String text) {
    interpreter.malloc.free(text(text.length()));
  }
}
