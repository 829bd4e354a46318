package dev.preforklab.machine;

import dev.preforklab.machine.process.Process;

/** Is told of a process that the out-of-memory killer has ended; its memory is free already. */
@FunctionalInterface
public interface OomListener {
  void killed(Process victim);
}
