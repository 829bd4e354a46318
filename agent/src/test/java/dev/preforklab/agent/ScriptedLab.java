package dev.preforklab.agent;

import dev.preforklab.probe.Probes;
import java.io.IOException;
import java.util.Locale;

/**
 * A main that calls the probes as a lab would: run in a JVM of its own, with the agent or without.
 * It ends when its standard input does.
 */
public final class ScriptedLab {
  private static final String[] GC_SETTINGS = {"default", "disabled", "threshold0", "freeze"};
  private static final int WORKERS = 4;
  private static final long MILLI = 1_000_000;

  private ScriptedLab() {}

  public static void main(String[] args) throws IOException, InterruptedException {
    switch (args[0]) {
      case "once" -> once();
      case "live" -> live();
      case "bench" -> bench();
      default -> throw new IllegalArgumentException(args[0]);
    }
    System.out.println("ready");
    while (System.in.read() >= 0) {
      // waits for the end of input
    }
    System.exit(0);
  }

  /** A short history of one host, every probe, with a respawn in it; always the same. */
  private static void once() {
    Probes.hostStarted(0, "site", "freeze", "3.11", 2);
    Probes.endpointNamed(0, 0, "GET", "/item/<id>/");
    Probes.endpointNamed(0, 1, "POST", "/order/");
    Probes.processForked(0, Probes.MASTER, 100, 1, 0);
    Probes.gcStatsSample(0, Probes.MASTER, 2, 5, 40, 1234, 0);
    Probes.processForked(0, 0, 101, 100, 10 * MILLI);
    Probes.processForked(0, 1, 102, 100, 11 * MILLI);
    Probes.arenaAllocated(0, 0, 1 << 20, 12 * MILLI);
    Probes.arenaAllocated(0, 0, 1 << 20, 12 * MILLI);
    Probes.arenaFreed(0, 0, 1 << 20, 13 * MILLI);
    for (int i = 0; i < 3; i++) {
      Probes.pageFault(0, 0, Probes.FAULT_COW_COPY, Probes.CAUSE_REFCOUNT, 14 * MILLI);
    }
    Probes.pageFault(0, 0, Probes.FAULT_DEMAND_ZERO, Probes.CAUSE_ALLOCATOR, 14 * MILLI);
    Probes.pageFault(0, 1, Probes.FAULT_MAJOR, -1, 14 * MILLI);
    Probes.requestStart(0, 0, 0, 1, 20 * MILLI, 21 * MILLI);
    Probes.gcStart(0, 0, 0, 22 * MILLI);
    Probes.gcDone(0, 0, 0, 7, 0, 22 * MILLI + 40_000, 40_000);
    Probes.requestEnd(0, 0, 0, 1, 20 * MILLI, 25 * MILLI, 200, 12, 9, 40_000);
    Probes.requestStart(0, 1, 1, 2, 20 * MILLI, 20 * MILLI);
    Probes.requestEnd(0, 1, 1, 2, 20 * MILLI, 100 * MILLI, 503, 0, 0, 0);
    sample(0, 0, 101, 200 * MILLI, 1000, 50);
    sample(0, 1, 102, 200 * MILLI, 2000, 60);
    sample(0, Probes.MASTER, 100, 200 * MILLI, 100, 40);
    Probes.hostSample(0, 200 * MILLI, 4L << 30, 3L << 30);
    Probes.processExited(0, 0, 101, Probes.EXIT_MAX_REQUESTS, 300 * MILLI, -1);
    Probes.processForked(0, 0, 103, 100, 320 * MILLI);
    sample(0, 0, 103, 400 * MILLI, 11, 45);
    Probes.processExited(0, 1, 102, Probes.EXIT_RELOAD, 500 * MILLI, 45 * MILLI);
    Probes.hostStarted(1, "site", "default", "3.11", 1);
    Probes.processForked(1, 0, 201, 200, 0);
    Probes.hostStopped(1);
  }

  private static void sample(
      int host, int slot, int pid, long timeNs, long count, long collections) {
    long page = 4096;
    Probes.memorySample(
        host,
        slot,
        pid,
        timeNs,
        1000 * page,
        600 * page,
        100 * page,
        500 * page,
        150 * page,
        250 * page,
        5000 * page);
    Probes.counterSample(
        host,
        slot,
        pid,
        timeNs,
        10 * MILLI,
        count * MILLI,
        count * 2,
        count / 10,
        count * 3,
        count * 4,
        count * 5,
        count * 6,
        count,
        count + 1,
        count + 2,
        count + 3,
        count + 4);
    Probes.gcSample(host, slot, pid, timeNs, 310, 4, 2, 700, 10, 10, 900, 800, 70_000, 300_000);
    for (int generation = 0; generation < 3; generation++) {
      Probes.gcStatsSample(
          host,
          slot,
          generation,
          timeNs,
          collections >> generation,
          collections * 3,
          generation == 2 ? 1 : 0);
    }
  }

  /** Four hosts of four workers with every signal moving, a step each 100 ms, until stopped. */
  private static void live() {
    Thread driver = new Thread(ScriptedLab::drive, "driver");
    driver.setDaemon(true);
    driver.start();
  }

  private static void drive() {
    for (int host = 0; host < GC_SETTINGS.length; host++) {
      Probes.hostStarted(host, "site", GC_SETTINGS[host], "3.11", WORKERS);
      for (int endpoint = 0; endpoint < 8; endpoint++) {
        Probes.endpointNamed(host, endpoint, "GET", "/page/" + endpoint + "/<id>/");
      }
      Probes.processForked(host, Probes.MASTER, 1 + host * 1000, 1, 0);
      for (int slot = 0; slot < WORKERS; slot++) {
        Probes.processForked(host, slot, 2 + slot + host * 1000, 1 + host * 1000, MILLI);
      }
    }
    long request = 0;
    for (int step = 1; ; step++) {
      long now = step * 100L * MILLI;
      for (int host = 0; host < GC_SETTINGS.length; host++) {
        for (int slot = Probes.MASTER; slot < WORKERS; slot++) {
          int lives = slot < 0 ? 0 : step / (50 + slot * 7);
          int pid = 2 + slot + host * 1000 + lives * 50;
          int age = slot < 0 ? step : step % (50 + slot * 7);
          if (slot >= 0 && age == 0) {
            int reason = lives % 4;
            Probes.processExited(host, slot, pid - 50, reason, now, 20 * MILLI);
            Probes.processForked(host, slot, pid, 1 + host * 1000, now);
          }
          if (slot >= 0) {
            for (int i = 0; i < 20; i++) {
              serve(host, slot, request++, now + i * 4L * MILLI);
            }
          }
          sample(host, slot, pid, now, 10 + age * 20L, 40 + age * 4L);
        }
        Probes.hostSample(host, now, 4L << 30, (3L << 30) - step * 4096L);
      }
      try {
        Thread.sleep(100);
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  private static void serve(int host, int slot, long request, long startNs) {
    int endpoint = (int) (request % 8);
    Probes.requestStart(host, slot, endpoint, request, startNs - MILLI, startNs);
    for (int fault = 0; fault < 5; fault++) {
      Probes.pageFault(host, slot, fault, fault, startNs);
    }
    int generation = (int) (request % 3);
    Probes.gcDone(host, slot, generation, 5, 0, startNs + MILLI, 200_000L << generation);
    long durationNs = (1 + request % 30) * MILLI;
    int status = request % 101 == 0 ? 500 : 200;
    Probes.requestEnd(
        host,
        slot,
        endpoint,
        request,
        startNs - MILLI,
        startNs + durationNs,
        status,
        5,
        3,
        200_000);
  }

  /** Nanoseconds a call of the hot probes takes in this JVM. */
  private static void bench() {
    Probes.hostStarted(0, "site", "freeze", "3.11", WORKERS);
    Probes.endpointNamed(0, 0, "GET", "/item/<id>/");
    for (int slot = 0; slot < WORKERS; slot++) {
      Probes.processForked(0, slot, slot + 2, 1, 0);
    }
    int calls = 20_000_000;
    for (int round = 0; round < 4; round++) {
      long start = System.nanoTime();
      for (int i = 0; i < calls; i++) {
        Probes.pageFault(0, i & 3, i & 3, 0, i);
      }
      long faults = System.nanoTime() - start;
      start = System.nanoTime();
      for (int i = 0; i < calls / 4; i++) {
        Probes.gcDone(0, i & 3, 0, 0, 0, i, 40_000);
      }
      long passes = System.nanoTime() - start;
      start = System.nanoTime();
      for (int i = 0; i < calls / 10; i++) {
        Probes.requestStart(0, i & 3, 0, i, i, i);
        Probes.requestEnd(0, i & 3, 0, i, i, i + 3 * MILLI, 200, 1, 1, 0);
      }
      long requests = System.nanoTime() - start;
      System.out.printf(
          Locale.ROOT,
          "pageFault %.2f ns, gcDone %.2f ns, requestStart+requestEnd %.2f ns%n",
          (double) faults / calls,
          passes / (calls / 4.0),
          requests / (calls / 10.0));
    }
  }
}
