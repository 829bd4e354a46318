package dev.preforklab.prefork.profile;

import static dev.preforklab.cpython.Host.CAUSE_DATA;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.MachineHost;
import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.gc.GcState;
import dev.preforklab.cpython.layout.GcHead;
import dev.preforklab.cpython.layout.ObjectHead;
import dev.preforklab.cpython.layout.TypeSpec;
import dev.preforklab.cpython.obmalloc.HeapBuilder;
import dev.preforklab.machine.Kernel;
import dev.preforklab.machine.memory.FileObject;
import dev.preforklab.machine.process.MmapLayout;
import dev.preforklab.machine.process.Process;
import dev.preforklab.probe.Probes;
import java.util.Arrays;
import java.util.List;
import java.util.stream.LongStream;

/**
 * Lays a captured heap out in a simulated process: mappings and present pages first, then the
 * allocator's arenas and pools, the objects' heads, the collector's lists and its counters, each as
 * words at the captured place. What results is an interpreter as it was just before fork; a
 * collection in it, or in a process forked from it, runs over these words.
 *
 * <p>Of an object's inside only its head is written. Its references stand in the interpreter's
 * referent table, which all processes share, for a captured application never changes them; its
 * content is not captured. Loading costs no simulated time: it is the master's past.
 */
public final class HeapLoader {
  /** Bytes that an object needs so that the index of its references fits behind its head. */
  private static final int OPAQUE_BYTES = TypeSpec.OPAQUE_INDEX + 8;

  private static final int TYPE_STRIDE = 16;

  private final Profile profile;
  private final HeapImage image;
  private final AddressMap map;
  private final Kernel kernel;
  private final Process process;
  private final MachineHost host;
  private final Interpreter interpreter;
  private final HeapBuilder builder;
  private long[] objects = new long[0];

  private HeapLoader(Profile profile, Kernel kernel, long nowNs) {
    this.profile = profile;
    this.image = profile.heap;
    this.kernel = kernel;
    map = new AddressMap(image.vmas);
    process = kernel.spawn(Probes.MASTER, nowNs);
    host = new MachineHost(kernel, process);
    mapMemory();
    interpreter = Interpreter.boot(host, profile.version());
    builder = new HeapBuilder(interpreter);
  }

  /**
   * Starts a process on a simulated machine and loads a profile's heap into it.
   *
   * @throws ProfileException if the heap does not fit the simulated interpreter
   * @throws Host.OutOfMemory if the machine has not enough memory
   */
  public static LoadedHeap load(Profile profile, Kernel kernel, long nowNs) {
    return new HeapLoader(profile, kernel, nowNs).load();
  }

  /** Pages of address space that a process needs for this heap and its growth. */
  public static int virtualPages(Profile profile) {
    long end = new AddressMap(profile.heap.vmas).mmapBase() + (4L << 30);
    return (int) (end >>> Host.LOG_BYTES_IN_PAGE);
  }

  private LoadedHeap load() {
    if (interpreter.version.gcHeadBytes != profile.sizes().gcHead()) {
      throw new ProfileException(
          profile.file(),
          "GC heads of " + profile.sizes().gcHead() + " bytes in " + profile.python());
    }
    try {
      new AllocatorLoader(profile, map, interpreter, builder).load();
    } catch (IllegalArgumentException e) {
      throw new ProfileException(
          profile.file(), "its heap contradicts itself: " + e.getMessage(), e);
    }
    writeObjects();
    linkGenerations();
    setCollectorState();
    // Made for each collector, so that its memory is the same for all.
    long headless = interpreter.addStaticType(TypeSpec.atomic("static", ObjectHead.BYTES, 0));
    if (interpreter.version.incremental) {
      markHeadless(headless);
      setRoots();
    }
    return new LoadedHeap(profile, map, host, interpreter, objects);
  }

  private void mapMemory() {
    kernel.setBrkStart(process, map.heapStart());
    // Not top-down, as the captured process was: the page table of each worker, a flat array, would
    // reach to the end of the address space. Requests see the order of addresses turned round.
    kernel.setMmapBase(process, map.mmapBase(), MmapLayout.BOTTOM_UP);
    List<CapturedVma> vmas = image.vmas;
    for (int i = 0; i < vmas.size(); i++) {
      CapturedVma vma = vmas.get(i);
      long start = map.labStart(i);
      long bytes = vma.end() - vma.start();
      switch (vma.kind()) {
        case ANON -> host.mapAt(start, bytes, "");
        case STACK -> host.mapAt(start, bytes, "[stack]");
        case BRK_HEAP -> host.sbrk(bytes);
        case LIB_DATA -> host.mapFileAt(start, file(vma, i), 0, bytes, true);
        case FILE_RO -> host.mapFileAt(start, file(vma, i), 0, bytes, false);
      }
      populate(vma, start);
    }
  }

  private FileObject file(CapturedVma vma, int index) {
    return kernel.openFile(vma.library() + ":" + index, vma.end() - vma.start());
  }

  private void populate(CapturedVma vma, long start) {
    long at = start;
    int[] runs = vma.runs();
    for (int i = 0; i < runs.length; i++) {
      long bytes = (long) runs[i] << Host.LOG_BYTES_IN_PAGE;
      if (i % 2 == 1 && bytes > 0) {
        host.populate(at, bytes, vma.kind() != CapturedVma.Kind.FILE_RO);
      }
      at += bytes;
    }
  }

  private void writeObjects() {
    objects = map.toLabAscending(image.address);
    long[] types = registerTypes();
    long[] referents = new long[64];
    long[] blocks = new long[16];
    for (int k = 0; k < objects.length; k++) {
      long object = objects[k];
      int type = image.type[k];
      int references = image.refStart[k + 1] - image.refStart[k];
      int blockCount = image.blockStart[k + 1] - image.blockStart[k];
      boolean opaque = image.flag[k] != HeapImage.ATOMIC || references > 0 || blockCount > 0;
      boolean roomy = opaque && hasRoom(k);
      builder.writeObjectHead(object, image.refcount[k], types[2 * type + (roomy ? 0 : 1)]);
      if (image.flag[k] == HeapImage.UNTRACKED && hasUntrackedMark(k)) {
        builder.writeUntrackedHead(object);
      }
      if (!roomy) {
        continue;
      }
      if (references > referents.length) {
        referents = new long[2 * references];
      }
      if (blockCount > blocks.length) {
        blocks = new long[2 * blockCount];
      }
      for (int i = 0; i < references; i++) {
        referents[i] = objects[image.refs[image.refStart[k] + i]];
      }
      for (int i = 0; i < blockCount; i++) {
        blocks[i] = map.toLab(image.blockAddress[image.blockStart[k] + i]);
      }
      int index = interpreter.referents.add(referents, references, blocks, blockCount);
      host.store(object + TypeSpec.OPAQUE_INDEX, index, CAUSE_DATA);
    }
    interpreter.referents.trim();
  }

  /**
   * Whether an untracked object has a GC head that must say so. To 3.7 it has a mark, later it is
   * zero as fresh memory is; static objects have no head at all, what lies there is another object.
   */
  private boolean hasUntrackedMark(int k) {
    return interpreter.version.separateGcRefs
        && image.vmas.get(map.find(image.address[k])).kind() != CapturedVma.Kind.LIB_DATA;
  }

  /**
   * Whether the word behind the object's head belongs to the object: an empty instance ends there,
   * and what follows is another's GC head.
   */
  private boolean hasRoom(int k) {
    if (image.bytes[k] < OPAQUE_BYTES) {
      return false;
    }
    long end = objects[k] + OPAQUE_BYTES;
    return k + 1 == objects.length
        || end
            <= objects[k + 1]
                - (image.flag[k + 1] == HeapImage.ATOMIC ? 0 : profile.sizes().gcHead());
  }

  /**
   * Declares each captured type twice: with references in the table, and without. A type's address
   * is that of a stand-in without references: a capture does not tell which of the captured type
   * objects it is, and an instance's reference to its type is among its captured references.
   */
  private long[] registerTypes() {
    int count = profile.types().size();
    long bytes = (2L * count + 1) * TYPE_STRIDE + Host.BYTES_IN_PAGE - 1 & -Host.BYTES_IN_PAGE;
    long region = host.map(bytes, Host.BYTES_IN_PAGE);
    long standIn = region + 2L * count * TYPE_STRIDE;
    interpreter.types.register(standIn, TypeSpec.atomic("type", ObjectHead.BYTES, 0));
    long[] addresses = new long[2 * count];
    for (int t = 0; t < count; t++) {
      Profile.Type type = profile.types().get(t);
      for (int plain = 0; plain < 2; plain++) {
        long address = region + (2L * t + plain) * TYPE_STRIDE;
        interpreter.types.register(address, spec(type, plain == 1));
        host.store(address + ObjectHead.TYPE, standIn, CAUSE_DATA);
        addresses[2 * t + plain] = address;
      }
    }
    return addresses;
  }

  private static TypeSpec spec(Profile.Type type, boolean plain) {
    TypeSpec.Exact exact =
        switch (type.name()) {
          case "tuple" -> TypeSpec.Exact.TUPLE;
          case "dict" -> TypeSpec.Exact.DICT;
          default -> TypeSpec.Exact.NONE;
        };
    int traversal = !plain ? TypeSpec.OPAQUE : type.gc() ? TypeSpec.BLOCKS : TypeSpec.ATOMIC;
    return new TypeSpec(
        type.name(),
        traversal,
        type.gc(),
        type.basicSize(),
        type.itemSize(),
        ObjectHead.BYTES,
        0,
        type.preHeader() != 0,
        plain ? TypeSpec.Exact.NONE : exact);
  }

  private void linkGenerations() {
    for (int generation = 0; generation < image.generations.length; generation++) {
      int[] order = image.generations[generation];
      long[] addresses = new long[order.length];
      for (int i = 0; i < order.length; i++) {
        addresses[i] = objects[order[i]];
      }
      builder.linkGeneration(generation, addresses);
    }
  }

  private void setCollectorState() {
    GcState state = interpreter.gcState;
    Profile.GcFacts gc = profile.gc();
    PythonVersion own = PythonVersion.parse(profile.release());
    int[] thresholds = gc.thresholds();
    if (Arrays.equals(thresholds, new int[] {own.threshold0, own.threshold1, own.threshold2})) {
      // nobody has set them: they are those of the collector that is simulated
      PythonVersion simulated = interpreter.version;
      thresholds = new int[] {simulated.threshold0, simulated.threshold1, simulated.threshold2};
    }
    state.setThresholds(thresholds[0], thresholds[1], thresholds[2]);
    for (int generation = 0; generation < GcState.GENERATIONS; generation++) {
      long[] stats = gc.stats()[generation];
      state.setStats(generation, stats[0], stats[1], stats[2]);
    }
    interpreter.collector.restoreCounts(gc.counts(), gcObjects());
    if (interpreter.version.incremental) {
      // as when a cycle has been completed: where the master stood in its own is not known
      state.setWorkToDo(0);
    }
    state.setLongLivedTotal(gc.longLivedTotal());
    state.setLongLivedPending(gc.longLivedPending());
    state.setEnabled(gc.enabled());
  }

  private long gcObjects() {
    long n = 0;
    for (byte flag : image.flag) {
      n += flag == HeapImage.ATOMIC ? 0 : 1;
    }
    return n;
  }

  /**
   * The incremental collector takes the word next for the sign of a tracked object. A static object
   * of a GC type has no head, which {@code tp_is_gc} tells a real interpreter: where another's
   * words lie in its place, the object gets a type without one.
   */
  private void markHeadless(long headless) {
    for (int k = 0; k < objects.length; k++) {
      if (image.flag[k] != HeapImage.TRACKED
          && profile.types().get(image.type[k]).gc()
          && host.load(objects[k] - interpreter.version.gcHeadBytes + GcHead.NEXT) != 0) {
        if (image.vmas.get(map.find(image.address[k])).kind() != CapturedVma.Kind.LIB_DATA) {
          throw new ProfileException(
              profile.file(), "object " + k + " is not tracked, but its GC head is on a list");
        }
        host.store(objects[k] + ObjectHead.TYPE, headless, CAUSE_DATA);
      }
    }
  }

  /** sys.modules has nearly all modules; what only C code or a frame refers to is not marked. */
  private void setRoots() {
    LongStream.Builder modules = LongStream.builder();
    for (int k = 0; k < objects.length; k++) {
      if (profile.types().get(image.type[k]).name().equals("module")) {
        modules.add(objects[k]);
      }
    }
    long[] roots = modules.build().toArray();
    interpreter.collector.setRoots(visit -> Arrays.stream(roots).forEach(visit));
  }
}
