package dev.preforklab.experiment;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class CheckpointsTest {
  @Test
  void roundNumbersUpToTheLastRequest() {
    assertThat(all(new Checkpoints(4_000)))
        .containsExactly(0L, 4L, 20L, 40L, 100L, 200L, 500L, 1_000L, 2_000L, 4_000L);
    assertThat(all(new Checkpoints(30))).containsExactly(0L, 4L, 20L, 30L);
    assertThat(all(new Checkpoints(3))).containsExactly(0L, 3L);
    assertThat(all(new Checkpoints(25_000))).endsWith(4_000L, 10_000L, 20_000L, 25_000L);
  }

  private static List<Long> all(Checkpoints checkpoints) {
    List<Long> due = new ArrayList<>();
    while (checkpoints.next() != Checkpoints.NONE) {
      due.add(checkpoints.next());
      checkpoints.take(checkpoints.next(), 0, new NoProcesses());
    }
    assertThat(checkpoints.taken()).map(HostResult.Checkpoint::requests).isEqualTo(due);
    return due;
  }

  /** A service of which nothing is left. */
  private static final class NoProcesses implements PreforkService {
    @Override
    public void start(Listener listener) {}

    @Override
    public void serve(int slot, long requestId, int endpoint, long intendedNs) {}

    @Override
    public void restart(boolean rolling) {}

    @Override
    public boolean isRunning() {
      return false;
    }

    @Override
    public List<ProcessReadout> processes() {
      return List.of();
    }

    @Override
    public long[] trackedObjects(int slot) {
      return new long[4];
    }

    @Override
    public RetiredWorkers retired() {
      return new RetiredWorkers();
    }

    @Override
    public List<Long> restarts() {
      return List.of(0L, 0L, 0L, 0L);
    }

    @Override
    public long hostTotalBytes() {
      return 0;
    }

    @Override
    public long hostAvailableBytes() {
      return 0;
    }
  }
}
