package dev.preforklab.machine.process;

/** Which gap a mapping without a wish for an address gets, among those that have room for it. */
public enum MmapLayout {
  /**
   * The highest below the base, and its upper end: Linux's layout on x86-64. If none has room, as
   * {@link #BOTTOM_UP}.
   */
  TOP_DOWN,
  /**
   * The lowest from the base on, and its lower end: Linux's layout with {@code
   * vm.legacy_va_layout=1} or without a limit of the stack.
   */
  BOTTOM_UP
}
