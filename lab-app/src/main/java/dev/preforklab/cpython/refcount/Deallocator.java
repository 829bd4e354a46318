package dev.preforklab.cpython.refcount;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.PythonVersion.InstanceLayout;
import dev.preforklab.cpython.RuntimeState;
import dev.preforklab.cpython.layout.DictLayout;
import dev.preforklab.cpython.layout.GcHead;
import dev.preforklab.cpython.layout.ObjectHead;
import dev.preforklab.cpython.layout.Traversal;
import dev.preforklab.cpython.layout.TypeSpec;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * tp_dealloc and tp_clear of the simulated types, with the trashcan: beyond 50 nested containers an
 * object is only chained up (through its GC head's prev) and freed when the nesting has unwound.
 *
 * <p>To 3.7 the deallocator of instances counts its own nesting one higher around the trashcan, so
 * that it never empties it: what it left there, dead, untracked, not given back, waits for the next
 * list, tuple, dict or set that goes, with all that it still refers to.
 */
public final class Deallocator {
  private static final int TRASHCAN_UNWIND_LEVEL = 50;

  private final Interpreter interpreter;
  private final Host host;
  private final DictLayout dicts;
  private final boolean isOld;
  private final boolean instancesLeaveTrash;
  private int nesting;

  /** GC head of the object chained up last; also in memory, for what lies there at a fork. */
  private long deleteLater;

  private long deallocations;

  /** Of deallocations under way, those of instances; above them are those that are chained up. */
  private int instances;

  private int deepestInstances;
  private int instancesAtCut;
  private int instancesAbove;

  /** Hears how many instances' deallocations are nested where nothing cuts them off. */
  private @Nullable IntConsumer nestingListener;

  private Traversal[] traversals = new Traversal[4];

  public Deallocator(Interpreter interpreter) {
    this.interpreter = interpreter;
    host = interpreter.host;
    dicts = new DictLayout(interpreter.version);
    isOld = interpreter.version.major == 2;
    instancesLeaveTrash = !interpreter.version.atLeast(3, 8);
  }

  /** Takes over what the parent's trashcan held at the fork. */
  public void inheritTrash() {
    deleteLater = host.load(interpreter.runtime + RuntimeState.TRASH_DELETE_LATER);
  }

  /** Objects freed by this process so far. */
  public long deallocations() {
    return deallocations;
  }

  /** Names who hears each time that instances' deallocations nest deeper than ever before. */
  public void setNestingListener(IntConsumer listener) {
    nestingListener = listener;
  }

  /** Frees an object whose reference count has reached zero. */
  public void deallocate(long object) {
    int code = interpreter.types.code(host.load(object + ObjectHead.TYPE));
    if ((code & TypeSpec.CODE_TRAVERSAL) == TypeSpec.ATOMIC && !interpreter.isGc(object, code)) {
      deallocations++;
      freeAtomic(object, interpreter.types.specOfCode(code));
      return;
    }
    interpreter.untrack(object);
    TypeSpec spec = interpreter.types.specOfCode(code);
    boolean leavesTrash = instancesLeaveTrash && isInstance(spec);
    if (nesting + (leavesTrash ? 1 : 0) >= TRASHCAN_UNWIND_LEVEL) {
      long head = object - interpreter.version.gcHeadBytes;
      interpreter.lists.setPrev(head, deleteLater);
      setDeleteLater(head);
      instancesAtCut = instancesAbove + instances;
      return;
    }
    int nested = isInstance(spec) ? 1 : 0;
    nesting++;
    instances += nested;
    noteNesting();
    deallocateContainer(object, spec);
    instances -= nested;
    nesting--;
    if (nesting == 0 && deleteLater != 0 && !leavesTrash) {
      destroyChain();
    }
  }

  /** Whether {@code subtype_dealloc} is the deallocator: a class written in Python. */
  private static boolean isInstance(TypeSpec spec) {
    return spec.traversal() == TypeSpec.INSTANCE
        || (spec.traversal() == TypeSpec.BLOCKS && spec.exact() == TypeSpec.Exact.NONE);
  }

  private void destroyChain() {
    // one for the chain, which must not be destroyed from within, and one for the object's own
    nesting += 2;
    int above = instancesAbove;
    while (deleteLater != 0) {
      instancesAbove = instancesAtCut + 1;
      long head = deleteLater;
      setDeleteLater(host.load(head + GcHead.PREV) & GcHead.PREV_MASK);
      long object = head + interpreter.version.gcHeadBytes;
      deallocateContainer(object, interpreter.spec(object));
    }
    nesting -= 2;
    instancesAbove = above;
  }

  private void noteNesting() {
    if (instancesAbove + instances > deepestInstances) {
      deepestInstances = instancesAbove + instances;
      if (nestingListener != null) {
        nestingListener.accept(deepestInstances);
      }
    }
  }

  private void setDeleteLater(long head) {
    deleteLater = head;
    set(interpreter.runtime + RuntimeState.TRASH_DELETE_LATER, head);
  }

  private void freeAtomic(long object, TypeSpec spec) {
    if (spec.exact() == TypeSpec.Exact.ARRAY) {
      freeBuffer(object);
    }
    boolean isFloat = spec.exact() == TypeSpec.Exact.FLOAT;
    if (isOld && (isFloat || spec.exact() == TypeSpec.Exact.INT)) {
      interpreter.freeLists.oldNumbers().free(isFloat, object);
      return;
    }
    if (isFloat && interpreter.freeLists.putFloat(object)) {
      return;
    }
    long type = host.load(object + ObjectHead.TYPE);
    interpreter.malloc.free(object);
    if (spec.isHeapType()) {
      interpreter.refCounts.decref(type);
    }
  }

  private void freeBuffer(long array) {
    long items = host.load(array + ObjectHead.VAR_BYTES);
    if (items != 0) {
      interpreter.malloc.free(items);
    }
  }

  private void deallocateContainer(long object, TypeSpec spec) {
    deallocations++;
    long type = host.load(object + ObjectHead.TYPE);
    if (spec.traversal() == TypeSpec.OPAQUE) {
      deallocateOpaque(object, spec);
      return;
    }
    boolean kept = false;
    switch (spec.traversal()) {
      case TypeSpec.LIST -> {
        clearList(object);
        kept = spec.exact() == TypeSpec.Exact.LIST && interpreter.freeLists.putList(object);
      }
      case TypeSpec.TUPLE -> {
        long length = host.load(object + ObjectHead.SIZE);
        dropBackwards(object + ObjectHead.VAR_BYTES, length);
        kept =
            spec.exact() == TypeSpec.Exact.TUPLE && interpreter.freeLists.putTuple(object, length);
      }
      case TypeSpec.DICT -> {
        freeDictContent(object, spec);
        kept = spec.exact() == TypeSpec.Exact.DICT && interpreter.freeLists.putDict(object);
      }
      case TypeSpec.SET -> {
        freeSetContent(object, spec);
        kept = spec.exact() == TypeSpec.Exact.SET && interpreter.freeLists.putSet(object);
      }
      case TypeSpec.INSTANCE -> freeInstanceContent(object, spec);
      default -> {
        dropAll(object, spec);
        if (spec.exact() == TypeSpec.Exact.ARRAY) {
          freeBuffer(object);
        }
      }
    }
    if (!kept) {
      interpreter.gcDelete(object, spec);
    }
    if (spec.isHeapType()) {
      interpreter.refCounts.decref(type);
    }
  }

  /** Drops the located references of an object, first to last. */
  private void dropAll(long object, TypeSpec spec) {
    int level = nesting;
    Traversal traversal = traversal(level);
    traversal.locate(object, spec);
    for (long i = 0; i < traversal.count; i++) {
      dropAt(traversal.address + i * traversal.stride);
    }
    if (traversal.single != 0) {
      dropAt(traversal.single);
    }
  }

  private Traversal traversal(int level) {
    if (level >= traversals.length) {
      traversals = java.util.Arrays.copyOf(traversals, 2 * level);
    }
    Traversal traversal = traversals[level];
    if (traversal == null) {
      traversal = new Traversal(host, interpreter.version);
      traversals[level] = traversal;
    }
    return traversal;
  }

  private void dropAt(long address) {
    interpreter.refCounts.decref(host.load(address));
  }

  private void dropBackwards(long items, long count) {
    for (long i = count - 1; i >= 0; i--) {
      dropAt(items + 8 * i);
    }
  }

  private void clearList(long object) {
    long items = host.load(object + ObjectHead.VAR_BYTES);
    if (items == 0) {
      return;
    }
    long count = host.load(object + ObjectHead.SIZE);
    set(object + ObjectHead.SIZE, 0);
    set(object + ObjectHead.VAR_BYTES, 0);
    set(object + ObjectHead.VAR_BYTES + 8, 0);
    dropBackwards(items, count);
    interpreter.malloc.free(items);
  }

  private void freeDictContent(long object, TypeSpec spec) {
    if (isOld) {
      freeOldDict(object, spec);
      return;
    }
    long keys = host.load(object + DictLayout.KEYS);
    long values = host.load(object + DictLayout.VALUES);
    if (keys == 0) {
      return;
    }
    if (values != 0) {
      long count = host.load(keys + dicts.keysEntries);
      for (long i = 0; i < count; i++) {
        dropAt(values + 8 * i);
      }
      interpreter.malloc.free(values);
      releaseKeys(keys);
      return;
    }
    releaseKeys(keys);
  }

  /** Drops a reference to a key table; the last frees it with all it holds. */
  public void releaseKeys(long keys) {
    long refCount = host.load(keys) - 1;
    set(keys, refCount);
    if (refCount != 0) {
      return;
    }
    long shape = host.load(keys + DictLayout.KEYS_SIZE_AND_KIND);
    int kind = DictLayout.kind(shape);
    int logSlots = DictLayout.logSlots(shape);
    long entry = keys + dicts.firstEntry(logSlots) + dicts.entryKey(kind);
    long count = host.load(keys + dicts.keysEntries);
    int stride = dicts.entryBytes(kind);
    for (long i = 0; i < count; i++) {
      dropAt(entry + i * stride);
      dropAt(entry + i * stride + 8);
    }
    boolean smallest =
        logSlots == 3 && (kind == DictLayout.KIND_UNICODE || dicts.entryBytes(1) == 24);
    if (!smallest || !interpreter.freeLists.putKeys(keys)) {
      interpreter.malloc.free(keys);
    }
  }

  private void freeOldDict(long object, TypeSpec spec) {
    Traversal traversal = traversal(nesting);
    traversal.locate(object, spec);
    long table = host.load(object + DictLayout.OLD_TABLE);
    for (long i = 0; i < traversal.count; i++) {
      dropAt(table + i * DictLayout.OLD_ENTRY_BYTES + 8);
      dropAt(table + i * DictLayout.OLD_ENTRY_BYTES + 16);
    }
    if (table != object + DictLayout.OLD_SMALL_TABLE) {
      interpreter.malloc.free(table);
    }
  }

  private void freeSetContent(long object, TypeSpec spec) {
    dropAll(object, spec);
    long table = host.load(object + 40);
    if (table != object + 64) {
      interpreter.malloc.free(table);
    }
  }

  private void freeInstanceContent(long object, TypeSpec spec) {
    Traversal traversal = traversal(nesting);
    traversal.locate(object, spec);
    long address = traversal.address;
    // There may be a block without a value in it.
    boolean block = interpreter.version.instanceLayout == InstanceLayout.VALUES && address != 0;
    for (long i = 0; i < traversal.count; i++) {
      dropAt(address + 8 * i);
    }
    if (traversal.single != 0) {
      dropAt(traversal.single);
    }
    if (block) {
      interpreter.malloc.free(address - (host.load(address - 8) >>> 56));
    }
  }

  private void deallocateOpaque(long object, TypeSpec spec) {
    long index = host.load(object + TypeSpec.OPAQUE_INDEX);
    int entry = (int) (index < 0 ? ~index : index);
    int code = interpreter.types.code(host.load(object + ObjectHead.TYPE));
    if (index >= 0) {
      dropOpaque(entry);
    }
    for (int i = 0; i < interpreter.referents.blockCount(entry); i++) {
      interpreter.malloc.free(interpreter.referents.block(entry, i));
    }
    if (interpreter.isGc(object, code)) {
      interpreter.gcDelete(object, spec);
    } else {
      interpreter.malloc.free(object);
    }
  }

  private void dropOpaque(int entry) {
    int count = interpreter.referents.referentCount(entry);
    for (int i = 0; i < count; i++) {
      interpreter.refCounts.decref(interpreter.referents.referent(entry, i));
    }
  }

  /** tp_clear: drops what the object refers to, so that cycles through it break. */
  public void clear(long object) {
    TypeSpec spec = interpreter.spec(object);
    switch (spec.traversal()) {
      case TypeSpec.LIST -> clearList(object);
      case TypeSpec.DICT -> clearDict(object);
      case TypeSpec.BLOCKS, TypeSpec.SET -> clearReferences(object, spec);
      case TypeSpec.INSTANCE -> {
        clearReferences(object, spec);
        freeValues(object);
      }
      case TypeSpec.OPAQUE -> {
        long index = host.load(object + TypeSpec.OPAQUE_INDEX);
        if (index >= 0 && spec.exact() != TypeSpec.Exact.TUPLE) {
          set(object + TypeSpec.OPAQUE_INDEX, ~index);
          dropOpaque((int) index);
        }
      }
      default -> {}
    }
  }

  /** On 3.12 an instance's values go when it is cleared ({@code _PyObject_ClearManagedDict}). */
  private void freeValues(long object) {
    boolean hasBlock = interpreter.version.instanceLayout == InstanceLayout.VALUES;
    if (hasBlock && interpreter.version.atLeast(3, 12)) {
      long place = object + Traversal.valuesOffset(true);
      long values = host.load(place);
      if ((values & 1) != 0) {
        set(place, 0);
        long first = values + 1;
        interpreter.malloc.free(first - (host.load(first - 8) >>> 56));
      }
    }
  }

  private void clearReferences(long object, TypeSpec spec) {
    Traversal traversal = new Traversal(host, interpreter.version);
    traversal.locate(object, spec);
    for (long i = 0; i < traversal.count; i++) {
      clearAt(traversal.address + i * traversal.stride);
    }
    if (traversal.single != 0) {
      clearAt(traversal.single);
    }
  }

  private void clearAt(long address) {
    long referent = host.load(address);
    if (referent != 0) {
      set(address, 0);
      interpreter.refCounts.decref(referent);
    }
  }

  private void clearDict(long object) {
    if (isOld) {
      TypeSpec spec = interpreter.spec(object);
      Traversal traversal = new Traversal(host, interpreter.version);
      traversal.locate(object, spec);
      for (long i = 0; i < traversal.count; i++) {
        clearAt(traversal.keyAddress + i * traversal.keyStride);
        clearAt(traversal.address + i * traversal.stride);
      }
      return;
    }
    long keys = host.load(object + DictLayout.KEYS);
    long values = host.load(object + DictLayout.VALUES);
    if (keys == 0) {
      return;
    }
    set(object + DictLayout.USED, 0);
    if (values != 0) {
      long count = host.load(keys + dicts.keysEntries);
      for (long i = 0; i < count; i++) {
        clearAt(values + 8 * i);
      }
      return;
    }
    set(object + DictLayout.KEYS, 0);
    releaseKeys(keys);
  }

  private void set(long address, long value) {
    host.store(address, value, interpreter.dataCause());
  }
}
