package dev.preforklab.cpython.gc;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The incremental collector of 3.14.0 to 3.14.4 in plain collections, after {@code Python/gc.c}:
 * slow and simple, an oracle for the one that works on simulated memory. Lists have the order that
 * the real ones have. Not verified against a real interpreter.
 */
final class IncrementalModel {
  static final int SLOTS = 3;

  /** One tracked object. */
  static final class Node {
    final @Nullable Node[] refs = new Node[SLOTS];
    final long address;
    int space;
    long refCount;
    boolean freed;

    Node(long address) {
      this.address = address;
    }

    List<Node> referents() {
      List<Node> found = new ArrayList<>();
      for (Node node : refs) {
        if (node != null) {
          found.add(node);
        }
      }
      return found;
    }
  }

  final Set<Node> young = new LinkedHashSet<>();
  final List<Set<Node>> old = List.of(new LinkedHashSet<>(), new LinkedHashSet<>());
  final Set<Node> permanent = new LinkedHashSet<>();

  /** What stacks and the interpreter's dicts refer to; each holds one reference. */
  final Set<Node> roots = new LinkedHashSet<>();

  final int threshold;
  final int scaleFactor;
  int visitedSpace;
  int youngCount;
  long heapSize;
  long workToDo = -5000;
  boolean marking = true;
  boolean scheduled;
  int cycles;

  IncrementalModel(int threshold, int scaleFactor) {
    this.threshold = threshold;
    this.scaleFactor = scaleFactor;
  }

  Node allocate(long address) {
    Node node = new Node(address);
    youngCount++;
    heapSize++;
    scheduled |= youngCount > threshold;
    node.space = visitedSpace ^ 1;
    young.add(node);
    node.refCount = 1;
    roots.add(node);
    return node;
  }

  void dropRoot(Node node) {
    roots.remove(node);
    decref(node);
  }

  void link(Node from, int slot, @Nullable Node to) {
    Node before = from.refs[slot];
    if (to != null) {
      to.refCount++;
    }
    from.refs[slot] = to;
    if (before != null) {
      decref(before);
    }
  }

  private void decref(Node first) {
    ArrayDeque<Node> work = new ArrayDeque<>(List.of(first));
    while (!work.isEmpty()) {
      Node node = work.remove();
      if (--node.refCount == 0) {
        work.addAll(node.referents());
        node.freed = true;
        List.of(young, old.get(0), old.get(1), permanent).forEach(list -> list.remove(node));
        youngCount = Math.max(0, youngCount - 1);
        heapSize--;
      }
    }
  }

  /** What the eval breaker does. */
  void runScheduled() {
    if (scheduled) {
      scheduled = false;
      collect(1);
    }
  }

  void collect(int generation) {
    switch (generation) {
      case 0 -> {
        setSpace(young, visitedSpace);
        collectRegion(drain(young));
        youngCount = 0;
      }
      case 1 -> increment();
      default -> {
        Set<Node> visited = old.get(visitedSpace);
        visited.addAll(drain(old.get(visitedSpace ^ 1)));
        visited.addAll(drain(young));
        setSpace(visited, visitedSpace);
        collectRegion(drain(visited));
        youngCount = 0;
        complete();
      }
    }
  }

  void freeze() {
    List.of(young, old.get(0), old.get(1))
        .forEach(
            list -> {
              setSpace(list, visitedSpace);
              permanent.addAll(drain(list));
            });
    youngCount = 0;
  }

  void unfreeze() {
    old.get(visitedSpace).addAll(drain(permanent));
  }

  private void increment() {
    long newObjects = youngCount;
    workToDo += newObjects + Math.min(heapSize / 10 / scaleFactor, newObjects * 3 / 2);
    youngCount = 0;
    if (marking) {
      List<Node> marked = new ArrayList<>();
      roots.forEach(root -> take(root, marked));
      reach(marked, 0);
      old.get(visitedSpace).addAll(marked);
      workToDo -= 2L * marked.size();
      marking = false;
      return;
    }
    Set<Node> pending = old.get(visitedSpace ^ 1);
    setSpace(young, visitedSpace);
    List<Node> increment = drain(young);
    while (increment.size() < workToDo && !pending.isEmpty()) {
      int before = increment.size();
      take(pending.iterator().next(), increment);
      reach(increment, before);
    }
    long size = increment.size();
    collectRegion(increment);
    workToDo += heapSize / 10 / scaleFactor - size;
    if (pending.isEmpty()) {
      complete();
    }
  }

  /** Moves a node to a list, unless it has been visited. */
  private void take(Node node, List<Node> to) {
    if (node.space != visitedSpace) {
      node.space = visitedSpace;
      young.remove(node);
      old.get(visitedSpace ^ 1).remove(node);
      to.add(node);
    }
  }

  /** Adds all that is not visited and that the nodes from an index on lead to. */
  private void reach(List<Node> nodes, int from) {
    for (int i = from; i < nodes.size(); i++) {
      nodes.get(i).referents().forEach(node -> take(node, nodes));
    }
  }

  /** Frees what nothing outside the region leads to; the rest goes to visited. */
  private void collectRegion(List<Node> region) {
    Map<Node, Long> refs = new HashMap<>();
    region.forEach(node -> refs.put(node, node.refCount));
    for (Node node : region) {
      node.referents().forEach(to -> refs.computeIfPresent(to, (key, n) -> n - 1));
    }
    Set<Node> unreachable = new LinkedHashSet<>();
    Set<Node> reached = new LinkedHashSet<>();
    List<Node> scan = new ArrayList<>(region);
    for (int i = 0; i < scan.size(); i++) {
      Node node = scan.get(i);
      if (refs.getOrDefault(node, 0L) == 0) {
        unreachable.add(node);
        continue;
      }
      reached.add(node);
      for (Node to : node.referents()) {
        if (unreachable.remove(to)) {
          refs.put(to, 1L);
          scan.add(to);
        } else if (!reached.contains(to)) {
          refs.computeIfPresent(to, (key, n) -> Math.max(n, 1));
        }
      }
    }
    old.get(visitedSpace).addAll(reached);
    for (Node node : unreachable) {
      if (!node.freed) {
        node.refCount++;
        for (int slot = 0; slot < SLOTS; slot++) {
          link(node, slot, null);
        }
        decref(node);
      }
    }
  }

  private void complete() {
    cycles++;
    if (permanent.isEmpty()) {
      visitedSpace ^= 1;
      setSpace(young, visitedSpace ^ 1);
    } else {
      Set<Node> pending = old.get(visitedSpace ^ 1);
      pending.addAll(drain(old.get(visitedSpace)));
      setSpace(pending, visitedSpace ^ 1);
    }
    workToDo = 0;
    marking = true;
  }

  private static void setSpace(Collection<Node> nodes, int space) {
    nodes.forEach(node -> node.space = space);
  }

  private static List<Node> drain(Set<Node> nodes) {
    List<Node> all = new ArrayList<>(nodes);
    nodes.clear();
    return all;
  }

  /** All that the roots lead to, by plain search. */
  Set<Node> reachable() {
    Set<Node> seen = new HashSet<>(roots);
    ArrayDeque<Node> work = new ArrayDeque<>(roots);
    while (!work.isEmpty()) {
      work.remove().referents().stream().filter(seen::add).forEach(work::add);
    }
    return seen;
  }
}
