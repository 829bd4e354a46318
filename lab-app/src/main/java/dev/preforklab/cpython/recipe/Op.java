package dev.preforklab.cpython.recipe;

import dev.preforklab.cpython.PythonVersion;

/** An instruction by what follows it as its inline cache, from 3.11 on. */
enum Op {
  PLAIN(0, 0, 0),
  GLOBAL(10, 8, 8),
  ATTRIBUTE(8, 18, 18),
  METHOD(20, 18, 18),
  STORE_ATTRIBUTE(8, 8, 8),
  BINARY(2, 2, 2),
  COMPARE(4, 2, 2),
  SUBSCRIPT(8, 2, 2),
  FOR(0, 2, 2),
  BRANCH(0, 0, 2),
  /** With PRECALL on 3.11. */
  CALL(12, 6, 6),
  JUMP_BACK(0, 0, 2);

  final int on11;
  final int on12;
  final int later;

  Op(int on11, int on12, int later) {
    this.on11 = on11;
    this.on12 = on12;
    this.later = later;
  }

  int cacheBytes(PythonVersion version) {
    return version.atLeast(3, 13)
        ? later
        : version.atLeast(3, 12) ? on12 : version.atLeast(3, 11) ? on11 : 0;
  }
}
