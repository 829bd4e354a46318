package dev.preforklab.experiment.verify;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import java.util.function.Supplier;

/**
 * Makes a failing sequence shorter by leaving things out, ever fewer at a time, until no single one
 * can be left out or the time is up (Zeller's delta debugging, by complements).
 */
final class Shrinker {
  private final Supplier<BooleanSupplier> timer;

  /**
   * @param timer starts to count; what it gives tells whether the time is up
   */
  Shrinker(Supplier<BooleanSupplier> timer) {
    this.timer = timer;
  }

  static Shrinker within(Duration budget) {
    return new Shrinker(
        () ->
            new CompletableFuture<Boolean>()
                    .completeOnTimeout(true, budget.toMillis(), TimeUnit.MILLISECONDS)
                ::isDone);
  }

  /**
   * What is left.
   *
   * @param minimal whether each single item is known to be needed
   */
  record Shrunk<T>(List<T> items, boolean minimal) {}

  /**
   * The shortest sequence found that still fails.
   *
   * @param kept so many items at the front stay
   */
  <T> Shrunk<T> shrink(List<T> failing, int kept, Predicate<List<T>> fails) {
    BooleanSupplier timeIsUp = timer.get();
    List<T> best = failing;
    int chunk = Math.max(1, (failing.size() - kept) / 2);
    while (true) {
      boolean shorter = false;
      // From the end: what comes last depends on what came before, and goes first.
      for (int end = best.size(); end > kept; ) {
        if (timeIsUp.getAsBoolean()) {
          return new Shrunk<>(best, false);
        }
        int start = Math.max(kept, end - chunk);
        List<T> candidate = new ArrayList<>(best.subList(0, start));
        candidate.addAll(best.subList(end, best.size()));
        if (fails.test(candidate)) {
          best = candidate;
          shorter = true;
        }
        end = start;
      }
      if (chunk > 1) {
        chunk = Math.max(1, Math.min(chunk / 2, (best.size() - kept) / 2));
      } else if (!shorter) {
        return new Shrunk<>(best, true);
      }
    }
  }
}
