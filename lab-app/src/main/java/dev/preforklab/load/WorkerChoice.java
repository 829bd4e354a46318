package dev.preforklab.load;

import java.util.function.IntSupplier;

/** Which of several idle workers takes a request. */
public abstract class WorkerChoice {
  /** A worker has become idle. */
  abstract void idle(int slot);

  /** A worker has gone away without taking a request. */
  abstract void gone(int slot);

  /** Takes one idle worker, or -1 if there is none. */
  abstract int take();

  /**
   * The one that has waited longest. Workers that block in {@code accept} wait in one exclusive
   * queue and the kernel wakes its head: under little load the workers take turns.
   */
  public static WorkerChoice longestIdle(int slots) {
    return new Waiting(slots) {
      @Override
      int index(int size) {
        return 0;
      }
    };
  }

  /**
   * The one that became idle last. Linux adds an epoll waiter at the head of the listening socket's
   * wait queue, so that event-loop workers share a light load very unevenly.
   */
  public static WorkerChoice lastIdle(int slots) {
    return new Waiting(slots) {
      @Override
      int index(int size) {
        return size - 1;
      }
    };
  }

  /** The lowest slot: a load balancer that fills its first server first. */
  public static WorkerChoice lowestSlot(int slots) {
    return new Waiting(slots) {
      @Override
      int index(int size) {
        int best = 0;
        for (int i = 1; i < size; i++) {
          if (waiting[i] < waiting[best]) {
            best = i;
          }
        }
        return best;
      }
    };
  }

  /**
   * Any, all equally likely.
   *
   * @param bits draws non-negative ints
   */
  public static WorkerChoice random(int slots, IntSupplier bits) {
    return new Waiting(slots) {
      @Override
      int index(int size) {
        return bits.getAsInt() % size;
      }
    };
  }

  /** Idle workers in the order in which they became idle; there are few, so a plain array does. */
  private abstract static class Waiting extends WorkerChoice {
    final int[] waiting;
    private int size;

    Waiting(int slots) {
      waiting = new int[slots];
    }

    /** Index of the worker to take among {@code size} (at least one) that wait. */
    abstract int index(int size);

    @Override
    final void idle(int slot) {
      for (int i = 0; i < size; i++) {
        if (waiting[i] == slot) {
          throw new IllegalStateException("worker " + slot + " is idle twice");
        }
      }
      waiting[size++] = slot;
    }

    @Override
    final void gone(int slot) {
      for (int i = 0; i < size; i++) {
        if (waiting[i] == slot) {
          remove(i);
          return;
        }
      }
    }

    @Override
    final int take() {
      return size == 0 ? -1 : remove(index(size));
    }

    private int remove(int index) {
      int slot = waiting[index];
      System.arraycopy(waiting, index + 1, waiting, index, --size - index);
      return slot;
    }
  }
}
