package dev.preforklab.experiment;

import dev.preforklab.load.AcceptQueue;
import dev.preforklab.load.ArrivalProcess;
import dev.preforklab.load.LatencyRecorder;
import dev.preforklab.load.LoadGenerator;
import dev.preforklab.load.Request;
import dev.preforklab.load.RequestMix;
import dev.preforklab.load.WorkerChoice;
import dev.preforklab.prefork.profile.Profile;
import dev.preforklab.scenario.InputException;
import dev.preforklab.scenario.Scenario;
import dev.preforklab.scenario.Scenario.Arrivals;
import dev.preforklab.scenario.Scenario.LoadSpec;
import dev.preforklab.scenario.Scenario.Order;
import dev.preforklab.sim.EventQueue;
import dev.preforklab.sim.Prng;
import dev.preforklab.sim.PrngStreams;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.HdrHistogram.Histogram;

/**
 * One simulated host under load, from the start of its master to the end of the run.
 * Single-threaded and alone: nothing it changes is seen by another host, so that what it comes to
 * is a function of scenario, seed and code.
 */
public final class Simulation {
  /** Requests that wait so long while none ends will wait for ever. */
  private static final long NO_PROGRESS_NS = 120_000_000_000L;

  private final Scenario scenario;
  private final String gc;
  private final List<Profile.Endpoint> endpoints;
  private final EventQueue events;
  private final PreforkService service;
  private final LoadGenerator load;
  private final Sampler sampler;
  private final Checkpoints checkpoints;
  private final Map<Long, Request> inFlight = new HashMap<>();
  private final Histogram pauses = new Histogram(100, 100_000_000_000L, 3);
  private long pausesNs;
  private long sampleEveryNs;
  private int readyWorkers;
  private long loadStartNs = -1;

  /** The workers' counters when the load began: their start is no request's doing. */
  private RetiredWorkers atLoadStart = new RetiredWorkers();

  private boolean finished;
  private long endedAtProgress;
  private long progressNs;

  /**
   * @param weights of the endpoints, by index
   */
  Simulation(
      Scenario scenario,
      String gc,
      List<Profile.Endpoint> endpoints,
      int[] weights,
      int hostIndex,
      EventQueue events,
      PrngStreams streams,
      PreforkService service) {
    this.scenario = scenario;
    this.gc = gc;
    this.endpoints = endpoints;
    this.events = events;
    this.service = service;
    this.sampler = new Sampler(hostIndex, scenario.service().prefork().workers());
    this.sampleEveryNs = scenario.run().sampleEveryNs();
    this.checkpoints = new Checkpoints(scenario.run().requests());
    this.pauses.setAutoResize(true);
    LatencyRecorder latency = new LatencyRecorder(endpoints.size());
    load =
        new LoadGenerator(
            events,
            arrivals(scenario.load(), streams),
            mix(scenario.load(), weights, streams),
            new AcceptQueue(scenario.service().backlog(), choice(scenario, streams)),
            latency,
            (slot, request) -> {
              inFlight.put(request.id(), request);
              service.serve(slot, request.id(), request.endpoint(), request.intendedNs());
            });
    service.start(new FromService());
    events.scheduleAfter(sampleEveryNs, this::sample);
  }

  private static ArrivalProcess arrivals(LoadSpec spec, PrngStreams streams) {
    return switch (spec.arrivals()) {
      case POISSON -> ArrivalProcess.poisson(spec.rate(), streams.stream("arrivals")::nextDouble);
      case CONSTANT -> ArrivalProcess.constant(spec.rate());
      case BURSTS -> ArrivalProcess.bursts(spec.rate(), spec.burstSize());
      case CLOSED -> ArrivalProcess.closed(spec.users(), spec.thinkTimeNs());
    };
  }

  private static RequestMix mix(LoadSpec spec, int[] weights, PrngStreams streams) {
    return spec.order() == Order.IN_TURN
        ? RequestMix.inTurn(weights)
        : RequestMix.random(weights, streams.stream("mix")::nextDouble);
  }

  private static WorkerChoice choice(Scenario scenario, PrngStreams streams) {
    int slots = scenario.service().prefork().workers();
    return switch (scenario.service().dispatch()) {
      case LONGEST_IDLE -> WorkerChoice.longestIdle(slots);
      case LAST_IDLE -> WorkerChoice.lastIdle(slots);
      case LOWEST_SLOT -> WorkerChoice.lowestSlot(slots);
      case RANDOM -> {
        Prng prng = streams.stream("dispatch");
        yield WorkerChoice.random(slots, () -> prng.nextInt(Integer.MAX_VALUE));
      }
    };
  }

  private final class FromService implements PreforkService.Listener {
    @Override
    public void workerReady(int slot) {
      if (loadStartNs < 0) {
        readyWorkers++;
      }
      load.workerReady(slot);
      if (loadStartNs < 0 && readyWorkers >= scenario.service().prefork().workers()) {
        startLoad();
      }
    }

    @Override
    public void workerGone(int slot) {
      load.workerGone(slot);
    }

    @Override
    public void requestEnded(long requestId, int status) {
      Request request = inFlight.remove(requestId);
      if (request == null) {
        throw new IllegalStateException("request " + requestId + " ended twice");
      }
      load.ended(request, status);
      if (scenario.load().arrivals() != Arrivals.CLOSED) {
        takeCheckpoint();
      }
    }

    @Override
    public void collected(int generation, long durationNs) {
      pauses.recordValue(durationNs);
      pausesNs += durationNs;
    }
  }

  private void startLoad() {
    loadStartNs = events.now();
    atLoadStart = Totals.of(service.processes(), service.retired()).counters();
    takeCheckpoint();
    long durationNs = scenario.run().durationNs();
    if (durationNs > 0) {
      events.scheduleAfter(durationNs, now -> finished = true);
    }
    limitLoad();
    load.start();
  }

  /**
   * A closed loop pauses at each checkpoint until every request is answered, so that a checkpoint
   * is the same moment for all settings; an open loop never waits.
   */
  private void limitLoad() {
    long last = scenario.run().requests();
    if (scenario.load().arrivals() == Arrivals.CLOSED) {
      long next = checkpoints.next();
      if (next != Checkpoints.NONE) {
        load.limit(
            next,
            () -> {
              takeCheckpoint();
              if (last > 0 && load.issued() >= last) {
                finished = true;
              } else {
                events.scheduleAfter(0, now -> limitLoad());
              }
            });
        return;
      }
    }
    load.limit(last == 0 ? Long.MAX_VALUE : last, () -> finished = true);
  }

  private void takeCheckpoint() {
    long ended = load.answered() + load.errors();
    if (checkpoints.isDue(ended)) {
      checkpoints.take(ended, events.now() - loadStartNs, service);
    }
  }

  private void sample(long nowNs) {
    sampler.sample(service, service.processes(), nowNs);
    load.latency().nextWindow();
    long ended = load.answered() + load.errors();
    if (ended != endedAtProgress || (loadStartNs >= 0 && load.queued() == 0)) {
      endedAtProgress = ended;
      progressNs = nowNs;
    }
    if (!service.isRunning() && service.processes().isEmpty()) {
      throw tooLittleMemory("the out-of-memory killer ended the master and all workers");
    }
    if (nowNs - progressNs > NO_PROGRESS_NS) {
      throw tooLittleMemory("workers are killed before they can answer anything");
    }
    events.scheduleAfter(sampleEveryNs, this::sample);
  }

  private InputException tooLittleMemory(String what) {
    return new InputException(
        "host.ram: "
            + (scenario.host().ramBytes() >> 20)
            + " MiB are too little for the setting "
            + gc
            + ": "
            + what);
  }

  /** Simulated time now, in nanoseconds since the host's start. */
  public long nowNs() {
    return events.now();
  }

  /** Whether the run has come to its end. */
  public boolean isFinished() {
    return finished;
  }

  /** Runs up to a simulated time, or to the end of the run if that comes first. */
  public void runUntil(long timeNs) {
    while (!finished && events.nextTime() <= timeNs) {
      events.runNext();
    }
    if (!finished) {
      events.runUntil(timeNs);
    }
  }

  /**
   * Runs to the end.
   *
   * @param progress told now and then how far it is, 0 to 1
   */
  public void runToEnd(java.util.function.DoubleConsumer progress) {
    long told = -1;
    while (!finished) {
      events.runNext();
      long ended = load.answered() + load.errors();
      if (ended != told && (ended & 15) == 0) {
        told = ended;
        progress.accept(fraction(ended));
      }
    }
    progress.accept(1);
  }

  private double fraction(long ended) {
    double byRequests =
        scenario.run().requests() == 0 ? 0 : (double) ended / scenario.run().requests();
    double byTime =
        scenario.run().durationNs() == 0 || loadStartNs < 0
            ? 0
            : (double) (events.now() - loadStartNs) / scenario.run().durationNs();
    return Math.max(byRequests, byTime);
  }

  /** Changes the rate of an open loop; a closed one has none. */
  boolean setRate(double requestsPerSecond) {
    return load.setRate(requestsPerSecond);
  }

  /** Changes the simulated time between samples, from the next on. */
  void setSampleEvery(long nanoseconds) {
    sampleEveryNs = nanoseconds;
  }

  void restart(boolean rolling) {
    service.restart(rolling);
  }

  PreforkService service() {
    return service;
  }

  LoadGenerator load() {
    return load;
  }

  String gc() {
    return gc;
  }

  long pausesNs() {
    return pausesNs;
  }

  /** What the host has come to. */
  public HostResult result() {
    return ResultBuilder.build(
        gc,
        endpoints,
        service,
        load,
        atLoadStart,
        Math.max(0, events.now() - Math.max(0, loadStartNs)),
        pauses,
        pausesNs,
        checkpoints.taken());
  }
}
