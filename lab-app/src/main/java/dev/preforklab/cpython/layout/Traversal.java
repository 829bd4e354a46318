package dev.preforklab.cpython.layout;

import dev.preforklab.cpython.Host;
import dev.preforklab.cpython.PythonVersion;

/**
 * Finds an object's references in its memory (tp_traverse): at most two ranges of words at equal
 * distances, and a single one. Reused: the answer stands in the public fields until the next call.
 * Zero words are no references.
 */
public final class Traversal {
  /** The values or items: address of the first, distance, number. */
  public long address;

  public long stride;
  public long count;

  /** The keys of a dict or set that are not all str; number 0 where the collector skips them. */
  public long keyAddress;

  public long keyStride;
  public long keyCount;

  /** Address of the one other reference (an instance's dict), or 0. */
  public long single;

  private final Host host;
  private final DictLayout dicts;
  private final PythonVersion.InstanceLayout instances;
  private final boolean taggedValues;

  public Traversal(Host host, PythonVersion version) {
    this.host = host;
    dicts = new DictLayout(version);
    instances = version.instanceLayout;
    taggedValues = version.atLeast(3, 12);
  }

  /** Offset of the pointer to an instance's values, 3.11 and 3.12. */
  public static int valuesOffset(boolean tagged) {
    return tagged ? -24 : -32;
  }

  /** Locates the references of any object that is not opaque. */
  public void locate(long object, TypeSpec spec) {
    single = 0;
    keyCount = 0;
    stride = 8;
    switch (spec.traversal()) {
      case TypeSpec.BLOCKS -> {
        address = object + spec.firstReference();
        count = spec.references();
      }
      case TypeSpec.TUPLE -> {
        address = object + ObjectHead.VAR_BYTES;
        count = host.load(object + ObjectHead.SIZE);
      }
      case TypeSpec.LIST -> {
        count = host.load(object + ObjectHead.SIZE);
        address = count == 0 ? 0 : host.load(object + ObjectHead.VAR_BYTES);
      }
      case TypeSpec.DICT -> locateDict(object);
      case TypeSpec.INSTANCE -> locateInstance(object);
      case TypeSpec.SET -> {
        address = host.load(object + 40);
        count = host.load(object + 32) + 1;
        stride = 16;
      }
      default -> count = 0;
    }
  }

  private void locateDict(long object) {
    if (dicts.isOld) {
      long table = host.load(object + DictLayout.OLD_TABLE);
      count = host.load(object + DictLayout.OLD_MASK) + 1;
      stride = DictLayout.OLD_ENTRY_BYTES;
      address = table + 16;
      keyAddress = table + 8;
      keyStride = stride;
      keyCount = count;
      return;
    }
    long keys = host.load(object + DictLayout.KEYS);
    long values = host.load(object + DictLayout.VALUES);
    if (keys == 0) {
      count = 0;
      return;
    }
    long shape = host.load(keys + DictLayout.KEYS_SIZE_AND_KIND);
    int kind = DictLayout.kind(shape);
    long entries = host.load(keys + dicts.keysEntries);
    if (values != 0) {
      address = values;
      count = entries;
      return;
    }
    long first = keys + dicts.firstEntry(DictLayout.logSlots(shape)) + dicts.entryKey(kind);
    stride = dicts.entryBytes(kind);
    address = first + 8;
    count = entries;
    if (kind == DictLayout.KIND_GENERAL) {
      keyAddress = first;
      keyStride = stride;
      keyCount = entries;
    }
  }

  private void locateInstance(long object) {
    switch (instances) {
      case DICT -> {
        count = 0;
        single = object + 16;
      }
      case VALUES -> {
        long values = host.load(object + valuesOffset(taggedValues));
        single = taggedValues && (values & 1) != 0 ? 0 : object - 24;
        if (values == 0 || (taggedValues && (values & 1) == 0)) {
          address = 0;
          count = 0;
          return;
        }
        address = taggedValues ? values + 1 : values;
        count = host.load(address - 8) & 0xff;
      }
      case INLINE -> {
        single = object - 24;
        address = object + 24;
        count = host.load(object + 16) & 0xff;
      }
    }
  }
}
