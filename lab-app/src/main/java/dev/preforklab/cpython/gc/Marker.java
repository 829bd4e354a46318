package dev.preforklab.cpython.gc;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.Interpreter;
import dev.preforklab.cpython.layout.GcHead;
import dev.preforklab.cpython.layout.ObjectHead;
import dev.preforklab.cpython.layout.SpacedGcList;
import dev.preforklab.cpython.layout.Traversal;
import dev.preforklab.cpython.layout.TypeSpec;

/**
 * Moves what is reachable and not yet visited from list to list ({@code move_to_reachable}, {@code
 * mark_all_reachable}, {@code expand_region_transitively_reachable}). Each object that moves has
 * its bit flipped, and its neighbours on both lists are stored into.
 */
final class Marker {
  private final Interpreter interpreter;
  private final Host host;
  private final SpacedGcList lists;
  private final Traversal traversal;
  private final boolean hasImmortalObjects;
  private final boolean visitsHeapTypes;

  private long container;
  private int visitedSpace;
  private long moved;

  Marker(Interpreter interpreter, SpacedGcList lists) {
    this.interpreter = interpreter;
    this.lists = lists;
    host = interpreter.host;
    traversal = new Traversal(host, interpreter.version);
    hasImmortalObjects = interpreter.version.hasImmortalObjects;
    visitsHeapTypes = interpreter.version.visitsHeapTypes;
  }

  /** Begins: unvisited objects will be moved to the end of {@code toList}. */
  void begin(long toList, int visited) {
    container = toList;
    visitedSpace = visited;
    moved = 0;
  }

  /** Objects moved since {@link #begin}. */
  long moved() {
    return moved;
  }

  /** Moves one object, if it is tracked and not yet visited. */
  void move(long object) {
    if (object == 0 || !interpreter.isGc(object) || isImmortal(object)) {
      return;
    }
    long gc = object - interpreter.version.gcHeadBytes;
    long word = lists.nextWord(gc);
    if (word != 0 && (word & GcHead.NEXT_OLD_SPACE) != visitedSpace) {
      lists.setNextWord(gc, word ^ GcHead.NEXT_OLD_SPACE);
      lists.move(gc, container);
      moved++;
    }
  }

  /** Empties the container into {@code visited}, and with it all that it leads to. */
  void drainTo(long visited) {
    while (!lists.isEmpty(container)) {
      long gc = lists.next(container);
      lists.move(gc, visited);
      visitReferents(gc + interpreter.version.gcHeadBytes);
    }
  }

  /** Appends to the container what the objects from {@code first} to its end lead to. */
  void expandFrom(long first) {
    long gc = first;
    while (gc != container) {
      long object = gc + interpreter.version.gcHeadBytes;
      if (isImmortal(object)) {
        long next = lists.next(gc);
        lists.move(gc, interpreter.gcState.permanentHead());
        gc = next;
      } else {
        visitReferents(object);
        gc = lists.next(gc);
      }
    }
  }

  private boolean isImmortal(long object) {
    return hasImmortalObjects && ObjectHead.isImmortal(host.load(object + ObjectHead.REF_COUNT));
  }

  private void visitReferents(long object) {
    long type = host.load(object + ObjectHead.TYPE);
    TypeSpec spec = interpreter.types.spec(type);
    if (spec.traversal() == TypeSpec.OPAQUE) {
      int index = (int) Math.max(0, host.load(object + TypeSpec.OPAQUE_INDEX));
      int count = index == 0 ? 0 : interpreter.referents.referentCount(index);
      for (int i = 0; i < count; i++) {
        move(interpreter.referents.referent(index, i));
      }
    } else {
      traversal.locate(object, spec);
      for (long i = 0; i < traversal.count; i++) {
        move(host.load(traversal.address + i * traversal.stride));
      }
      for (long i = 0; i < traversal.keyCount; i++) {
        move(host.load(traversal.keyAddress + i * traversal.keyStride));
      }
      if (traversal.single != 0) {
        move(host.load(traversal.single));
      }
    }
    if (spec.isHeapType() && visitsHeapTypes) {
      move(type);
    }
  }
}
