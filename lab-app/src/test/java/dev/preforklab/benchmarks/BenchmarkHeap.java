package dev.preforklab.benchmarks;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.PlainHost;
import dev.preforklab.cpython.PythonVersion;
import dev.preforklab.cpython.layout.ObjectHead;
import dev.preforklab.cpython.layout.TypeSpec;

/** The heaps of {@code src/test/python/full_collection.py}, built in a simulated interpreter. */
final class BenchmarkHeap {
  static final int OBJECTS = 1_000_000;
  private static final int INT_BYTES = 28;

  final Interpreter interpreter;
  private final Host host;
  private final long none;
  private final long intType;
  private final long listType;
  private final long nodeType;

  private BenchmarkHeap(PythonVersion version) {
    host = new PlainHost();
    interpreter = Interpreter.boot(host, version);
    none =
        interpreter.addStaticObject(
            "None", interpreter.addStaticType(TypeSpec.atomic("NoneType", 16, 0)), 16);
    intType = interpreter.addStaticType(TypeSpec.atomic("int", 24, 4));
    listType =
        interpreter.addStaticType(
            new TypeSpec("list", TypeSpec.LIST, true, 40, 8, 0, 0, false, TypeSpec.Exact.LIST));
    nodeType = interpreter.addStaticType(TypeSpec.blocks("Node", 48, 16, 4, true));
  }

  /** Builds one of the shapes local, random, lists. */
  static BenchmarkHeap build(PythonVersion version, String shape) {
    BenchmarkHeap heap = new BenchmarkHeap(version);
    heap.interpreter.gcState.setEnabled(false);
    long[] nodes = new long[OBJECTS];
    long last = heap.none;
    long before = heap.none;
    for (int i = 0; i < OBJECTS; i++) {
      long node;
      if (shape.equals("lists")) {
        node = heap.newList(heap.newInt(), last);
      } else {
        node = heap.newNode(last, before, heap.newInt());
        before = last;
      }
      last = node;
      nodes[i] = node;
    }
    if (shape.equals("random")) {
      long seed = 12345;
      for (long node : nodes) {
        seed = (seed * 1103515245 + 12345) & 0x7fffffff;
        heap.replace(node + 24, nodes[(int) (seed % OBJECTS)]);
      }
    }
    heap.newOuterList(nodes);
    return heap;
  }

  private long newInt() {
    return interpreter.newObject(intType, INT_BYTES);
  }

  private long newNode(long f0, long f1, long f2) {
    long node = interpreter.newGcObject(nodeType, 48);
    interpreter.incref(f0);
    interpreter.incref(f1);
    set(node + 16, f0);
    set(node + 24, f1);
    set(node + 32, f2);
    set(node + 40, none);
    interpreter.track(node);
    return node;
  }

  private long newList(long first, long second) {
    long list = interpreter.newGcObject(listType, 40);
    long items = interpreter.malloc.allocate(16);
    interpreter.incref(second);
    set(items, first);
    set(items + 8, second);
    fillList(list, items, 2);
    return list;
  }

  /** Every node keeps the reference it was made with, held by this list. */
  private void newOuterList(long[] nodes) {
    long list = interpreter.newGcObject(listType, 40);
    long items = interpreter.malloc.allocate(8L * nodes.length);
    for (int i = 0; i < nodes.length; i++) {
      set(items + 8L * i, nodes[i]);
    }
    fillList(list, items, nodes.length);
  }

  private void fillList(long list, long items, long size) {
    set(list + ObjectHead.SIZE, size);
    set(list + ObjectHead.VAR_BYTES, items);
    set(list + ObjectHead.VAR_BYTES + 8, size);
    interpreter.track(list);
  }

  private void replace(long address, long value) {
    interpreter.incref(value);
    long old = host.load(address);
    set(address, value);
    interpreter.decref(old);
  }

  private void set(long address, long value) {
    host.store(address, value, Host.CAUSE_DATA);
  }
}
