package dev.preforklab.cpython;

import dev.preforklab.cpython.gc.Collector;
import dev.preforklab.cpython.gc.GcState;
import dev.preforklab.cpython.layout.GcHead;
import dev.preforklab.cpython.layout.GcList;
import dev.preforklab.cpython.layout.ObjectHead;
import dev.preforklab.cpython.layout.ReferentTable;
import dev.preforklab.cpython.layout.SpacedGcList;
import dev.preforklab.cpython.layout.TypeRegistry;
import dev.preforklab.cpython.layout.TypeSpec;
import dev.preforklab.cpython.obmalloc.PyMalloc;
import dev.preforklab.cpython.obmalloc.RawMalloc;
import dev.preforklab.cpython.refcount.Deallocator;
import dev.preforklab.cpython.refcount.FreeLists;
import dev.preforklab.cpython.refcount.RefCounts;

/**
 * One CPython process: its memory through a {@link Host}, its release, and the parts that work on
 * that memory. All state that fork must carry over is in simulated memory; {@link #forked} makes
 * the child's interpreter from the child's host.
 *
 * <p>An object is named by the address of its head (as {@code id()} gives it); the GC head lies
 * before that.
 */
public final class Interpreter {
  /** Largest page offset of a 16-byte GC head whose object's head is in the same page. */
  private static final int LAST_WHOLE_HEADS = Host.BYTES_IN_PAGE - 32;

  public final Host host;
  public final PythonVersion version;

  /** Address of the interpreter's own variables, see {@link RuntimeState}. */
  public final long runtime;

  public final RawMalloc raw;
  public final PyMalloc malloc;
  public final GcList lists;
  public final TypeRegistry types;

  /** Referents of opaque objects; shared by all processes that descend from one. */
  public final ReferentTable referents;

  public final RefCounts refCounts;
  public final FreeLists freeLists;
  public final Deallocator deallocator;
  public final GcState gcState;
  public final Collector collector;

  private final long arenaAlignment;
  private int staticObjects;
  private boolean finalizing;

  private Interpreter(
      Host host,
      PythonVersion version,
      long runtime,
      long arenaAlignment,
      TypeRegistry types,
      ReferentTable referents,
      int staticObjects) {
    this.host = host;
    this.version = version;
    this.runtime = runtime;
    this.arenaAlignment = arenaAlignment;
    this.types = types;
    this.referents = referents;
    this.staticObjects = staticObjects;
    raw = new RawMalloc(host, runtime);
    malloc = new PyMalloc(host, runtime, version, raw, arenaAlignment);
    lists = version.incremental ? new SpacedGcList(host) : new GcList(host);
    freeLists = new FreeLists(this);
    deallocator = new Deallocator(this);
    refCounts = new RefCounts(this, deallocator);
    gcState = new GcState(this);
    collector = Collector.of(this);
  }

  /** Starts an interpreter whose arenas are page aligned, as the real ones are. */
  public static Interpreter boot(Host host, PythonVersion version) {
    return boot(host, version, Host.BYTES_IN_PAGE);
  }

  /**
   * Starts an interpreter: maps its variables and sets them.
   *
   * @param arenaAlignment bytes, a power of two, at least a page
   */
  public static Interpreter boot(Host host, PythonVersion version, long arenaAlignment) {
    long runtime = host.map(RuntimeState.BYTES, Host.BYTES_IN_PAGE);
    Interpreter interpreter =
        new Interpreter(
            host, version, runtime, arenaAlignment, new TypeRegistry(), new ReferentTable(), 0);
    interpreter.raw.boot();
    interpreter.malloc.boot();
    interpreter.gcState.boot(version);
    return interpreter;
  }

  /** The interpreter of a child process, whose host sees a copy of this one's memory. */
  public Interpreter forked(Host childHost) {
    Interpreter child =
        new Interpreter(
            childHost, version, runtime, arenaAlignment, types.copy(), referents, staticObjects);
    child.collector.setRoots(collector.roots());
    child.deallocator.inheritTrash();
    return child;
  }

  /**
   * Adds a builtin type: its type object stands in the interpreter's static memory.
   *
   * @return the address of the type object
   */
  public long addStaticType(TypeSpec spec) {
    return addStaticType(spec, 0);
  }

  /**
   * Adds a builtin type.
   *
   * @param place the address of the type object in mapped memory, or 0 for the static memory here
   */
  public long addStaticType(TypeSpec spec, long place) {
    long address = addStaticObject(spec.name(), 0, 256, place);
    host.store(address + ObjectHead.TYPE, address, Host.CAUSE_DATA);
    types.register(address, spec);
    return address;
  }

  /**
   * Adds an object in static memory, which is never freed.
   *
   * @param type address of its type, or 0
   * @return its address
   */
  public long addStaticObject(String name, long type, int bytes) {
    return addStaticObject(name, type, bytes, 0);
  }

  /**
   * Adds an object in static memory, which is never freed.
   *
   * @param type address of its type, or 0
   * @param place its address in mapped memory, or 0 for the static memory here
   * @return its address
   */
  public long addStaticObject(String name, long type, int bytes, long place) {
    long address = place;
    if (place == 0) {
      address = runtime + RuntimeState.STATIC_OBJECTS + staticObjects;
      staticObjects += bytes + 15 & -16;
    }
    if (RuntimeState.STATIC_OBJECTS + staticObjects > RuntimeState.BYTES) {
      throw new IllegalStateException("no room in static memory for " + name);
    }
    long refCount = version.hasImmortalObjects ? ObjectHead.IMMORTAL_REF_COUNT : 1 << 20;
    host.store(address, refCount, Host.CAUSE_DATA);
    host.store(address + ObjectHead.TYPE, type, Host.CAUSE_DATA);
    return address;
  }

  /** The type of an object. */
  public TypeSpec spec(long object) {
    return types.spec(host.load(object + ObjectHead.TYPE));
  }

  /**
   * Whether an object has a GC head.
   *
   * @param code of its type, from {@link TypeRegistry#code}
   */
  public boolean isGc(long object, int code) {
    if ((code & TypeSpec.CODE_GC_BY_FLAGS) != 0) {
      return (host.load(object + TypeSpec.TYPE_FLAGS) & TypeSpec.TYPE_FLAG_HEAP_TYPE) != 0;
    }
    return (code & TypeSpec.CODE_GC) != 0;
  }

  /** Whether an object has a GC head. */
  public boolean isGc(long object) {
    return isGc(object, types.code(host.load(object + ObjectHead.TYPE)));
  }

  /**
   * Allocates an object without a GC head; its reference count is 1.
   *
   * @param bytes of the whole object, its head included
   */
  public long newObject(long type, long bytes) {
    long object = malloc.allocate(bytes);
    host.store(object, 1, Host.CAUSE_DATA);
    host.store(object + ObjectHead.TYPE, type, Host.CAUSE_DATA);
    return object;
  }

  /**
   * Allocates an object with a GC head, not yet tracked; its reference count is 1. Counts it and,
   * up to 3.11, collects if a threshold is passed; from 3.12 on asks the eval breaker for that.
   *
   * @param bytes of the object itself, without GC head and pre-header
   */
  public long newGcObject(long type, long bytes) {
    return newGcObject(type, bytes, 0);
  }

  /**
   * The same for an instance with words in front of its GC head, which are set to 0.
   *
   * @param preHeaderBytes see {@link PythonVersion#instancePreHeaderBytes}
   */
  public long newGcObject(long type, long bytes, int preHeaderBytes) {
    long block = malloc.allocate(preHeaderBytes + version.gcHeadBytes + bytes);
    long head = block + preHeaderBytes;
    for (long address = block; address < head; address += 8) {
      host.store(address, 0, Host.CAUSE_DATA);
    }
    collector.objectAllocated();
    initHeads(head, type);
    return head + version.gcHeadBytes;
  }

  /** Writes a new object's heads. Nobody knows it yet: these are data, not the collector's work. */
  private void initHeads(long head, long type) {
    if (!version.separateGcRefs && ((int) head & (Host.BYTES_IN_PAGE - 1)) <= LAST_WHOLE_HEADS) {
      int word =
          host.writableEntry(head, Host.CAUSE_DATA) + ((int) (head >>> 3) & Host.WORD_IN_PAGE_MASK);
      long[] chunk = host.chunks()[word >>> Host.LOG_WORDS_IN_CHUNK];
      int i = word & Host.WORD_IN_CHUNK_MASK;
      chunk[i] = 0;
      chunk[i + 1] = 0;
      chunk[i + 2] = 1;
      chunk[i + 3] = type;
      return;
    }
    if (version.separateGcRefs) {
      host.store(head + GcHead.REFS, GcHead.OLD_UNTRACKED << version.gcRefsShift, Host.CAUSE_DATA);
    } else {
      host.store(head + GcHead.NEXT, 0, Host.CAUSE_DATA);
      host.store(head + GcHead.PREV, 0, Host.CAUSE_DATA);
    }
    long object = head + version.gcHeadBytes;
    host.store(object, 1, Host.CAUSE_DATA);
    host.store(object + ObjectHead.TYPE, type, Host.CAUSE_DATA);
  }

  /** Whether the collector knows a GC object. */
  public boolean isTracked(long object) {
    long head = object - version.gcHeadBytes;
    return version.separateGcRefs
        ? host.load(head + GcHead.REFS) >> version.gcRefsShift != GcHead.OLD_UNTRACKED
        : host.load(head + GcHead.NEXT) != 0;
  }

  /** Puts a GC object at the end of the youngest generation. */
  public void track(long object) {
    long head = object - version.gcHeadBytes;
    if (version.separateGcRefs) {
      long finalized = host.load(head + GcHead.REFS) & (1 << version.gcRefsShift) - 1;
      host.store(
          head + GcHead.REFS,
          GcHead.OLD_REACHABLE << version.gcRefsShift | finalized,
          Host.CAUSE_GC_HEADER);
    }
    collector.track(head);
  }

  /** Tracks an empty dict, from 3.14 on; before, a value that may be tracked does it. */
  public long newDictTracked(long dict) {
    if (version.tracksDictsAtOnce) {
      track(dict);
    }
    return dict;
  }

  /** Takes a GC object off its generation, if it is on one. */
  public void untrack(long object) {
    if (!isTracked(object)) {
      return;
    }
    long head = object - version.gcHeadBytes;
    if (!version.separateGcRefs) {
      lists.untrack(head);
      return;
    }
    lists.remove(head);
    long finalized = host.load(head + GcHead.REFS) & ((1L << version.gcRefsShift) - 1);
    host.store(
        head + GcHead.REFS, GcHead.OLD_UNTRACKED << version.gcRefsShift | finalized, gcHeadCause());
  }

  /**
   * Allocates an object of a container type and puts it on the collector's list of the youngest.
   *
   * @return its address, behind the GC head
   */
  public long newTracked(long type, long bytes) {
    long object = newGcObject(type, bytes);
    track(object);
    return object;
  }

  /** Takes an object off the collector's lists and frees it, whatever it refers to. */
  public void deleteTracked(long object) {
    untrack(object);
    gcDelete(object);
  }

  /** Gives an untracked GC object's block back ({@code PyObject_GC_Del}). */
  public void gcDelete(long object) {
    collector.objectFreed();
    malloc.free(object - version.gcHeadBytes);
  }

  /**
   * The same for an object that may have a pre-header. Of a captured object, whose type may have
   * been given another traversal, it is seen by where its block begins; of one in the C heap, which
   * does not tell, by its type.
   */
  public void gcDelete(long object, TypeSpec spec) {
    collector.objectFreed();
    int preHeaderBytes = version.instancePreHeaderBytes;
    int traversal = spec.traversal();
    if (preHeaderBytes != 0 && (traversal == TypeSpec.BLOCKS || traversal == TypeSpec.OPAQUE)) {
      if (malloc.freeContaining(object)) {
        return;
      }
      if (traversal == TypeSpec.BLOCKS || !spec.isHeapType()) {
        preHeaderBytes = 0;
      }
    } else if (traversal != TypeSpec.INSTANCE) {
      preHeaderBytes = 0;
    }
    malloc.free(object - version.gcHeadBytes - preHeaderBytes);
  }

  public void incref(long object) {
    refCounts.incref(object);
  }

  public void decref(long object) {
    refCounts.decref(object);
  }

  /**
   * The check at the end of a loop turn, at a function's entry and after a call: from 3.12 on a
   * collection that became due runs here; before, nothing does.
   */
  public void evalBreaker() {
    if (version.collectsAtEvalBreaker && gcState.isScheduled()) {
      collector.runScheduled();
    }
  }

  /**
   * Whether the process is on its way out: all further stores then count as finalisation, whatever
   * they are.
   */
  public void setFinalizing(boolean on) {
    finalizing = on;
    refCounts.setCause(on ? Host.CAUSE_FINALIZE : Host.CAUSE_REFCOUNT);
    malloc.setCause(on ? Host.CAUSE_FINALIZE : Host.CAUSE_ALLOCATOR);
    raw.setCause(on ? Host.CAUSE_FINALIZE : Host.CAUSE_ALLOCATOR);
    lists.setCause(gcHeadCause());
    gcState.setCause(gcHeadCause());
  }

  /** The cause of a plain data store at this time. */
  public int dataCause() {
    return finalizing ? Host.CAUSE_FINALIZE : Host.CAUSE_DATA;
  }

  /** The cause of a store into a GC head at this time. */
  public int gcHeadCause() {
    return finalizing ? Host.CAUSE_FINALIZE : Host.CAUSE_GC_HEADER;
  }
}
