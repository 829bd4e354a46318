package dev.preforklab.prefork.profile;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class GatheredObjectsTest {
  /** Oracle: a list to which the master's objects belong as zeros, cleared when it is full. */
  @Test
  void dropsAllWhenOneMoreThanTheLimitComes() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (int round = 0; round < 200; round++) {
      int limit = 1 + random.nextInt(40);
      int waiting = random.nextInt(limit + 1);
      List<Long> list = new ArrayList<>();
      for (int i = 0; i < waiting; i++) {
        list.add(0L);
      }
      List<Long> expected = new ArrayList<>();
      Dropped dropped = new Dropped();
      GatheredObjects gathered = new GatheredObjects(new RequestRecords.Gathering(limit, waiting));
      for (long object = 1; object <= 150; object++) {
        if (list.size() == limit) {
          expected.addAll(list);
          list.clear();
        }
        list.add(object);
        gathered.add(object, dropped);
        assertThat(dropped.objects).as("seed %d, object %d", seed, object).isEqualTo(expected);
      }
    }
  }

  private static final class Dropped implements GatheredObjects.Sink {
    final List<Long> objects = new ArrayList<>();

    @Override
    public void own(long address) {
      objects.add(address);
    }

    @Override
    public void inherited(int number) {
      for (int i = 0; i < number; i++) {
        objects.add(0L);
      }
    }
  }
}
