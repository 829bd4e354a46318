package dev.preforklab.cpython.gc;

import static dev.preforklab.cpython.Host.FRAME_MASK;
import static dev.preforklab.cpython.Host.LOG_BYTES_IN_PAGE;
import static dev.preforklab.cpython.Host.LOG_WORDS_IN_CHUNK;
import static dev.preforklab.cpython.Host.WORD_IN_CHUNK_MASK;
import static dev.preforklab.cpython.Host.WORD_IN_PAGE_MASK;

import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.layout.GcHead;
import dev.preforklab.cpython.layout.ObjectHead;
import dev.preforklab.cpython.layout.Traversal;
import dev.preforklab.cpython.layout.TypeRegistry;
import dev.preforklab.cpython.layout.TypeSpec;

/**
 * The algorithm of 3.8 to 3.14: gc_refs lives in the upper bits of the head's prev word, the list
 * is singly linked meanwhile, and the unreachable list is marked in next. In 3.14 next has the old
 * space's bit besides, which is the same in the whole list.
 *
 * <p>Design note: this is where the time of a collection goes, so each object is translated once. A
 * GC head and its object's head are pairs of words aligned to 16 bytes; neither pair straddles a
 * page, and only a head in the last 16 bytes of a page has its object on the next one. The page
 * table, the chunks and the type cache are local copies or fields re-read after each fault.
 */
final class CycleDetector extends Detector {
  private static final int HEAD_BYTES = 16;

  /** Page offset of a head whose object begins on the next page. */
  private static final int LAST_PAIR = (1 << LOG_BYTES_IN_PAGE) - HEAD_BYTES;

  private static final int PAGE_OFFSET = (1 << LOG_BYTES_IN_PAGE) - 1;
  private static final int LAST_WORD = (1 << LOG_BYTES_IN_PAGE) - 8;

  private final boolean hasImmortalObjects;
  private final boolean visitsHeapTypes;
  private final boolean incremental;

  /** The pointer in next, and the mark of the unreachable there. */
  private final long nextMask;

  private final long unreachableMark;
  private final Traversal traversal;
  private final long[] typeKeys;
  private final int[] typeCodes;

  private int[] table;
  private long[][] chunks;
  private int[] referents;

  /** End of the list that reachable objects are moved back to. */
  private long youngHead;

  /** The list of the others; its head alone carries no mark in next. */
  private long unreachableHead;

  CycleDetector(Interpreter interpreter) {
    super(interpreter);
    hasImmortalObjects = interpreter.version.hasImmortalObjects;
    visitsHeapTypes = interpreter.version.visitsHeapTypes;
    incremental = interpreter.version.incremental;
    nextMask = incremental ? GcHead.NEXT_MASK : -1;
    unreachableMark = incremental ? GcHead.NEXT_UNREACHABLE_INCREMENTAL : GcHead.NEXT_UNREACHABLE;
    traversal = new Traversal(host, interpreter.version);
    typeKeys = interpreter.types.cacheKeys();
    typeCodes = interpreter.types.cacheCodes();
    table = host.table();
    chunks = host.chunks();
    referents = interpreter.referents.words();
  }

  @Override
  void deduceUnreachable(long base, long unreachable) {
    referents = interpreter.referents.words();
    reload();
    updateRefs(base);
    subtractRefs(base);
    interpreter.lists.init(unreachable);
    moveUnreachable(base, unreachable);
  }

  private void reload() {
    table = host.table();
    chunks = host.chunks();
  }

  private int entry(long address) {
    int page = (int) (address >>> LOG_BYTES_IN_PAGE);
    int[] t = table;
    int e = page < t.length ? t[page] : 0;
    return e != 0 ? e : entrySlow(address);
  }

  private int entrySlow(long address) {
    int e = host.entry(address);
    reload();
    return e;
  }

  private int writable(long address) {
    int page = (int) (address >>> LOG_BYTES_IN_PAGE);
    int[] t = table;
    int e = page < t.length ? t[page] : 0;
    return e > 0 ? e : writableSlow(address);
  }

  private int writableSlow(long address) {
    int e = host.writableEntry(address, interpreter.gcHeadCause());
    reload();
    return e;
  }

  private static int word(int entry, long address) {
    return (entry & FRAME_MASK) + ((int) (address >>> 3) & WORD_IN_PAGE_MASK);
  }

  private int code(long type) {
    int slot = (int) (type >>> TypeRegistry.CACHE_SHIFT) & TypeRegistry.CACHE_MASK;
    return typeKeys[slot] == type ? typeCodes[slot] : interpreter.types.code(type);
  }

  /** After this: gc_refs of every object on the list is its reference count. */
  private void updateRefs(long base) {
    long n = 0;
    long gc = interpreter.lists.next(base);
    while (gc != base) {
      int w = word(writable(gc), gc);
      long[] chunk = chunks[w >>> LOG_WORDS_IN_CHUNK];
      int i = w & WORD_IN_CHUNK_MASK;
      long next = chunk[i] & nextMask;
      long refs =
          ((int) gc & PAGE_OFFSET) != LAST_PAIR
              ? chunk[i + 2]
              : host.load(gc + HEAD_BYTES + ObjectHead.REF_COUNT);
      if (hasImmortalObjects && ObjectHead.isImmortal(refs)) {
        if (incremental) {
          interpreter.lists.untrack(gc);
        } else {
          interpreter.lists.move(gc, interpreter.gcState.permanentHead());
        }
        reload();
      } else {
        chunk[i + 1] =
            (chunk[i + 1] & GcHead.PREV_FINALIZED)
                | GcHead.PREV_COLLECTING
                | (refs << GcHead.PREV_SHIFT);
        n++;
      }
      gc = next;
    }
    objects += n;
  }

  /** After this: gc_refs is the number of references from outside the list. */
  private void subtractRefs(long base) {
    long gc = interpreter.lists.next(base);
    while (gc != base) {
      int w = word(entry(gc), gc);
      long[] chunk = chunks[w >>> LOG_WORDS_IN_CHUNK];
      int i = w & WORD_IN_CHUNK_MASK;
      long next = chunk[i] & nextMask;
      visitReferences(gc, chunk, i, false);
      gc = next;
    }
  }

  /**
   * After this: what stayed on the list is reachable, with prev pointers restored and no longer
   * COLLECTING; the rest is on {@code unreachable}.
   */
  private void moveUnreachable(long young, long unreachable) {
    youngHead = young;
    unreachableHead = unreachable;
    long count = 0;
    long prev = young;
    long gc = interpreter.lists.next(young);
    while (gc != young) {
      int w = word(writable(gc), gc);
      long[] chunk = chunks[w >>> LOG_WORDS_IN_CHUNK];
      int i = w & WORD_IN_CHUNK_MASK;
      long prevWord = chunk[i + 1];
      if (prevWord >>> GcHead.PREV_SHIFT != 0) {
        chunk[i + 1] = (prevWord & GcHead.PREV_FINALIZED) | prev;
        visitReferences(gc, chunk, i, true);
        count++;
        prev = gc;
        gc = interpreter.lists.next(gc);
      } else {
        // Not reached so far: to the unreachable list, perhaps to be taken back.
        long next = chunk[i] & nextMask;
        long space = chunk[i] & ~nextMask;
        interpreter.lists.setNext(prev, next);
        long last = interpreter.lists.prev(unreachable);
        if (last == unreachable) {
          interpreter.lists.setNext(last, gc);
        } else {
          host.store(last + GcHead.NEXT, gc | unreachableMark | space, interpreter.gcHeadCause());
        }
        w = word(writable(gc), gc);
        chunk = chunks[w >>> LOG_WORDS_IN_CHUNK];
        i = w & WORD_IN_CHUNK_MASK;
        chunk[i + 1] = (chunk[i + 1] & ~GcHead.PREV_MASK) | last;
        chunk[i] = unreachable | unreachableMark | space;
        host.store(unreachable + GcHead.PREV, gc, interpreter.gcHeadCause());
        reload();
        gc = next;
      }
    }
    host.store(young + GcHead.PREV, prev, interpreter.gcHeadCause());
    reachable += count;
  }

  /** tp_traverse with visit_decref or visit_reachable; the head stands at chunk[i]. */
  private void visitReferences(long gc, long[] chunk, int i, boolean reach) {
    long object = gc + HEAD_BYTES;
    boolean samePage = ((int) gc & PAGE_OFFSET) <= LAST_PAIR - 32;
    long type = samePage ? chunk[i + 3] : host.load(object + ObjectHead.TYPE);
    int code = code(type);
    switch (code & TypeSpec.CODE_TRAVERSAL) {
      case TypeSpec.ATOMIC -> {}
      case TypeSpec.OPAQUE -> {
        long index = samePage ? chunk[i + 4] : host.load(object + TypeSpec.OPAQUE_INDEX);
        if (index > 0) {
          visitTable((int) index, reach);
        }
      }
      case TypeSpec.LIST -> {
        long size = samePage ? chunk[i + 4] : host.load(object + ObjectHead.SIZE);
        if (size > 0) {
          long items = samePage ? chunk[i + 5] : host.load(object + ObjectHead.VAR_BYTES);
          visitRange(items, size, reach);
        }
      }
      case TypeSpec.TUPLE -> {
        long size = samePage ? chunk[i + 4] : host.load(object + ObjectHead.SIZE);
        visitRange(object + ObjectHead.VAR_BYTES, size, reach);
      }
      case TypeSpec.BLOCKS -> {
        int words = code >>> TypeSpec.CODE_BLOCKS_SHIFT;
        if (words != 0) {
          visitRange(object + ObjectHead.BYTES, words, reach);
        } else {
          visitLocated(object, code, reach);
        }
      }
      default -> visitLocated(object, code, reach);
    }
    if ((code & TypeSpec.CODE_HEAP_TYPE) != 0 && visitsHeapTypes) {
      visit(type, reach);
    }
    if (reach && (code & (TypeSpec.CODE_TUPLE | TypeSpec.CODE_DICT)) != 0) {
      if ((code & TypeSpec.CODE_TUPLE) != 0) {
        rememberTuple(object);
      } else {
        rememberDict(object);
      }
    }
  }

  private void visitLocated(long object, int code, boolean reach) {
    Traversal where = traversal;
    where.locate(object, interpreter.types.specOfCode(code));
    long count = where.count;
    references += where.keyCount;
    if (where.stride == 8) {
      visitRange(where.address, count, reach);
    } else {
      references += count;
      for (long k = 0; k < count; k++) {
        visitAt(where.address + k * where.stride, reach);
      }
    }
    for (long k = 0; k < where.keyCount; k++) {
      visitAt(where.keyAddress + k * where.keyStride, reach);
    }
    if (where.single != 0) {
      visitAt(where.single, reach);
    }
  }

  private void visitAt(long address, boolean reach) {
    int w = word(entry(address), address);
    long referent = chunks[w >>> LOG_WORDS_IN_CHUNK][w & WORD_IN_CHUNK_MASK];
    if (referent != 0) {
      visit(referent, reach);
    }
  }

  /** Consecutive words, a page at a time. The words themselves do not change meanwhile. */
  private void visitRange(long from, long count, boolean reach) {
    long address = from;
    long left = count;
    references += count;
    while (left > 0) {
      int w = word(entry(address), address);
      long[] chunk = chunks[w >>> LOG_WORDS_IN_CHUNK];
      int i = w & WORD_IN_CHUNK_MASK;
      int n = (int) Math.min(left, WORD_IN_PAGE_MASK + 1 - (w & WORD_IN_PAGE_MASK));
      for (int k = 0; k < n; k++) {
        long referent = chunk[i + k];
        if (referent != 0) {
          visit(referent, reach);
        }
      }
      address += 8L * n;
      left -= n;
    }
  }

  private void visitTable(int index, boolean reach) {
    int[] words = referents;
    int end = index + 2 + words[index];
    references += words[index];
    for (int k = index + 2; k < end; k++) {
      visit((words[k] & 0xffffffffL) << 3, reach);
    }
  }

  private void visit(long object, boolean reach) {
    int w = word(entry(object), object);
    long[] chunk = chunks[w >>> LOG_WORDS_IN_CHUNK];
    int i = w & WORD_IN_CHUNK_MASK;
    // An object of static data may lie across the page's end; one with a GC head never does.
    boolean samePage = ((int) object & PAGE_OFFSET) != LAST_WORD;
    int code = code(samePage ? chunk[i + 1] : host.load(object + ObjectHead.TYPE));
    if ((code & (TypeSpec.CODE_GC | TypeSpec.CODE_GC_BY_FLAGS)) == 0) {
      return;
    }
    if ((code & TypeSpec.CODE_GC_BY_FLAGS) != 0 && !interpreter.isGc(object, code)) {
      return;
    }
    if (((int) object & PAGE_OFFSET) == 0) {
      long head = object - HEAD_BYTES;
      w = word(entry(head), head);
      chunk = chunks[w >>> LOG_WORDS_IN_CHUNK];
      i = (w & WORD_IN_CHUNK_MASK) + 2;
    }
    long prevWord = chunk[i - 1];
    if ((prevWord & GcHead.PREV_COLLECTING) == 0) {
      return;
    }
    // The page of a COLLECTING object is writable: updateRefs has stored into it.
    if (!reach) {
      chunk[i - 1] = prevWord - GcHead.PREV_REF;
    } else if ((chunk[i - 2] & unreachableMark) != 0) {
      takeBack(object - HEAD_BYTES);
    } else if (prevWord >>> GcHead.PREV_SHIFT == 0) {
      chunk[i - 1] = prevWord | GcHead.PREV_REF;
    }
  }

  /** From the unreachable list back to the end of the young one, gc_refs = 1. */
  private void takeBack(long gc) {
    int cause = interpreter.gcHeadCause();
    long word = host.load(gc + GcHead.NEXT);
    long next = word & nextMask & ~unreachableMark;
    long prev = interpreter.lists.prev(gc);
    host.store(prev + GcHead.NEXT, prev == unreachableHead ? next : word, cause);
    interpreter.lists.setPrev(next, prev);
    host.store(gc + GcHead.NEXT, word & ~unreachableMark, cause);
    interpreter.lists.append(gc, youngHead);
    host.store(
        gc + GcHead.PREV,
        (host.load(gc + GcHead.PREV) & ~GcHead.PREV_MASK) | GcHead.PREV_REF,
        cause);
    reload();
  }
}
