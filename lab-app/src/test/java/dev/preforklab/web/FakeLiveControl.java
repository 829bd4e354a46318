package dev.preforklab.web;

import dev.preforklab.experiment.live.HostSnapshot;
import dev.preforklab.experiment.live.LabSnapshot;
import dev.preforklab.experiment.live.LiveControl;
import dev.preforklab.experiment.live.WorkerSnapshot;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * Stands for a run, so that the page can be worked on and tested without one: plausible figures
 * that change with each {@link #tick}, and a list of what was asked for. Not a model of anything.
 */
final class FakeLiveControl implements LiveControl {
  private static final double MIB = 1024 * 1024;
  private static final int WORKERS = 4;

  private final List<String> settings;
  private final Random random = new Random(1);
  private final List<LabSnapshot> history = new ArrayList<>();
  private final int[] restarts;
  private final double[] requestsSinceRestart;
  private final double[] requests;
  private double rate = 40;
  private double speed = 1;
  private double simulatedSeconds;
  private int ticks;

  /** What was asked for, in order, as text. */
  final List<String> asked = new CopyOnWriteArrayList<>();

  FakeLiveControl(String... settings) {
    this.settings = List.of(settings);
    this.restarts = new int[settings.length];
    this.requestsSinceRestart = new double[settings.length];
    this.requests = new double[settings.length];
    history.add(measure());
  }

  /** One second of wall time passes. */
  synchronized void tick() {
    ticks++;
    simulatedSeconds += speed;
    for (int host = 0; host < settings.size(); host++) {
      double served = rate * speed * (0.9 + 0.2 * random.nextDouble());
      requests[host] += served;
      requestsSinceRestart[host] += served;
    }
    history.add(measure());
  }

  @Override
  public synchronized LabSnapshot snapshot() {
    return history.get(history.size() - 1);
  }

  @Override
  public synchronized List<LabSnapshot> history() {
    return List.copyOf(history.subList(Math.max(0, history.size() - 300), history.size()));
  }

  @Override
  public synchronized boolean restart(String gcSetting, boolean rolling) {
    boolean found = false;
    for (int host = 0; host < settings.size(); host++) {
      if (gcSetting.equals("all") || gcSetting.equals(settings.get(host))) {
        restarts[host] += WORKERS;
        requestsSinceRestart[host] = 0;
        found = true;
      }
    }
    if (found) {
      asked.add("restart " + gcSetting + (rolling ? " rolling" : " full"));
    }
    return found;
  }

  @Override
  public synchronized void setRate(double requestsPerSecond) {
    asked.add("rate " + requestsPerSecond);
    rate = requestsPerSecond;
  }

  @Override
  public synchronized void setSpeed(double factor) {
    asked.add("speed " + factor);
    speed = factor;
  }

  private LabSnapshot measure() {
    List<HostSnapshot> hosts = new ArrayList<>();
    for (int host = 0; host < settings.size(); host++) {
      hosts.add(host(host));
    }
    return new LabSnapshot(
        "django-site", "django-site", "3.11", 1, simulatedSeconds, ticks, speed, rate, hosts);
  }

  private HostSnapshot host(int index) {
    String gc = settings.get(index);
    boolean collects = gc.equals("default") || gc.contains("freeze") || gc.contains("high");
    boolean frozen = gc.contains("freeze") || gc.equals("immortal");
    double served = requestsSinceRestart[index];
    double first = 1 - Math.exp(-served / 40);
    double step = collects && !frozen && served > 1500 ? 1 - Math.exp(-(served - 1500) / 250) : 0;
    double growth = collects || frozen ? 0 : served * 8600;
    double shared =
        54 * MIB * (0.985 - 0.24 * first - 0.03 * served / (served + 3000) - 0.3 * step);
    double rss = 55 * MIB + 6 * MIB * first + growth;
    double own = rss - shared;
    double pss = own + shared / (WORKERS + 1);
    double wobble = 0.94 + 0.12 * random.nextDouble();
    long total = Math.round(requests[index]);
    boolean idle = ticks == 0;
    double copies = (own / 4096 + restarts[index] * 2500.0) * WORKERS;
    List<Long> causes =
        List.of(
            Math.round(copies * 0.34),
            Math.round(copies * (0.02 + 0.4 * step)),
            Math.round(copies * 0.22),
            restarts[index] * 3000L,
            Math.round(copies * 0.06));
    double copyRate = idle ? 0 : rate * (5 * Math.exp(-served / 300) + 0.4) * wobble;
    List<Long> collections =
        collects ? List.of(total / 4, total / 46, served > 1500 ? 4L : 0L) : List.of(0L, 0L, 0L);
    List<WorkerSnapshot> workers = new ArrayList<>();
    for (int slot = 0; slot < WORKERS; slot++) {
      workers.add(worker(index, slot, total / WORKERS + slot, rss, pss, shared, own));
    }
    return new HostSnapshot(
        gc,
        total,
        0,
        idle ? 0 : rate * wobble,
        idle ? Double.NaN : 11.2 * wobble,
        idle ? Double.NaN : 24 * wobble,
        idle ? Double.NaN : (collects ? 41 : 33) * wobble * wobble,
        shared / rss,
        rss,
        pss,
        own,
        420 * MIB + WORKERS * own,
        2048 * MIB,
        collects
            ? List.of(320 + 60 * wobble, 4.2 * wobble, 3.0)
            : List.of(gc.equals("threshold0") ? served * 420 : 512.0, 0.0, 0.0),
        gc.equals("threshold0") ? List.of(0, 10, 10) : List.of(700, 10, 10),
        collections,
        collections.get(0) * 0.35 + collections.get(2) * 90.0,
        idle ? 0 : rate * 21_000 * wobble,
        idle ? 0 : copyRate * 90,
        idle ? 0 : copyRate * 1.9 + rate * (collects ? 1.1 : 7),
        0,
        Math.round(total * (collects ? 5.2 : 11.1) + copies),
        0,
        causes,
        causes.stream().map(cause -> copies == 0 ? 0 : copyRate * cause / copies).toList(),
        (int) (3 * random.nextDouble()),
        restarts[index],
        new WorkerSnapshot(
            -1,
            1000 + 100 * index,
            "IDLE",
            0,
            Math.round(55 * MIB),
            Math.round(54 * MIB / (WORKERS + 1) + MIB),
            Math.round(54 * MIB),
            Math.round(MIB),
            15_800,
            0,
            12,
            310,
            4,
            3),
        workers);
  }

  private WorkerSnapshot worker(
      int host, int slot, long served, double rss, double pss, double shared, double own) {
    double wobble = 0.97 + 0.06 * random.nextDouble();
    return new WorkerSnapshot(
        slot,
        1000 + 100 * host + restarts[host] + slot + 1,
        ticks > 0 && random.nextDouble() < 0.45 ? "BUSY" : "IDLE",
        served,
        Math.round(rss),
        Math.round(pss * wobble),
        Math.round(shared),
        Math.round(own),
        Math.round(own / 4096 * 1.9),
        0,
        Math.round(own / 4096 * wobble),
        random.nextInt(700),
        random.nextInt(11),
        random.nextInt(4));
  }

  /**
   * Shows the page with made-up figures. Arguments: port (8080), snapshots before the start (240),
   * settings (default,disabled,threshold0,freeze).
   */
  public static void main(String[] args) throws Exception {
    int port = args.length > 0 ? Integer.parseInt(args[0]) : 8080;
    int before = args.length > 1 ? Integer.parseInt(args[1]) : 240;
    String names = args.length > 2 ? args[2] : "default disabled threshold0 freeze";
    FakeLiveControl fake = new FakeLiveControl(names.split(" ", -1));
    for (int i = 0; i < before; i++) {
      fake.tick();
    }
    try (WebServer server = WebServer.start("127.0.0.1", port, fake)) {
      System.out.println(server.url());
      while (!Thread.currentThread().isInterrupted()) {
        Thread.sleep(1000);
        fake.tick();
      }
    }
  }
}
