package dev.preforklab.experiment.verify;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ShrinkerTest {
  private static final List<Integer> NUMBERS = IntStream.range(0, 500).boxed().toList();

  @Test
  void leavesExactlyWhatIsNeeded() {
    SplittableRandom random = new SplittableRandom(4);
    for (int i = 0; i < 30; i++) {
      Set<Integer> needed =
          random.ints(1 + i % 7, 2, NUMBERS.size()).boxed().collect(Collectors.toSet());

      Shrinker.Shrunk<Integer> shrunk =
          new Shrinker(() -> () -> false)
              .shrink(NUMBERS, 2, numbers -> numbers.containsAll(needed));

      assertThat(shrunk.minimal()).isTrue();
      assertThat(shrunk.items().subList(0, 2)).containsExactly(0, 1);
      assertThat(shrunk.items().subList(2, shrunk.items().size()))
          .containsExactlyElementsOf(needed.stream().sorted().toList());
    }
  }

  /** An item that can go only after a later one: one pass over single items is not enough. */
  @Test
  void goesOnUntilNoSingleItemCanGo() {
    Shrinker.Shrunk<Integer> shrunk =
        new Shrinker(() -> () -> false)
            .shrink(List.of(1, 2, 3, 4), 0, n -> n.contains(4) && (!n.contains(3) || n.size() > 3));

    assertThat(shrunk).isEqualTo(new Shrinker.Shrunk<>(List.of(4), true));
  }

  @Test
  void stopsWhenTheTimeIsUp() {
    AtomicInteger asked = new AtomicInteger();
    Shrinker.Shrunk<Integer> shrunk =
        new Shrinker(() -> () -> asked.incrementAndGet() > 10)
            .shrink(NUMBERS, 0, n -> n.contains(7));

    assertThat(shrunk.minimal()).isFalse();
    assertThat(shrunk.items()).contains(7).hasSizeLessThan(NUMBERS.size());
  }
}
