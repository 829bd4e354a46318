package dev.preforklab.benchmarks;

import dev.preforklab.cpython.PythonVersion;
import java.lang.management.ManagementFactory;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.Blackhole;

/**
 * A full collection of 1,000,000 tracked objects. JMH reports wall time; on a busy machine compare
 * the CPU time that each iteration prints with that of {@code src/test/python/full_collection.py},
 * run alternately.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(
    value = 1,
    jvmArgsAppend = {"-Xmx2g", "-XX:+UseTransparentHugePages"})
public class FullCollectionBenchmark {
  @Param({"local", "random", "lists"})
  public String shape = "local";

  @Param("3.11")
  public String python = "3.11";

  private BenchmarkHeap heap = BenchmarkHeap.build(PythonVersion.V3_11, "lists");
  private long startNanoseconds;
  private int collections;

  @Setup
  public void build() {
    heap = BenchmarkHeap.build(PythonVersion.parse(python), shape);
  }

  @Setup(Level.Iteration)
  public void start() {
    collections = 0;
    startNanoseconds = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
  }

  @Benchmark
  public void fullCollection(Blackhole blackhole) {
    blackhole.consume(heap.interpreter.collector.collect(2));
    collections++;
  }

  @TearDown(Level.Iteration)
  public void report() {
    long ns = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() - startNanoseconds;
    System.out.printf("CPU %.0f ms a collection, ", ns / 1e6 / Math.max(1, collections));
  }
}
