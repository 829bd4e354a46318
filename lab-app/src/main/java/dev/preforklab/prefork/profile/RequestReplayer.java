package dev.preforklab.prefork.profile;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.layout.ObjectHead;
import dev.preforklab.sim.Prng;
import java.util.ArrayList;
import java.util.List;

/**
 * Serves requests in simulated workers the way a profile measured them: every allocation and free
 * of a recorded request goes through the simulated allocator, collectable objects are tracked and
 * held by a reference from outside, so that collections find them alive; what the request left
 * behind in cycles is linked into cycles when it ends. Then the inherited pages that such a request
 * touches are touched.
 *
 * <p>A worker's first request replays the cold record of its endpoint. The first request of each
 * further endpoint replays that endpoint's record from a process that served other endpoints before
 * (of several the nearest, {@link FirstRecords}), and makes, besides, the lasting objects in which
 * the endpoint's cold record exceeds those already made: that worker may have served fewer. A
 * profile without such records has a warm one take its place.
 *
 * <p>The measured CPU time is charged as it is; faults and collections cost what the cost model
 * says, on top. One replayer serves all workers of one simulated host.
 */
public final class RequestReplayer {
  /** Set in the address of a block that is on a free list; blocks are aligned. */
  private static final long SHELVED = 1;

  private final LoadedHeap heap;
  private final ReplayTypes types;
  private final InheritedPages inherited;
  private final RequestNeeds needs;

  /** What a worker does before its first request; one at most, none if the profile has none. */
  private final List<CompiledRequest> start = new ArrayList<>();

  private final List<List<CompiledRequest>> warm = new ArrayList<>();
  private final List<FirstRecords> first = new ArrayList<>();
  private final List<List<CompiledRequest>> cold = new ArrayList<>();

  /** See {@link CompiledRequest#lastingKinds}. */
  private final long[] lasting;

  /** Whether the profile tells how the lengths of the free lists change. */
  private final boolean freeListChanges;

  private long[] blocks = new long[1 << 10];

  /** When the collectable ones were made, see {@link KeptObjects#moment}. */
  private long[] made = new long[1 << 10];

  /** Compiles the profile's requests. Adds types to the master, so it comes before any fork. */
  public RequestReplayer(LoadedHeap master) {
    heap = master;
    Profile profile = master.profile();
    types = new ReplayTypes(master.interpreter());
    inherited = InheritedPages.of(profile, master.map());
    needs = RequestNeeds.of(profile, master.map());
    LongArray lastingKinds = new LongArray(256);
    int headBytes = profile.sizes().gcHead() + ObjectHead.BYTES;
    for (int endpoint = 0; endpoint < profile.endpoints().size(); endpoint++) {
      warm.add(new ArrayList<>());
      first.add(new FirstRecords());
      cold.add(new ArrayList<>());
    }
    for (RequestTrace trace : profile.requests.traces()) {
      CompiledRequest record = new CompiledRequest(trace, headBytes, lastingKinds);
      switch (trace.state) {
        case START -> start.add(record);
        case COLD -> cold.get(trace.endpoint).add(record);
        case FIRST -> first.get(trace.endpoint).add(record);
        case WARM -> warm.get(trace.endpoint).add(record);
      }
      if (trace.blocks.count() > blocks.length) {
        blocks = new long[trace.blocks.count()];
        made = new long[trace.blocks.count()];
      }
    }
    lasting = lastingKinds.toArray();
    freeListChanges =
        profile.requests.traces().stream()
            .anyMatch(trace -> trace.moments.freeLists() != FreeListChanges.NONE);
  }

  /** What the replayer knows of one worker. */
  public final class Worker {
    private final Interpreter interpreter;
    private final Host host;
    private final Prng samples;
    private final boolean writesInherited;
    private final CarriedBlocks carried = new CarriedBlocks();
    private final boolean[] served;
    private final int[] lastingMade;
    private final KeptObjects kept;
    private final GatheredObjects gathered;

    private final GatheredObjects.Sink dropped =
        new GatheredObjects.Sink() {
          @Override
          public void own(long address) {
            release(address, RequestTrace.GC);
          }

          @Override
          public void inherited(int objects) {
            // their blocks are not known: they count down
            for (int i = 0; i < objects; i++) {
              kept.endedOlder(0);
            }
          }
        };

    private long requests;

    private Worker(Interpreter interpreter, Prng samples, boolean writesInherited) {
      this.interpreter = interpreter;
      this.host = interpreter.host;
      this.samples = samples;
      this.writesInherited = writesInherited;
      served = new boolean[warm.size()];
      kept = new KeptObjects(interpreter, heap.profile().gc(), freeListChanges);
      gathered = new GatheredObjects(heap.profile().requests.gathering());
      lastingMade = new int[lasting.length];
    }

    /** How many objects the interpreter keeps on a free list, by its number. */
    int kept(int list) {
      return kept.length(list);
    }

    /** Requests served so far. */
    public long requests() {
      return requests;
    }

    /**
     * What a worker does before its first request: it reads the code it runs, and does what the
     * profile recorded of its server's workers.
     *
     * @throws Host.OutOfMemory if the simulated machine runs out of memory
     */
    public void boot() {
      start.forEach(this::replay);
      touchInherited(0);
    }

    /**
     * Serves one request.
     *
     * @param request its number in the whole service, from 0: it decides which pages are touched,
     *     if the profile tells it request by request
     * @throws Host.OutOfMemory if the simulated machine runs out of memory
     */
    public void serve(int endpoint, long request) {
      requests++;
      carried.release(requests, this::releaseCarried);
      boolean isNew = !served[endpoint];
      boolean isFirst = isNew && !cold.get(endpoint).isEmpty();
      if (isFirst && requests == 1) {
        CompiledRequest record = sample(cold.get(endpoint));
        replay(record);
        noteLasting(record);
      } else {
        boolean recorded = isFirst && !first.get(endpoint).isEmpty();
        CompiledRequest record =
            recorded ? first.get(endpoint).in(served) : sample(warm.get(endpoint));
        replay(record);
        if (isFirst) {
          noteLasting(record);
          makeLasting(sample(cold.get(endpoint)), record);
        }
      }
      served[endpoint] = true;
      if (requests < inherited.requests()) {
        touchInherited((int) requests);
      }
      int needed = needs.recorded(endpoint, request, samples);
      for (int i = needs.begin(needed); i < needs.end(needed); i++) {
        touch(needs.access(i));
      }
      int ofEndpoint = inherited.ofEndpoint(endpoint);
      if (isNew && ofEndpoint > 0) {
        touchInherited(ofEndpoint);
      } else if (ofEndpoint > 0) {
        touchAgain(ofEndpoint);
      } else if (requests > 1 && inherited.requests() > 1) {
        touchAgain(1);
      }
    }

    /**
     * Each further request reads again some of the objects that a first one read: they are the code
     * and the classes that all requests run through. No page is copied by that, but reference
     * counts are written. A quarter of them, in turn, keeps the cost small.
     */
    private void touchAgain(int first) {
      if (!writesInherited) {
        return;
      }
      int begin = inherited.begin(first) + (int) (requests & 3);
      for (int i = begin; i < inherited.end(first); i += 4) {
        long access = inherited.access(i);
        if ((access & 7) == InheritedPages.REFCOUNT) {
          interpreter.refCounts.touch(access);
        }
      }
    }

    private CompiledRequest sample(List<CompiledRequest> records) {
      return records.size() == 1 ? records.get(0) : records.get(samples.nextInt(records.size()));
    }

    private void replay(CompiledRequest record) {
      RequestTrace trace = record.trace;
      host.charge(trace.cpuNs);
      long[] at = blocks;
      RequestTrace.Blocks kinds = trace.blocks;
      byte[] domain = kinds.domain();
      int[] events = trace.events;
      int[] losses = trace.garbage.lost();
      FreeListChanges changes = trace.moments.freeLists();
      int change = 0;
      int changesEnd = changes.size();
      int ordinal = 0;
      int lost = 0;
      int[] tracked = trace.moments.tracked();
      int nextTracked = 0;
      int[] filled = trace.moments.filled();
      int nextFilled = 0;
      int[] older = trace.moments.older();
      int nextOlder = 0;
      int[] gathers = trace.survivors.gathered();
      int nextGathered = 0;
      for (int i = 0; i <= events.length; i++) {
        for (; nextTracked < tracked.length && tracked[nextTracked] == i; nextTracked += 2) {
          interpreter.track(at[tracked[nextTracked + 1]]);
        }
        for (; nextFilled < filled.length && filled[nextFilled] == i; nextFilled += 3) {
          int inner = filled[nextFilled + 2];
          becomeAtomic(at[filled[nextFilled + 1]], inner < 0 ? 0 : at[inner]);
        }
        while (lost < losses.length && losses[lost] == i) {
          loseGroup(record, lost);
          lost++;
        }
        for (; nextOlder < older.length && older[nextOlder] == i; nextOlder += 2) {
          kept.endedOlder(older[nextOlder + 1]);
        }
        while (change < changesEnd && changes.eventsBefore(change) == i) {
          kept.changed(changes.list(change), changes.by(change));
          change++;
        }
        if (i == events.length) {
          break;
        }
        int event = events[i];
        if (event >= 0) {
          boolean staysZero =
              !kinds.resized()[ordinal]
                  && !kinds.direct()[ordinal]
                  && kept.allocated(kinds.freeList()[ordinal]);
          if ((event & 3) == RequestTrace.GC) {
            made[ordinal] = kept.moment();
          }
          boolean isAtomic = kinds.atomic()[ordinal] && !trace.filledLater[ordinal];
          at[ordinal] = allocate(event & 3, event >>> 2, !kinds.unlisted()[ordinal], isAtomic);
          if (staysZero) {
            interpreter.gcState.setCount(0, 0);
          }
          if (nextGathered < gathers.length && gathers[nextGathered] == ordinal) {
            gathered.add(at[ordinal], dropped);
            nextGathered++;
          }
          ordinal++;
        } else {
          if (ordinal == 0 || !kinds.resized()[ordinal - 1] || i == 0 || events[i - 1] < 0) {
            kept.freed(kinds.freeList()[~event]);
          }
          release(at[~event], domain[~event]);
        }
      }
      for (int homeless : record.links.homeless) {
        carried.add(at[homeless], carriedKind(trace, homeless), requests + 1);
      }
      for (int shelved : trace.survivors.shelved()) {
        // dead: no collection finds it, and its free has no event
        interpreter.untrack(at[shelved]);
        at[shelved] |= SHELVED;
      }
      int[] dieLater = trace.survivors.carried();
      for (int i = 0; i < dieLater.length; i++) {
        int later = dieLater[i];
        int requestsLater = trace.survivors.carriedRequests()[i];
        carried.add(at[later], carriedKind(trace, later), requests + requestsLater);
      }
    }

    /** A collection may take a tuple off its lists from here on, after the one in it. */
    private void becomeAtomic(long tuple, long inner) {
      if (inner != 0) {
        interpreter.incref(inner);
        host.store(tuple + ObjectHead.BYTES, inner, Host.CAUSE_DATA);
      }
      long type = inner == 0 ? types.atomicTuple : types.tupleOfOne;
      host.store(tuple + ObjectHead.TYPE, type, Host.CAUSE_DATA);
    }

    /** A cycle is found when the oldest of its objects is looked at. */
    private void loseGroup(CompiledRequest record, int group) {
      RequestTrace trace = record.trace;
      RequestTrace.Garbage garbage = trace.garbage;
      int start = garbage.gcStart()[group];
      int end = garbage.gcStart()[group + 1];
      long oldest = kept.moment();
      for (int i = start; i < end; i++) {
        oldest = Math.min(oldest, made[garbage.gc()[i]]);
      }
      for (int i = start; i < end; i++) {
        kept.lost(trace.blocks.freeList()[garbage.gc()[i]], oldest);
      }
      for (int i = garbage.ownedStart()[group]; i < garbage.ownedStart()[group + 1]; i++) {
        kept.lost(trace.blocks.freeList()[garbage.owned()[i]], oldest);
      }
      linkGarbage(record.links, group, blocks, trace.blocks.domain());
    }

    private static int carriedKind(RequestTrace trace, int ordinal) {
      return trace.blocks.freeList()[ordinal] << 2 | trace.blocks.domain()[ordinal];
    }

    private void releaseCarried(long address, int kind) {
      if ((address & SHELVED) != 0) {
        kept.leaveCount();
      } else if (freeListChanges) {
        kept.freed(kind >>> 2);
      }
      release(address & ~SHELVED, kind & 3);
    }

    /** Returns the address by which {@link #release} knows the block: an object's is its head. */
    private long allocate(int kind, int bytes, boolean listed, boolean atomic) {
      switch (kind) {
        case RequestTrace.GC -> {
          int head = interpreter.version.gcHeadBytes;
          long type = atomic ? types.atomicTuple : types.collectable(0);
          long object = interpreter.newGcObject(type, bytes - head);
          if (listed) {
            interpreter.track(object);
          }
          writeRest(object, bytes - head);
          interpreter.evalBreaker();
          return object;
        }
        case RequestTrace.OBJECT -> {
          long object = interpreter.newObject(types.atomic, Math.max(bytes, ObjectHead.BYTES));
          writeRest(object, bytes);
          return object;
        }
        case RequestTrace.BUFFER -> {
          long block = interpreter.malloc.allocate(Math.max(bytes, ObjectHead.BYTES));
          host.store(block, 0, Host.CAUSE_DATA);
          writeRest(block, bytes);
          return block;
        }
        default -> {
          long block = interpreter.raw.allocate(Math.max(bytes, ObjectHead.BYTES));
          host.store(block, 0, Host.CAUSE_DATA);
          writeRest(block, bytes);
          return block;
        }
      }
    }

    /** A block is written to its end: one word on each further page it reaches. */
    private void writeRest(long block, int bytes) {
      long last = block + bytes - 1;
      long page = block >>> Host.LOG_BYTES_IN_PAGE;
      while (++page <= last >>> Host.LOG_BYTES_IN_PAGE) {
        host.store(page << Host.LOG_BYTES_IN_PAGE, 0, Host.CAUSE_DATA);
      }
    }

    private void release(long address, int kind) {
      switch (kind) {
        case RequestTrace.GC, RequestTrace.OBJECT -> interpreter.decref(address);
        case RequestTrace.BUFFER -> interpreter.malloc.free(address);
        default -> interpreter.raw.free(address);
      }
    }

    private void linkGarbage(GarbageLinks links, int group, long[] at, byte[] domain) {
      int[] records = links.records;
      int i = links.groupStart[group];
      while (i < links.groupStart[group + 1]) {
        boolean inRing = records[i] >= 0;
        long object = at[inRing ? records[i] : ~records[i]];
        int references = records[i + 1];
        i += 2;
        for (int k = 0; k < references; k++) {
          int target = records[i++];
          if (domain[target] == RequestTrace.GC) {
            if (k > 0 || !inRing) {
              // not among the collector's own finds: a tuple or dict that it had untracked
              interpreter.untrack(at[target]);
            }
          } else if (domain[target] != RequestTrace.OBJECT) {
            becomeObject(at[target]);
          }
          host.store(object + ObjectHead.BYTES + 8L * k, at[target], Host.CAUSE_DATA);
        }
        host.store(object + ObjectHead.TYPE, types.collectable(references), Host.CAUSE_DATA);
      }
    }

    /** A buffer gets the head of an atomic object, so that its owner can drop it. */
    private void becomeObject(long block) {
      host.store(block + ObjectHead.REF_COUNT, 1, Host.CAUSE_DATA);
      host.store(block + ObjectHead.TYPE, types.atomic, Host.CAUSE_DATA);
    }

    private void noteLasting(CompiledRequest record) {
      for (int kind : record.lastingKinds) {
        lastingMade[kind]++;
      }
    }

    /**
     * Makes the lasting objects of a cold record beyond those there are, and charges their part.
     */
    private void makeLasting(CompiledRequest record, CompiledRequest instead) {
      int[] counted = new int[lasting.length];
      long made = 0;
      for (int kind : record.lastingKinds) {
        if (++counted[kind] > lastingMade[kind]) {
          lastingMade[kind]++;
          made++;
          long what = lasting[kind];
          int event = CompiledRequest.event(what);
          boolean listed = CompiledRequest.listed(what);
          allocate(event & 3, event >>> 2, listed, CompiledRequest.atomic(what));
        }
      }
      long moreNs = record.trace.cpuNs - instead.trace.cpuNs;
      if (made > 0 && moreNs > 0) {
        host.charge(moreNs * made / record.lastingKinds.length);
      }
    }

    private void touchInherited(int request) {
      for (int i = inherited.begin(request); i < inherited.end(request); i++) {
        touch(inherited.access(i));
      }
    }

    private void touch(long access) {
      long address = access & ~7L;
      switch ((int) access & 7) {
        case InheritedPages.REFCOUNT -> {
          if (writesInherited) {
            interpreter.refCounts.touch(address);
          } else {
            host.load(address);
          }
        }
        case InheritedPages.DATA -> host.store(address, host.load(address), Host.CAUSE_DATA);
        default -> host.load(address);
      }
    }
  }

  /**
   * A worker that has just been forked.
   *
   * @param interpreter the worker's
   * @param samples draws the record of each request
   * @param writesInherited whether reference counts of inherited objects are written; false if they
   *     are immortal
   */
  public Worker newWorker(Interpreter interpreter, Prng samples, boolean writesInherited) {
    return new Worker(interpreter, samples, writesInherited);
  }

  /** The heap that the workers inherit. */
  public LoadedHeap heap() {
    return heap;
  }
}
