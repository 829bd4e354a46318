package dev.preforklab.cpython.recipe;

import java.util.List;

/** A class of a recipe: its type object and what the interpreter has learnt of its instances. */
final class PyClass {
  final List<String> attributes;
  final boolean slots;
  final long type;

  /** The key table that the instances' dicts share (to 3.10), or 0. */
  final long sharedKeys;

  /** Values in a dict of an instance (to 3.10). */
  final int dictValues;

  /** Attribute names in the shared keys so far, and free places there (from 3.11 on). */
  int entries;

  int usable;

  PyClass(
      List<String> attributes,
      boolean slots,
      long type,
      long sharedKeys,
      int dictValues,
      int usable) {
    this.attributes = attributes;
    this.slots = slots;
    this.type = type;
    this.sharedKeys = sharedKeys;
    this.dictValues = dictValues;
    this.usable = usable;
  }

  /** The class as a forked process has it. */
  PyClass copy() {
    PyClass other = new PyClass(attributes, slots, type, sharedKeys, dictValues, usable);
    other.entries = entries;
    return other;
  }
}
