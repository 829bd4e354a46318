#!/usr/bin/env python3
"""Write down the state of a bare interpreter at the point where a heap recipe starts to build.

    baseline.py --python PATH --out FILE.json.gz [--array]

A forked process is more than the heap that a recipe builds: the interpreter's own objects are on pages too, collections
visit them and a normal exit frees them. This script starts the given interpreter as rig.py does, with an empty recipe
and without address randomisation (but for file_pages), and reads, from outside through /proc/PID/mem (so that nothing
runs in the observed process): the mappings, the pages present, pymalloc's arenas, pools and free blocks, and the
collector's lists. Then it runs each kind of act on the empty heap and notes which pages the interpreter itself copied.
Needs root and Linux on x86-64; 2.7 to 3.13.

The file is JSON, addresses in bytes unless said otherwise:
  python, python_full, none_offset (None's address in its page), gc {counts, thresholds, stats, long_lived_total}
  maps      [first page number, page number after the last] of every mapping of the child before an act, whatever it maps
  regions   [class, first page number, [absent, present, absent, ...]] of the child's pages before an act
  private   page numbers that the child has for itself before an act
  stored    of 3.6 and later, where the child or its parent has stored since the fork into blocks of pools and of the data segment that were in
            use then, one address for each page of each block, as differences; the other stores there follow from calls to the allocators (`loading`)
  file_pages  number of read-only file pages present before an act: the median of 15 processes with address randomisation, as
            fault-around maps the 16 pages around a fault by their addresses, which differ from process to process
  fixed_file_pages  their number in a process without it
  released  numbers of further ones that appear when a child gives memory back, the first, then differences: {end: of the data segment, arena: when no
            arena was given back before, so that the linker has munmap still to look for}; of 2.7 only, elsewhere they are present
  arenas    [address, address of the first pool never used, free pools, pools, [addresses of free pools in list order]]
            the usable ones first, in list order, then the full ones
  pools     [address, size class, blocks in use, next offset, largest offset, [offsets of free blocks in chain order]]
  used      [size class, [pool addresses in list order]]
  freed     [address, size class, next offset, largest offset, [offsets of free blocks in chain order]] of the free pools of all arenas: one
            that is to serve the same size class again goes on where it was
  malloc    the C library's heap (glibc 2.26 to 2.36 and later, as long as its structures are the same): {start, end (of the data
            segment), mmap_threshold, trim_threshold, chunks: [size + 1 if the chunk before is in use, ...] from the first chunk to the top,
            arena, break: addresses of main_arena and of the C library's variable of the segment's end, cache, fast, bins: [bin, [numbers of chunks in list order]] of those that hold any (of the cache and the fast bins the
            head first, of the bins from fd to fd), map: the four words of the bin map, last_remainder: number of a chunk or -1}
  numbers   of 2.7, {int, float: [[addresses of the blocks in list order], [addresses of the free objects in chain order]]}
  lists     for each generation the addresses of the collector's heads in list order: the first, then differences
            of 2.7 all from arenas to lists is of the time when the parent has built the empty heap, as it has no hooks in its allocators and what the
            script allocates from there on is simulated; elsewhere it is of the time when the child waits for its word to act
  dead      of 2.7, {dict, list, set: [blocks of what waits on that free list, the next to be taken first]}
  code      of 2.7, {<module>, build, act: the blocks of the empty recipe's code: bytecode, constants, names, variables, name of the file, table of
            lines, the code object, its frame; 0 where there is none}
  free_lists  dead objects that wait on the interpreter's free lists: {list, dict, keys, float, tuple: [by length]}; null if unknown
  first_collection  what the first full collection takes; null for 2.7:
      dead  objects on the interpreter's free lists, by their blocks: {tuple: [by length], list, dict, float, keys, other: those that it gives
            back besides}, each with the next to be taken first
      garbage  blocks that it frees, in order: cyclic garbage and all that this alone holds, without what dies onto free lists
      kept  [length of a tuple, -1 for a dict, -2 for a list, -3 for a key table; its block] of what dies onto them, each kind in the
            order of death
      held  blocks of those of both that the collector does not find itself, as it does not see who holds them
      untracked  {tuple, dict: [heads of objects that it tracks no more]}: tuples at a collection of any generation, dicts at a full one
  exit_calls  what a normal exit asks of the allocators, {"freeze": after gc.freeze, "disabled": after gc.disable, "plain"}, in order: a size allocates, -k frees
            the k-th latest of these allocations, 0 frees the next of the blocks of before (a reallocation that moved is both); and these:
            the first's address, then differences; no "freeze" where there is none, none of 2.7
  exit_room  for how many more dead objects the free lists have room when a normal exit drops the heap, beside those of the interpreter's own that
            have died onto them by then: {list, dict, keys, float, tuple: [by length, 0 of length 0]}; none of 2.7
  loading   of 3.6 and later, how the process came to these pools:
      arenas, pools, used, freed  the same of the time when it was about to read its recipe's code
      dead_tuples  [length, [blocks of the tuples that wait on that free list, the next to be taken first]]
      names  interned texts of that time, and those of one character, in the order of their addresses, and these as differences
      malloc  the C library's heap of that time
      calls, calls_freed  what it has asked of pymalloc since, as in exit_calls, and where `malloc` is there of the C library's heap, too, with
             what the dynamic linker and an open directory have: a size above 1,073,741,824 is that much less and asked of the raw domain;
             536,870,912 more, and it is cleared memory; 268,435,456 more, and it is the new size of the block that the next call frees
      parents  calls of the parent since the fork, in the place of those behind the mark `fork`, with what the C library itself has
      kept  [numbers of the allocations that are still in use, their addresses], both as differences
      marks  numbers of calls: file (the file's bytes are allocated, if they are no more than 512), code and code_end (what marshal.loads
             makes of the code, up to the last call, which frees the bytes), build (the function build() is made), out (the heap's
             list is to be made), list (its allocation, unless it is from the free list), keywords (the tuple of the names of
             str.encode's parameters is allocated, unless that is from the free list), fork (the child's own begin); frame_module, frame_build,
             frame_line: the frames
             that the code of these keeps
  static    addresses of types and of None, if they are in the interpreter's static memory
  acts      {"plain", "freeze", "collect" or "collect,freeze", what the parent did: {act: {copied: [page numbers], vanished: [page numbers],
            appeared: {class: pages}, files: read-only file pages that appeared (the first, then differences), faults, exit_faults, rss_pages, shared_pages, gc}}}; "allocate:KIND" is a loop that appends
            expressions of that kind, and has `used`: of the pages copied in pools and in the data segment those on which it has stored into
            the interpreter's own objects, not only into free memory, free lists and what the recipe's code consists of, and `first`: those
            copied only where the parent's heap holds nothing of that kind
  method_cache  {start: address of the table of looked-up attributes (4096 entries of 24 bytes), next_version: of the next type that
            something is looked up in, bytearray_version: 0 if it has none yet, names: addresses of interned strings, 0 if there is none}
"""
import argparse
import bisect
import gzip
import json
import os
import re
import struct
import subprocess
import sys

import child_trace
import first_collection
import loading
import rig
import stores

ACTS = ("nothing", "iterate", {"iterate": {"part": 0.01}}, "read_deep", {"gc.collect": 0}, {"gc.collect": 1}, "gc.collect",
        {"allocate": {"repeat": 20, "every": 10, "also": {"make": {"cycle": 1}},
                      "make": {"instance": {"a": {"int": 1000}, "b": {"str": 15}, "c": {"list": ["none"]}, "d": {"float": 0.5}}}}},
        "drop", "sum", "gc.unfreeze", "exit", "_exit")


# What each kind of expression needs beyond the loop; the act allocate above has most of them at once.
KINDS = {"none": "none", "int": {"int": 1000}, "float": {"float": 0.5}, "str": {"str": 15}, "bytes": {"bytes": 15},
         "list": {"list": ["none"]}, "tuple": {"tuple": [{"int": 1000}]}, "set": {"set": [{"int": 1000}]}, "dict": {"dict": {"a": "none"}},
         "instance": {"instance": {"a": "none"}}, "slots": {"instance": {"a": "none"}, "slots": True}, "cycle": {"cycle": 1},
         "times": {"times": 2, "of": "none"}}
# What the parent does before it forks: a collection there leaves less to the child's.
MODES = {"plain": [], "freeze": ["gc.freeze"], "collect": ["gc.collect"], "collect,freeze": ["gc.collect", "gc.freeze"]}
# from the list head of generation 0 on, from 3.8 on: three generations, a pointer, the permanent one, statistics, three words
LONG_LIVED_TOTAL = 3 * 24 + 8 + 24 + 3 * 24 + 3 * 8
DICT_KEYS = 32  # of 3.x, in bytes
STATIC = ("None", "type(None)", "int", "float", "str", "bytes", "bytearray", "list", "tuple", "dict", "set", "type")

RANDOM_RUNS = 15
RELEASES = "2.7 3.6 3.7 3.8 3.9 3.10 3.11 3.12 3.13".split()
NUMBER_BYTES, NUMBERS_IN_BLOCK = 24, 41


class Memory(object):
    """Another process's memory, read a mapping at a time."""

    def __init__(self, pid):
        self.mappings = []
        with open("/proc/%d/maps" % pid) as f:
            lines = f.read().splitlines()
        with open("/proc/%d/mem" % pid, "rb", 0) as m:
            for l in lines:
                p = l.split(None, 5)
                lo, hi = (int(x, 16) for x in p[0].split("-"))
                kind = rig.mapping_class(p[1], p[5].strip() if len(p) > 5 else "")
                if kind in ("anon", "brk_heap", "lib_data") and p[1].startswith("rw"):
                    m.seek(lo)
                    self.mappings.append((lo, hi, kind, m.read(hi - lo)))

    def word(self, address):
        for lo, hi, _, data in self.mappings:
            if lo <= address < hi:
                return struct.unpack_from("<Q", data, address - lo)[0]
        raise KeyError(hex(address))

    def int(self, address):
        return self.word(address) & 0xffffffff

    def has(self, address, kind=None):
        return any(lo <= address < hi and kind in (None, k) for lo, hi, k, _ in self.mappings)


def generations(memory, thresholds, head, stride):
    """Address of generation 0's list head: three structures side by side, each with its threshold and a sound list."""
    found = []
    for lo, hi, kind, data in memory.mappings:
        want = struct.pack("<i", thresholds[0])
        at = data.find(want)
        while at >= 0:
            base = at - head
            if base >= 0 and base % 8 == 0 and base + 3 * stride <= len(data):
                if all(struct.unpack_from("<i", data, base + g * stride + head)[0] == thresholds[g] for g in range(3)):
                    heads = [lo + base + g * stride for g in range(3)]
                    try:
                        if all(memory.word(memory.word(h) + 8) & ~3 == h for h in heads):
                            found.append(heads)
                    except KeyError:
                        pass
            at = data.find(want, at + 1)
    if len(found) != 1:
        raise SystemExit("the collector's lists: %d candidates" % len(found))
    return found[0]


def walk(memory, head):
    out, at = [], memory.word(head) & ~3
    while at != head:
        out.append(at)
        at = memory.word(at) & ~3
    return out


def arenas(memory, arena_bytes, pool_bytes):
    """The arena objects in use, as {address of the object: fields}."""
    total = arena_bytes // pool_bytes
    best = {}
    for lo, hi, kind, data in memory.mappings:
        if kind == "lib_data":
            continue
        for at in range(0, len(data) - 48, 8):
            address, pool_address = struct.unpack_from("<QQ", data, at)
            if address & 0xfff or not address or not memory.has(address, "anon"):
                continue
            if not address < pool_address <= address + arena_bytes:
                continue
            free, pools, chain, following, before = struct.unpack_from("<IIQQQ", data, at + 16)
            if pools in (total, total - 1) and free <= pools and pools == total - (1 if address % pool_bytes else 0):
                best[lo + at] = (address, pool_address, free, pools, chain, following, before)
    # Copies of the array that realloc left behind name the same arenas: keep the objects that the lists agree with.
    latest = {}
    for at, fields in sorted(best.items()):
        other = latest.get(fields[0])
        if other is None or consistent(memory, fields):
            latest[fields[0]] = (at, fields)
    return dict(latest.values())


def consistent(memory, fields):
    try:
        return not fields[4] or memory.has(fields[4], "anon")
    except KeyError:
        return False


def heap_state(memory, release):
    large = release not in ("2.7", "3.6", "3.7", "3.8", "3.9")
    arena_bytes, pool_bytes = (1 << 20, 1 << 14) if large else (1 << 18, 1 << 12)
    alignment = 16
    objects = arenas(memory, arena_bytes, pool_bytes)
    usable = [a for a, f in objects.items() if f[2]]
    first = [a for a in usable if objects[a][6] == 0 or objects[a][6] not in objects]
    order = []
    if len(first) == 1:
        at = first[0]
        while at in objects and at not in order:
            order.append(at)
            at = objects[at][5]
    order += sorted((a for a in usable if a not in order), key=lambda a: objects[a][2])
    order += sorted(a for a in objects if not objects[a][2])
    arena_rows, pool_rows, heads = [], [], {}
    for a in order:
        address, pool_address, free, pools, chain, _, _ = objects[a]
        free_pools = []
        while chain:
            free_pools.append(chain)
            chain = memory.word(chain + 16)
        arena_rows.append([address, pool_address, free, pools, free_pools])
        pool = (address + pool_bytes - 1) // pool_bytes * pool_bytes
        assert free == len(free_pools) + (pools - (pool_address - pool) // pool_bytes), (free, len(free_pools))
        while pool < pool_address:
            if pool not in free_pools:
                size_class = memory.int(pool + 36)
                blocks = memory.int(pool)
                chain, offsets = memory.word(pool + 8), []
                while chain:
                    offsets.append(chain - pool)
                    chain = memory.word(chain)
                carved = (min(memory.int(pool + 40), pool_bytes) - 48) // ((size_class + 1) * alignment)
                assert carved == blocks + len(offsets), (hex(pool), carved, blocks, len(offsets))
                pool_rows.append([pool, size_class, blocks, memory.int(pool + 40), memory.int(pool + 44), offsets])
                if offsets:
                    heads.setdefault(size_class, []).append(pool)
            pool += pool_bytes
    used = []
    for size_class, pools in sorted(heads.items()):
        inside, at = set(pools), pools[0]
        while at in inside:
            at = memory.word(at + 16)
        order, at = [], memory.word(at + 16)
        while at in inside:
            order.append(at)
            at = memory.word(at + 16)
        assert set(order) == inside, size_class
        used.append([size_class, order])
    return arena_rows, pool_rows, used


def freed_pools(memory, arena_rows):
    """What the free pools served last, and with which free blocks they serve that again."""
    rows = []
    for address, pool_address, _, _, free_pools in arena_rows:
        for pool in free_pools:
            chain, offsets = memory.word(pool + 8), []
            while chain:
                offsets.append(chain - pool)
                chain = memory.word(chain)
            rows.append([pool, memory.int(pool + 36), memory.int(pool + 40), memory.int(pool + 44), offsets])
    return rows


def pools_state(memory, release):
    """What pymalloc has, by the names of the baseline."""
    arena_rows, pool_rows, used = heap_state(memory, release)
    return {"arenas": arena_rows, "pools": pool_rows, "used": used, "freed": freed_pools(memory, arena_rows)}


# struct malloc_state (glibc 2.27 and later), in bytes
FAST_BINS, TOP, LAST_REMAINDER, BINS, BIN_MAP = 16, 96, 104, 112, 2144
# struct malloc_par before sbrk_base (glibc 2.35 and later)
TRIM_THRESHOLD, MMAP_THRESHOLD, SBRK_BASE = 0, 16, 96
CACHE_COUNTS, CACHE_ENTRIES, CACHE_BINS = 0, 128, 64


def main_arena(memory, start, end):
    """The address of glibc's main_arena: most of its bins are empty, and an empty bin's links lead to itself. That is so a few words before it,
    too, where a fast bin that holds a chunk stands in the place of the last one, which ends with the data segment."""
    for lo, hi, kind, data in memory.mappings:
        if kind != "lib_data":
            continue
        words = struct.unpack_from("<%dQ" % (len(data) // 8), data)
        for at in range(len(words) - 2 * 127 - BINS // 8):
            first = lo + 8 * at + BINS - 16
            bins = words[at + BINS // 8:at + BINS // 8 + 254]
            empty = sum(1 for i in range(0, 254, 2) if bins[i] == bins[i + 1] == first + 8 * i)
            top = words[at + TOP // 8]
            if empty >= 64 and start <= top < end and top + (memory.word(top + 8) & ~7) == end:
                return lo + 8 * at
    raise SystemExit("main_arena: not found")


def malloc_parameters(memory, start):
    """The address of glibc's mp_: its sbrk_base is the heap's start, its thresholds and counts say the rest."""
    for lo, hi, kind, data in memory.mappings:
        if kind == "lib_data":
            at = data.find(struct.pack("<Q", start))
            while at >= 0:
                if at >= SBRK_BASE and struct.unpack_from("<QQ", data, at + 8)[0] == CACHE_BINS:
                    return lo + at - SBRK_BASE
                at = data.find(struct.pack("<Q", start), at + 1)
    raise SystemExit("mp_: not found")


def segment_end(memory, arena, end):
    """The address of the C library's __curbrk, in the static data behind main_arena (ld.so has one of its own, further up)."""
    found = [lo + at for lo, hi, kind, data in memory.mappings if kind != "brk_heap" and hi > arena
             for at in range(0, len(data) - 7, 8) if lo + at > arena and data[at:at + 8] == struct.pack("<Q", end)]
    return min(found)


def c_heap(memory):
    """glibc's heap: the chunks by their boundary tags, the free ones by their bins."""
    start, end = next((lo, hi) for lo, hi, kind, _ in memory.mappings if kind == "brk_heap")
    arena, parameters = main_arena(memory, start, end), malloc_parameters(memory, start)
    top = memory.word(arena + TOP)
    chunks, number, at = [], {}, start
    while at < top:
        number[at] = len(chunks)
        head = memory.word(at + 8)
        assert not head & 6, hex(at)
        chunks.append(head)
        at += head & ~7
    assert at == top and chunks[0] & ~7 == 0x290, "the first chunk is not the thread cache"

    def chain(slot, offset):
        """A list whose links are mangled by their place's address."""
        out, at = [], memory.word(slot)
        while at:
            out.append(number[at - offset])
            link = at + 16 - offset
            at = memory.word(link) ^ link >> 12
        return out

    cache = start + 16
    caches = [chain(cache + CACHE_ENTRIES + 8 * i, 16) for i in range(CACHE_BINS)]
    for i, c in enumerate(caches):
        assert memory.word(cache + CACHE_COUNTS + 2 * i & ~7) >> 16 * (i & 3) & 0xffff == len(c)
    fast = [chain(arena + FAST_BINS + 8 * i, 0) for i in range(10)]
    bins = []
    for i in range(1, 128):
        header = arena + BINS + 16 * (i - 1) - 16
        out, at = [], memory.word(header + 16)
        while at != header:
            out.append(number[at])
            at = memory.word(at + 16)
        bins.append(out)
    return {
        "start": start, "end": end, "arena": arena, "break": segment_end(memory, arena, end), "chunks": chunks,
        "mmap_threshold": memory.word(parameters + MMAP_THRESHOLD), "trim_threshold": memory.word(parameters + TRIM_THRESHOLD),
        "cache": [[i, c] for i, c in enumerate(caches) if c], "fast": [[i, c] for i, c in enumerate(fast) if c],
        "bins": [[i + 1, c] for i, c in enumerate(bins) if c],
        "map": [memory.int(arena + BIN_MAP + 4 * i) for i in range(4)],
        "last_remainder": number.get(memory.word(arena + LAST_REMAINDER), -1)}


def numbers(memory, types):
    """2.7's blocks of ints and floats, whose lists start in static data: the first block, the first free object."""
    found = {}

    def blocks_from(at):
        chain = []
        while at and at not in chain and memory.has(at, "brk_heap"):
            if memory.word(at - 8) & ~7 != 1008:
                return []
            chain.append(at)
            at = memory.word(at)
        return chain if not at else []

    def chain_from(at, dead):
        chain = []
        while at in dead and len(chain) < len(dead):
            chain.append(at)
            at = memory.word(at + 8)
        return [] if at else chain

    static = [w for _, _, kind, data in memory.mappings if kind != "brk_heap"
              for w in struct.unpack("<%dQ" % (len(data) // 8), data) if w and w % 8 == 0 and memory.has(w, "brk_heap")]
    for first in static:
        blocks = blocks_from(first) if first % 16 == 0 else []
        objects = [b + 8 + NUMBER_BYTES * i for b in blocks for i in range(NUMBERS_IN_BLOCK)]
        kinds = set(memory.word(o + 8) for o in objects if memory.word(o))
        for name in ("int", "float"):
            if kinds == {types[name]} and len(blocks) > len(found.get(name, [[]])[0]):
                dead = set(o for o in objects if not memory.word(o))
                chains = [chain for chain in (chain_from(w, dead) for w in static if w in dead) if len(chain) == len(dead)]
                found[name] = [blocks, chains[0] if dead else []]
    assert sorted(found) == ["float", "int"], found
    return found


def dead_objects(memory, release, types):
    """What waits on 2.7's free lists of dicts, lists and sets, whose collections do not empty them, the next to be taken first: an array of
    addresses for each kind in static memory."""
    found, pool_bytes = {}, 1 << 12
    for pool, size_class, _, following, _, free in heap_state(memory, release)[1]:
        size, free = 16 * (size_class + 1), set(free)
        for offset in range(48, min(following, pool_bytes - size + 1), size):
            at = pool + offset + gc_head(release)
            if size >= gc_head(release) + 40 and offset not in free and memory.word(at) == 0:
                found.setdefault(memory.word(at + 8), set()).add(at)
    dead = {}
    for kind in ("dict", "list", "set"):
        objects, arrays = found.get(types[kind], set()), []
        for lo, _, mapping, data in memory.mappings:
            if mapping != "brk_heap":
                words = struct.unpack_from("<%dQ" % (len(data) // 8), data)
                arrays += [words[i:i + len(objects)] for i in range(len(words)) if objects and set(words[i:i + len(objects)]) == objects]
        assert len(arrays) == (1 if objects else 0), (kind, len(objects), len(arrays))
        dead[kind] = [o - gc_head(release) for o in reversed(arrays[0])] if arrays else []
    return dead


def free_lists(python, heap):
    """How many dead objects wait on the interpreter's free lists when a recipe starts to build, or None where it cannot tell (2.7)."""
    source, leaves = rig.compile_recipe({"heap": heap}, "nothing")
    source = source.replace("    out = []\n", "    out = []\n    if hasattr(sys, \"_debugmallocstats\"): sys._debugmallocstats()\n")
    measured = rig.Measured(python, source, leaves, 60, True)
    try:
        measured.hear("F")
        measured.errors.seek(0)
        text = measured.errors.read()
    finally:
        measured.close()
    counts = dict((k, int(n)) for n, k in re.findall(r"(\d+) free (?:Py)?(\w+?)Objects? \*", text))
    tuples = dict((int(k), int(n)) for n, k in re.findall(r"(\d+) free (\d+)-sized PyTupleObject", text))
    if not tuples:
        return None
    return {"list": counts.get("List", 0), "dict": counts.get("Dict", 0), "keys": counts.get("DictKeys", 0),
            "float": counts.get("Float", 0), "tuple": [tuples.get(i, 0) for i in range(max(tuples) + 1)]}


def exit_calls(python, heap, before_fork, act="nothing"):
    """The allocations and deallocations of a child that exits after an act, whose code is where it was when the heap was read."""
    recipe = {"heap": heap, "parent": {"before_fork": before_fork}}
    tables, traces, events = child_trace.allocators(python), [], []

    def look(pid, before, after):
        if after is None:
            traces.append(child_trace.ChildTrace(pid, tables, Memory(pid)))
        else:
            events.extend(traces[0].read())

    rig.run_act(python, recipe, "exit" if act == "nothing" else [act, "exit"], 60, True, look)
    calls, freed = child_trace.calls(events)
    return [calls, differences(freed)]


# More objects than any free list keeps: their type, a tuple's length, their number, the expression that makes one.
DEAD = [("list", 0, 100, {"list": ["none"]}), ("dict", 0, 100, {"dict": {"a": "none"}}), ("float", 0, 200, {"float": 0.5})]
DEAD += [("tuple", n, 2100, {"tuple": [{"int": 1000}] * n}) for n in range(1, 21)]


def exit_room(python, heap, release, dead=None):
    """The room on the free lists when an exit drops the heap, each taken of a heap of more than the list keeps: it drops the latest first,
    and those that the list keeps are freed only when the others have been."""
    tables, types = child_trace.allocators(python), static_objects(python)
    room = {"tuple": [0] * 21}
    for kind, length, count, make in dead or DEAD:
        blocks, traces, events = {}, [], []

        def look(pid, before, after):
            if after is None:
                memory = Memory(pid)
                objects = heap_items(memory, release, types, count, types[kind])
                blocks[kind] = [o - (0 if kind == "float" else gc_head(release)) for o in objects]
                if kind == "dict":
                    blocks["keys"] = [memory.word(o + DICT_KEYS) for o in objects]
                traces.append(child_trace.ChildTrace(pid, tables, memory))
            else:
                events.extend(traces[0].read())

        rig.run_act(python, {"heap": heap + [{"repeat": count, "make": make}]}, "exit", 60, True, look)
        freed = [address for address, _, operation, _ in events if operation == child_trace.FREE]
        for name, addresses in blocks.items():
            numbers_ = dict((a, n) for n, a in enumerate(addresses))
            kept = count - 1 - next(numbers_[a] for a in freed if a in numbers_)
            if length:
                room["tuple"][length] = kept
            else:
                room[name] = kept
    return room


def heap_items(memory, release, types, count, kind):
    """The objects of a type in the only list that holds so many, in its order."""
    found, pool_bytes = [], 1 << (12 if small_pools(release) else 14)
    for pool, size_class, _, following, _, free in heap_state(memory, release)[1]:
        size, free = 16 * (size_class + 1), set(free)
        for offset in range(48, min(following, pool_bytes - size + 1), size):
            at = pool + offset + gc_head(release)
            if size >= gc_head(release) + 40 and offset not in free and memory.word(at + 8) == types["list"] and memory.word(at + 16) == count:
                items = [memory.word(memory.word(at + 24) + 8 * i) for i in range(count)]
                if all(memory.word(item + 8) == kind for item in items):
                    found.append(items)
    assert len(found) == 1, len(found)
    return found[0]


def load_calls(python, heap, act, release, state):
    """How a process comes to the pools of `state` from where it has not yet read its recipe's code."""
    taken = {}

    def look(pid):
        memory = Memory(pid)
        taken.update(pools_state(memory, release))
        taken["malloc"] = c_heap(memory)
        types = static_objects(python)
        taken["dead_tuples"] = dead_tuples(memory, Blocks(memory, release), gc_head(release), types["tuple"])
        found = names(memory, types["str"], 48 if int(release.split(".")[1]) < 12 else 40)
        taken["names"] = [" ".join(sorted(found, key=found.get)), differences(sorted(found.values()))]
        return memory

    events, reads_at, forks_at, parents = loading.log(python, heap, act, look)
    ranges = [(a[0], a[0] + (1 << (18 if small_pools(release) else 20))) for a in state["arenas"]]
    assert set(a[0] for a in taken["arenas"]) <= set(lo for lo, _ in ranges), "an arena has been given back"
    segments = [(s["malloc"]["start"], s["malloc"]["end"]) for s in (taken, state)]
    if segments[0] == segments[1] or heap and segments[0][0] == segments[1][0]:
        ranges.append(segments[1])
    else:
        raise SystemExit("the data segment has grown")
    part = loading.describe(
        events, reads_at, forks_at, parents,
        *(loading.sizes(python) + [lambda a: any(lo <= a < hi for lo, hi in ranges), state["frames"], state["keywords"]]))
    part["calls_freed"], part["kept"] = differences(part.pop("freed")), [differences(k) for k in part["kept"]]
    taken.update(part)
    return taken


def stored(python, heap, act, release, private):
    """Where the child or its parent has stored since the fork into blocks that were in use then, an address for each page of each block."""
    seen = []

    def look(pid):
        memory = Memory(pid)
        seen.append(Blocks(memory, release))
        size = 1 << (18 if small_pools(release) else 20)
        return [(a[0], a[0] + size) for a in heap_state(memory, release)[0]] + [(seen[0].start, seen[0].end)]

    child, parent = stores.since_fork(python, heap, act, look)
    assert set(a >> 12 for a in child + parent) == set(p for p in private if seen[0].covers(p << 12))
    found = {}
    for address in child + parent:
        found.setdefault((address >> 12, seen[0].block(address)), address & -8)
    return differences(sorted(a for (_, block), a in found.items() if block is not None))


def dead_tuples(memory, blocks, head, tuple_type):
    """What is on the free lists of tuples: [length, [blocks, the next to be taken first]]."""
    after = {}
    for pool, (size, following, free) in blocks.pools.items():
        for offset in range(48, min(following, blocks.pool_bytes - size + 1), size):
            at = pool + offset + head
            if offset not in free and size >= head + 32 and memory.word(at) == 0 and memory.word(at + 8) == tuple_type:
                after[at] = memory.word(at + 24)
    rows = []
    for first in sorted(set(after) - set(after.values())):
        chain, at = [], first
        while at:
            chain.append(at - head)
            at = after[at]
        rows.append([memory.word(first + 16), chain])
    assert sum(len(chain) for _, chain in rows) == len(after) and len(set(n for n, _ in rows)) == len(rows)
    return sorted(rows)


def names(memory, str_type, head):
    """The addresses of the interned texts that can be names, and of those of one character, of which there is one each, too."""
    found, wanted = {}, struct.pack("<Q", str_type)
    for lo, hi, _, data in memory.mappings:
        at = data.find(wanted)
        while at >= 0:
            length = struct.unpack_from("<Q", data, at + 8)[0] if at >= 8 and at % 8 == 0 and at + 32 <= len(data) else 0
            if 0 < length <= 60 and at - 8 + head + length < len(data):
                text, state = data[at - 8 + head:at - 8 + head + length], struct.unpack_from("<I", data, at + 24)[0]
                if (state & 3 or length == 1) and re.match(br"[A-Za-z_0-9.<>]+$", text) and data[at - 8 + head + length] == 0:
                    found[text.decode()] = lo + at - 8
            at = data.find(wanted, at + 1)
    return found


def small_pools(release):
    return release in ("2.7", "3.6", "3.7", "3.8", "3.9")


def differences(numbers):
    """The first number, then each one's difference to the one before."""
    return [b - a for a, b in zip([0] + numbers, numbers)]


def method_cache(memory, release, types):
    """The type's method cache: the place that most of the entries agree on, each of which tells its index by its content."""
    by_hash = release in ("2.7", "3.6", "3.7", "3.8", "3.9")
    is_str, votes = {}, {}
    for lo, hi, _, data in memory.mappings:
        words = struct.unpack_from("<%dQ" % (len(data) // 8), data)
        for i in range(len(words) - 2):
            version, name = words[i], words[i + 1]
            if 0 < version < 1 << 32 and name > 4096 and name % 8 == 0:
                if name not in is_str:
                    is_str[name] = memory.has(name + 32) and memory.word(name + 8) == types["str"]
                if is_str[name]:
                    key = memory.int(name + 24) if by_hash else name >> 3
                    start = lo + 8 * i - 24 * ((version ^ key) & 4095)
                    votes.setdefault(start, []).append(version)
    start = max(votes, key=lambda s: len(votes[s]))
    assert len(votes[start]) > 500, len(votes[start])
    bytearray_ = types["bytearray"]
    known = release != "2.7" and memory.word(bytearray_ + TYPE_FLAGS) & VALID_VERSION
    return {"start": start, "next_version": max(votes[start]) + 1, "bytearray_version": memory.int(bytearray_ + TYPE_VERSION) if known else 0,
            "names": dict((n, interned(memory, n, types)) for n in ("__init__", "__bytes__"))}


# In bytes: a frame's code; a code's file name and name, with the same head in 3.8 to 3.10 and one int less in 3.7; a str's text
FRAME_CODE, CODE_FILENAME, CODE_NAME, TEXT = 32, 104, 112, 48


def keywords(memory, blocks, release, types):
    """The blocks of tuples of the names of str.encode's parameters: one of them belongs to its parser, which makes it when first called."""
    head, found = gc_head(release), []
    for pool, (size, following, free) in blocks.pools.items():
        for offset in range(48, min(following, blocks.pool_bytes - size + 1), size):
            at = pool + offset + head
            if offset not in free and head + 40 <= size <= head + 48 and memory.word(at + 8) == types["tuple"] and memory.word(at + 16) == 2:
                if [text_of(memory, memory.word(at + 24 + 8 * i), types) for i in range(2)] == ["encoding", "errors"]:
                    found.append(pool + offset)
    return found


def text_of(memory, at, types):
    """The text of a str of ASCII characters, None of anything else."""
    if not memory.has(at) or not memory.has(at + TEXT) or memory.word(at + 8) != types["str"]:
        return None
    return "".join(chr(memory.word(at + TEXT + i & ~7) >> 8 * (at + TEXT + i & 7) & 255) for i in range(memory.word(at + 16)))


def frames(memory, blocks, release, types):
    """The blocks of the frames that the rig's own functions keep, which other recipes' functions need not fit into: to 3.10 code
    keeps the frame of its last call."""
    if release not in ("3.6", "3.7", "3.8", "3.9", "3.10"):
        return {}
    head, shift = (32, 8) if release in ("3.6", "3.7") else (16, 0)
    wanted = {("recipe", "<module>"): "module", ("recipe", "build"): "build", (None, "line"): "line"}
    found = {}

    def text(at):
        return text_of(memory, at, types)

    for pool, (size, following, free) in blocks.pools.items():
        for offset in range(48, min(following, blocks.pool_bytes - size + 1), size):
            if offset not in free and size >= 384:
                code = memory.word(pool + offset + head + FRAME_CODE)
                if code % 8 == 0 and memory.has(code) and memory.has(code + CODE_NAME):
                    name = text(memory.word(code + CODE_NAME - shift))
                    key = name == "line" and (None, name) or (text(memory.word(code + CODE_FILENAME - shift)), name)
                    if key in wanted:
                        assert wanted[key] not in found, key
                        found[wanted[key]] = pool + offset
    assert sorted(found) == ["build", "line", "module"], found
    return found


# struct _frame and PyCodeObject of 2.7, in bytes: code, constants, names, variables, file name, table of lines
OLD_FRAME_CODE, OLD_CODE, OLD_TEXT = 32, (32, 40, 48, 56, 80, 104), 36


def old_code(memory, blocks, head, types):
    """The blocks of the empty recipe's code on 2.7, by the names of its functions: those that the code refers to, of tuples with a head, its own,
    and that of its frame; 0 where there is none, or that is shared."""
    def text(at):
        if not at or not memory.has(at) or memory.word(at + 8) != types["str"]:
            return None
        return "".join(chr(memory.word(i & ~7) >> 8 * (i & 7) & 255) for i in range(at + OLD_TEXT, at + OLD_TEXT + memory.word(at + 16)))

    def used():
        for pool, (size, following, free) in sorted(blocks.pools.items()):
            for offset in range(48, min(following, blocks.pool_bytes - size + 1), size):
                if offset not in free:
                    yield pool + offset, size

    found, by_code = {}, {}
    for block, size in used():
        if size == 128 and memory.has(memory.word(block + OLD_CODE[4])) and text(memory.word(block + OLD_CODE[4])) == "recipe":
            parts = [memory.word(block + at) for at in OLD_CODE]
            for n in (1, 2, 3):
                parts[n] -= head if memory.word(parts[n] + 16) else parts[n]
            name = text(memory.word(block + OLD_CODE[4] + 8))
            assert name not in found, name
            found[name] = by_code[block] = parts + [block, 0]
    for block, size in used():
        if size >= 384 and memory.word(block + head + OLD_FRAME_CODE) in by_code:
            by_code[memory.word(block + head + OLD_FRAME_CODE)][-1] = block
    assert sorted(found) == ["<module>", "act", "build"], found
    return found


# struct _typeobject of 3.x, in bytes, and Py_TPFLAGS_VALID_VERSION_TAG
TYPE_FLAGS, TYPE_VERSION, VALID_VERSION = 168, 384, 1 << 19


def interned(memory, text, types):
    """The address of the interned str of a text (ASCII); 0 if there is none."""
    for lo, hi, _, data in memory.mappings:
        at = data.find(text.encode() + b"\0")
        while at >= 0:
            for head in (48, 40):  # before 3.12 and from then on
                start = lo + at - head
                if at >= head and start % 8 == 0 and memory.word(start + 8) == types["str"] and memory.word(start + 16) == len(text):
                    if memory.int(start + 32) & 3:
                        return start
            at = data.find(text.encode() + b"\0", at + 1)
    return 0


class Blocks(object):
    """Which memory the allocators have given out, by pools and chunks as captured."""

    def __init__(self, memory, release):
        large = release not in ("2.7", "3.6", "3.7", "3.8", "3.9")
        self.pool_bytes = 1 << 14 if large else 1 << 12
        self.pools, self.chunks = {}, []
        # those of the recipe's code, as far as they are known
        self.code = frozenset()
        for address, size_class, _, following, _, offsets in heap_state(memory, release)[1]:
            self.pools[address] = 16 * (size_class + 1), following, set(offsets)
        heap = c_heap(memory)
        free = set(n for key in ("cache", "fast", "bins") for _, numbers_ in heap[key] for n in numbers_)
        self.start, self.end, at = heap["start"], heap["end"], heap["start"]
        for n, head in enumerate(heap["chunks"]):
            self.chunks.append((at + 16, n not in free))
            at += head & ~7
        self.chunks.append((at + 16, False))
        self.starts = [c[0] for c in self.chunks]

    def pool(self, address):
        pool = address // self.pool_bytes * self.pool_bytes
        return pool if pool in self.pools else None

    def block(self, address):
        """The block in use at an address: None if it is free or the allocator's own."""
        pool = self.pool(address)
        if pool is not None:
            size, following, free = self.pools[pool]
            offset = address - pool - 48
            if offset < 0 or 48 + offset // size * size >= following or 48 + offset // size * size in free:
                return None
            return pool + 48 + offset // size * size
        if self.start <= address < self.end:
            n = bisect.bisect_right(self.starts, address) - 1
            if n < 0 or not self.chunks[n][1] or address >= self.starts[n + 1] - 8:
                return None
            return self.starts[n]
        return None

    def size(self, block):
        """Bytes of a block in use, with what is left of its size class or chunk."""
        pool = self.pool(block)
        if pool is not None:
            return self.pools[pool][0]
        return self.starts[self.starts.index(block) + 1] - block - 8

    def covers(self, address):
        return self.pool(address) is not None or self.start <= address < self.end


def pages_used(old, new, blocks, own, copied, head):
    """Of the pages copied in pools and in the data segment those where something stored into the interpreter's own objects.

    `own` are the blocks of an interpreter whose recipe is empty: what is not among them belongs to the recipe's code, as does what is `code` there.
    A page on which no word has changed is one where reference counts went up and down again. Dead objects on free lists are taken as free memory.
    """
    def owns(block):
        return own.block(block) == block and block not in own.code

    def dead(block):
        if old.word(block) != 0 or blocks.pool(block) is None:
            return False
        count = old.word(block + head)
        return not (0 < count < 1 << 32 and old.has(old.word(block + head + 8)))

    found = []
    for page in copied:
        base = page << 12
        if not blocks.covers(base):
            continue
        changed = [a for a in range(base, base + 4096, 8) if old.word(a) != new.word(a)]
        if changed:
            inside = set(blocks.block(a) for a in changed)
            if any(b is not None and owns(b) and not dead(b) for b in inside):
                found.append(page)
        else:
            inside = set(blocks.block(a) for a in range(base, base + 4096, 8))
            if all(b is None or owns(b) for b in inside):
                found.append(page)
    return found


def file_pages(python, heap):
    """The median number of read-only file pages present before an act, where the kernel chooses addresses at random."""
    found = []

    def look(pid, before, after):
        if after is None:
            found.append(sum(1 for e, kind in before.values() if kind == "file_ro"))

    for _ in range(RANDOM_RUNS):
        rig.run_act(python, {"heap": heap}, "nothing", 60, False, look)
    return sorted(found)[RANDOM_RUNS // 2]


def released(python):
    """Read-only file pages that become present when a child first gives memory back, less those that an act without any brings."""
    files = {}
    for name, heap in (("", []), ("end", [{"repeat": 300, "make": {"bytes": 2000}}]), ("arena", [{"repeat": 5000, "make": {"list": ["none"]}}])):
        def appeared(pid, before, after):
            if after is not None:
                files[name] = set(p for p, (e, kind) in after.items() if p not in before and kind == "file_ro")
        rig.run_act(python, {"heap": heap}, "drop", 60, True, appeared)
    return {"end": differences(sorted(files["end"] - files[""])), "arena": differences(sorted(files["arena"] - files["end"]))}


def static_objects(python):
    """The addresses of objects in the interpreter's static memory that a recipe's code uses."""
    out = subprocess.check_output(
        [python, "-S", "-c", "print(' '.join(str(id(o)) for o in (%s)))" % ", ".join(STATIC)],
        env={"PYTHONHASHSEED": "0"}, preexec_fn=rig.no_random_addresses)
    return dict(zip(STATIC, map(int, out.split())))


def runs(numbers):
    """[first, [absent, present, ...]] of a sorted list of page numbers."""
    first, out, expected = numbers[0], [0, 0], numbers[0]
    for n in numbers:
        if n != expected:
            out += [n - expected, 0]
        out[-1] += 1
        expected = n + 1
    return first, out


def gc_head(release):
    """Bytes of a GC head."""
    return 32 if release in ("2.7", "3.6", "3.7") else 16


def memory_state(python, heap, release):
    """The part of the baseline that is read from memory, and the blocks in use then and the act that was to come."""
    state, act = {}, "nothing"
    head = gc_head(release)
    thresholds = [2000, 10, 10] if release == "3.13" else [700, 10, 10]
    static = static_objects(python)
    first = first_collection.FirstCollection(python, head, static) if release != "2.7" else None
    snapshots, own = [], []

    def heads(memory):
        return generations(memory, thresholds, head, 24 if head == 16 else 40 if release == "2.7" else 48)

    def walk_lists(memory):
        return [walk(memory, h) for h in heads(memory)]

    def heaps(memory):
        lists = walk_lists(memory)
        taken = {"lists": [differences(l) for l in lists]}
        # Objects that were there at the last full collection may be gone by now, but still count.
        taken["long_lived_total"] = memory.word(heads(memory)[0] + LONG_LIVED_TOTAL) if head == 16 else len(lists[2])
        taken.update(pools_state(memory, release))
        taken["malloc"] = c_heap(memory)
        if release == "2.7":
            taken["numbers"] = numbers(memory, static)
        return taken

    def look_when_built(pid):
        memory = Memory(pid)
        state.update(heaps(memory))
        state["dead"] = dead_objects(memory, release, static)
        state["code"] = old_code(memory, own[-1], head, static)
        # The list that was to hold the heap came from the free list.
        young = walk_lists(memory)[0]
        out, = [h for h in young if memory.word(h + head + 8) == static["list"]]
        assert not memory.word(out + head + 16)
        state["lists"][0] = differences([h for h in young if h != out])
        state["dead"]["list"].insert(0, out)
        own.append(Blocks(memory, release))

    def look(pid, before, after):
        if after is not None:
            return
        memory = Memory(pid)
        taken = heaps(memory)
        taken["thresholds"] = thresholds
        taken["static"] = dict((n, a) for n, a in static.items() if memory.has(a, "lib_data"))
        taken["method_cache"] = method_cache(memory, release, static)
        own.append(Blocks(memory, release))
        taken["frames"] = frames(memory, own[-1], release, static)
        taken["keywords"] = keywords(memory, own[-1], release, static) if release != "2.7" else []
        by_mapping = {}
        for page, (entry, kind) in sorted(before.items()):
            if kind != "file_ro":
                key = next(i for i, m in enumerate(maps_of(pid)) if m[0] <= page < m[1])
                by_mapping.setdefault((key, kind), []).append(page)
        taken["maps"] = maps_of(pid)
        taken["regions"] = [[kind] + list(runs(pages)) for (_, kind), pages in sorted(by_mapping.items())]
        taken["fixed_file_pages"] = sum(kind == "file_ro" for _, kind in before.values())
        taken["private"] = sorted(p for p, (e, kind) in before.items() if e & rig.EXCLUSIVE and kind != "file_ro")
        snapshots.append(taken)

    def watch(pid, before, after):
        memory = Memory(pid)
        if after is None:
            look(pid, before, after)
            first.before(pid, memory, walk_lists(memory), own[-1])
        else:
            first.after(pid, walk_lists(memory))

    result = rig.run_act(python, {"heap": heap}, "nothing", 60, True, look)
    state["free_lists"] = free_lists(python, heap)
    if first:
        collecting = rig.run_act(python, {"heap": heap}, "gc.collect", 60, True, watch)
        collected = [run["gc"]["stats"][2]["collected"] for run in (result, collecting)]
        keys = state["free_lists"]["keys"] if state["free_lists"] else 0
        state["first_collection"] = first.describe(keys, collected[1] - collected[0])
        # An act's code moves what is allocated after it: then all is to be from the process whose blocks were seen to go.
        if snapshots[1]["lists"] == snapshots[0]["lists"]:
            del snapshots[1], own[1]
        else:
            act = "gc.collect"
    state.update(snapshots[-1])
    if release != "2.7":
        state["loading"] = load_calls(python, heap, act, release, state)
        own[-1].code = frozenset(state["loading"].pop("code"))
        state["stored"] = stored(python, heap, act, release, state["private"])
    else:
        loading.built(python, heap, act, look_when_built)
    del state["frames"], state["keywords"]
    state["gc"] = {"counts": result["gc_counts_at_fork"], "stats": result["gc"]["stats"]}
    return state, own[-1], act


def capture(python, heap):
    release, full, _, names = rig.describe(python)
    none_offset = int(subprocess.check_output([python, "-S", "-c", "print(id(None) & 4095)"]))
    state = {"prefork_baseline": 1, "python": release, "python_full": full, "none_offset": none_offset}
    memory, own, act = memory_state(python, heap, release)
    state.update(memory)
    state["file_pages"] = file_pages(python, heap)
    if release == "2.7":
        state["released"] = released(python)
    state["exit_calls"] = {"plain": exit_calls(python, heap, [], act)} if release != "2.7" else {}
    if "freeze" in names:
        state["exit_calls"]["freeze"] = exit_calls(python, heap, ["gc.freeze"])
    if release != "2.7":
        state["exit_calls"]["disabled"] = exit_calls(python, heap, ["gc.disable"])
    if release != "2.7":
        state["exit_room"] = exit_room(python, heap, release)
    state["acts"] = {}
    kinds = dict(KINDS, array={"array": 1}) if heap else KINDS
    acts = [(json.dumps(a).translate({ord(c): None for c in ' "{}'}) if "allocate" not in a else "allocate", a) for a in ACTS]
    acts += [("allocate:" + k, {"allocate": {"repeat": 20, "make": e}}) for k, e in sorted(kinds.items())]
    # The data segment grows, blocks are merged and split: code of the C library that the acts before need not reach.
    acts.append(("allocate:raw", {"allocate": {"repeat": 300, "make": {"bytes": 2000}}}))
    for mode, before_fork in sorted(MODES.items()):
        recipe = {"heap": heap, "parent": {"before_fork": before_fork}}
        state["acts"][mode] = {}
        for name, act in acts:
            if rig.unsupported(recipe, act, names):
                continue
            if "collect" in mode and not (name.startswith("gc.") or name == "exit"):
                continue
            copied, vanished, files, old, used = [], [], [], [], []

            def compare(pid, before, after):
                # In a run of its own: reading a page that is not there makes it present.
                if after is None:
                    old.append(Memory(pid))
                else:
                    used[:] = pages_used(old[0], Memory(pid), Blocks(old[0], release), own, copied, gc_head(release))

            def differ(pid, before, after):
                if after is not None:
                    copied[:] = sorted(
                        p for p, (e, kind) in after.items()
                        if p in before and (e & rig.FRAME) != (before[p][0] & rig.FRAME))
                    vanished[:] = sorted(p for p, (e, kind) in before.items() if p not in after and kind != "file_ro")
                    files[:] = sorted(p for p, (e, kind) in after.items() if p not in before and kind == "file_ro")
            r = rig.run_act(python, recipe, act, 60, True, differ)
            if "exit" not in name:
                rig.run_act(python, recipe, act, 60, True, compare)
            state["acts"][mode][name] = {
                "copied": list(copied), "appeared": r["appeared_by_mapping"], "files": differences(files), "faults": r["minor_faults"],
                "vanished": list(vanished), "exit_faults": r["exit_faults"],
                "rss_pages": r["rss_bytes"] // 4096, "shared_pages": round(r["share_ratio"] * r["rss_bytes"] / 4096),
                "rss_pages_before": r["rss_bytes_before"] // 4096,
                "shared_pages_before": round(r["share_ratio_before"] * r["rss_bytes_before"] / 4096),
                "gc": r["gc"]}
            if old:
                state["acts"][mode][name]["used"] = used
            if name[:9] == "allocate:" and name[9:] in kinds:
                made = {"heap": heap + [{"repeat": 1, "make": kinds[name[9:]]}], "parent": recipe["parent"]}
                rig.run_act(python, made, act, 60, True, differ)
                state["acts"][mode][name]["first"] = sorted(set(state["acts"][mode][name]["copied"]) - set(copied))
    return state


def maps_of(pid, cache={}):
    if pid not in cache:
        with open("/proc/%d/maps" % pid) as f:
            cache[pid] = [tuple(int(x, 16) // 4096 for x in l.split()[0].split("-")) for l in f if "[vsyscall]" not in l]
    return cache[pid]


def main():
    parser = argparse.ArgumentParser(description="Write down a bare interpreter's memory for the simulated rig.")
    parser.error = lambda message: parser.exit(2, "%s: %s; --help lists the options\n" % (parser.prog, message))
    parser.add_argument("--python", required=True, help="the interpreter")
    parser.add_argument("--array", action="store_true", help="after the array module has been imported")
    parser.add_argument("--out", required=True, help="file to write, gzip of JSON")
    options = parser.parse_args()
    if not os.path.isdir(os.path.dirname(os.path.abspath(options.out))):
        parser.error("--out %s: its directory does not exist" % options.out)
    if os.geteuid():
        parser.error("frame numbers and another process's memory are for root only")
    try:
        release, _, implementation, _ = rig.describe(options.python)
    except rig.InterpreterError as e:
        parser.error("--python %s: %s" % (options.python, e))
    if implementation != "cpython" or release not in RELEASES:
        parser.error("--python %s: %s %s, not one of CPython %s" % (options.python, implementation, release, ", ".join(RELEASES)))
    if os.getpid() < 10000:
        print("note: the child writes its process number, which takes another block with fewer than five digits", file=sys.stderr)
    state = capture(options.python, [{"repeat": 0, "make": {"array": 1}}] if options.array else [])
    with gzip.GzipFile(options.out, "wb", mtime=0) as f:
        f.write(json.dumps(state, separators=(",", ":")).encode())
    print("%s: %d arenas, %d pools, %d tracked objects, %d bytes" % (
        options.out, len(state["arenas"]), len(state["pools"]), sum(map(len, state["lists"])), os.path.getsize(options.out)))


if __name__ == "__main__":
    main()
