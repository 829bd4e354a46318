package dev.preforklab.prefork;

/** How a worker leaves. */
public enum ExitMode {
  /** Through the interpreter's finalisation, which collects and frees what it can. */
  NORMAL,
  /** By {@code os._exit}: no finalisation, the kernel takes the memory back. */
  OS_EXIT
}
