"""PYTHON -E -S replay.py TRACE  -> one JSON object on stdout: the collector's counters after each operation.

Runs a GC operation trace in the interpreter that runs this script, CPython 2.7 and 3.6 to 3.13 on Linux,
standard library only. From 3.7 on the counters are read straight from the collector's own struct in memory through ctypes cells
made beforehand, which allocate no gc object, so the replay adds nothing to them.

Reading point: after the op AND after one builtin call (gc.isenabled()) has returned, so that on 3.12+ a pending
collection (run only at the eval breaker) has happened.

A file that is not a trace within the lab's own limits is refused in one line, with exit status 2.
"""
import ctypes
import gc
import json
import os
import signal
import struct
import sys
from array import array

gc.disable()

TRACE_BYTES_MAX = 256 << 20
TRACE_SECONDS_MAX = 60
SLOTS_MAX = 100000
OPERATIONS_MAX = 2000000
REPEAT_MAX = 1000
OBJECTS_MAX = 500000000
# operations of the dry pass that comes before the trace
DRY = 50

OPS = ["nop", "new", "chain", "link", "unlink", "drop", "cycle", "burst", "list", "dict", "inst", "tuple", "lset",
       "dset", "aset", "lcycle", "dcycle", "icycle", "lburst", "collect", "thr", "freeze", "unfreeze", "disable", "enable"]
CODE = {n: i for i, n in enumerate(OPS)}

# Of each argument what it may be: (s)lot, (f)ield, (r)epeat, (l)ength, (g)eneration, (t)hreshold.
ARGUMENTS = dict(zip(OPS, " s sr sfs sf s lr r s s s sss sfs sfs sfs lr lr lr r g ttt".split(" ") + [""] * 4))
MAKES = {"new": "N", "chain": "N", "list": "list", "dict": "dict", "inst": "I", "tuple": "tuple", "drop": None}
NEEDS = {"link": "N", "unlink": "N", "lset": "list", "dset": "dict", "aset": "I"}


class TraceError(ValueError):
    """No trace; the message says where and why."""


def whole(v, low, high):
    return not isinstance(v, bool) and isinstance(v, type(1)) and low <= v <= high


def shown(v):
    text = json.dumps(v) if not isinstance(v, (list, dict)) else "a list" if isinstance(v, list) else "an object"
    return text if len(text) <= 40 else text[:40] + "..."


def checked(t):
    """The trace t, if it is one and each operation finds what it works on in its slot."""
    if not isinstance(t, dict):
        raise TraceError("not a trace: the file does not hold a JSON object")
    if t.get("family") not in ("pure", "mixed"):
        raise TraceError("family: %s is not known; known: pure, mixed" % shown(t.get("family")))
    slots, ops = t.get("slots"), t.get("ops")
    if not whole(slots, 1, SLOTS_MAX):
        raise TraceError("slots: must be a whole number from 1 to %d, not %s" % (SLOTS_MAX, shown(slots)))
    if not isinstance(ops, list) or len(ops) > OPERATIONS_MAX:
        raise TraceError("ops: must be a list of at most %d operations" % OPERATIONS_MAX)
    bounds = {"s": (0, slots - 1), "f": (0, 3), "r": (0, REPEAT_MAX), "l": (1, REPEAT_MAX), "g": (0, 2), "t": (0, 2147483647)}
    held = {}
    objects = 0
    for i, o in enumerate(ops):
        where = "ops[%d]: " % i
        if not isinstance(o, list) or not o:
            raise TraceError(where + "must be a list that begins with a name, not " + shown(o))
        name, a = o[0], o[1:]
        if isinstance(name, (list, dict)) or name not in ARGUMENTS:
            raise TraceError(where + "unknown operation " + shown(name))
        kinds = ARGUMENTS[name]
        if len(a) != len(kinds):
            raise TraceError(where + "%s takes %d numbers, not %d" % (name, len(kinds), len(a)))
        for v, kind in zip(a, kinds):
            if not whole(v, *bounds[kind]):
                raise TraceError(where + "%s: %s is not a whole number from %d to %d" % ((name, shown(v)) + bounds[kind]))
        if name in NEEDS and held.get(a[0]) != NEEDS[name]:
            raise TraceError(where + "slot %d does not hold a %s" % (a[0], NEEDS[name]))
        if name in MAKES:
            held[a[0]] = MAKES[name]
        objects += a[0] * a[1] if kinds == "lr" else a[-1] if kinds[-1:] == "r" else 1
        if objects > OBJECTS_MAX:
            raise TraceError(where + "the trace makes more than %d objects up to here" % OBJECTS_MAX)
    return t


def number(digits):
    if len(digits) > 1000:
        raise TraceError("holds a number of %d digits" % len(digits))
    return int(digits)


def late(signum, frame):
    raise TraceError("no end within %d s" % TRACE_SECONDS_MAX)


def read_trace(name):
    """The trace in a file; a device or a pipe has no size to ask for, and may never end."""
    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(TRACE_SECONDS_MAX)
    try:
        with open(name, "rb") as f:
            content = f.read(TRACE_BYTES_MAX + 1)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    if len(content) > TRACE_BYTES_MAX:
        raise TraceError("is over 256 MiB, too long for a trace")
    try:
        return checked(json.loads(content.decode("utf-8"), parse_int=number))
    except (RuntimeError, MemoryError):  # RecursionError, where there is one
        raise TraceError("too deep")


if len(sys.argv) != 2:
    sys.stderr.write("replay.py: takes one argument, the trace\n")
    sys.exit(2)
try:
    T = read_trace(sys.argv[1])
except (ValueError, IOError, OSError) as e:
    sys.stderr.write("replay.py: %s: %s\n" % (sys.argv[1], getattr(e, "strerror", None) or e))
    sys.exit(2)


class N(object):
    __slots__ = ("f0", "f1", "f2", "f3")


class I(object):
    pass


def find():
    """Address of gc_generation[3] in this process, by the three odd thresholds just set; those found are put back."""
    found = gc.get_threshold()
    gc.set_threshold(1234567, 7654321, 1357911)
    pat = struct.pack("<i", 1234567)
    hits = []
    with open("/proc/self/maps") as f:
        maps = f.read().splitlines()
    with open("/proc/self/mem", "rb", 0) as m:
        for l in maps:
            p = l.split()
            if "rw" not in p[1] or l.endswith("[stack]"):
                continue
            lo, hi = (int(x, 16) for x in p[0].split("-"))
            if hi - lo > 64 << 20:
                continue
            m.seek(lo)
            try:
                buf = m.read(hi - lo)
            except OSError:
                continue
            at = -1
            while True:
                at = buf.find(pat, at + 1)
                if at < 0:
                    break
                for stride in (24, 40, 48):
                    if buf[at + stride:at + stride + 4] == struct.pack("<i", 7654321) and \
                       buf[at + 2 * stride:at + 2 * stride + 4] == struct.pack("<i", 1357911):
                        hits.append((lo + at, stride))
    # what was found is the start of the replay: 3.13.0 to 3.13.x have 2000 where all others have 700
    gc.set_threshold(*found)
    return [(a, s) for a, s in hits if ctypes.c_int.from_address(a).value == found[0]]


def prepared(operations):
    """The operations as tuples of five: a code, three numbers, and those three as arguments of set_threshold."""
    ops = []
    for o in operations:
        a = (list(o[1:]) + [0, 0, 0])[:3]
        ops.append((CODE[o[0]], a[0], a[1], a[2], tuple(a) if o[0] == "thr" else None))
    return ops


def run_counts(ops, S, B, R, RNG, N, I, KEYS, POS, collect, set_threshold, disable, enable, isenabled, get_count, get_objects):
    """As run() below, for 2.7 and 3.6, which keep the counters in several places and have no freeze.

    A row is gc.get_count(), whose tuple is an allocation that the collector counts, and what gc.collect() returned.
    """
    p = 0
    x = y = z = None
    POS[1] = len(get_objects())
    for op, a, b, c, t in ops:
        n = -1
        if op == 1:
            S[a] = N()
        elif op == 2:
            for z in RNG[b]:
                x = N()
                x.f0 = y
                y = x
            S[a] = y
            x = y = None
        elif op == 3:
            if b == 0:
                S[a].f0 = S[c]
            elif b == 1:
                S[a].f1 = S[c]
            elif b == 2:
                S[a].f2 = S[c]
            else:
                S[a].f3 = S[c]
        elif op == 4:
            if b == 0:
                S[a].f0 = None
            elif b == 1:
                S[a].f1 = None
            elif b == 2:
                S[a].f2 = None
            else:
                S[a].f3 = None
        elif op == 5:
            S[a] = None
        elif op == 6:
            for z in RNG[b]:
                B[0] = y = N()
                for z in RNG[a - 1]:
                    x = N()
                    y.f0 = x
                    y = x
                y.f0 = B[0]
                B[0] = x = y = None
        elif op == 7:
            for z in RNG[a]:
                B[z] = N()
            for z in RNG[a]:
                B[z] = None
        elif op == 8:
            S[a] = [None, None, None, None]
        elif op == 9:
            S[a] = {}
        elif op == 10:
            S[a] = I()
        elif op == 11:
            S[a] = (S[b], S[c])
        elif op == 12:
            S[a][b] = S[c]
        elif op == 13:
            S[a][KEYS[b]] = S[c]
        elif op == 14:
            if b == 0:
                S[a].f0 = S[c]
            elif b == 1:
                S[a].f1 = S[c]
            elif b == 2:
                S[a].f2 = S[c]
            else:
                S[a].f3 = S[c]
        elif op == 15:
            for z in RNG[b]:
                B[0] = y = [None]
                for z in RNG[a - 1]:
                    x = [None]
                    y[0] = x
                    y = x
                y[0] = B[0]
                B[0] = x = y = None
        elif op == 16:
            for z in RNG[b]:
                B[0] = y = {}
                for z in RNG[a - 1]:
                    x = {}
                    y["f0"] = x
                    y = x
                y["f0"] = B[0]
                B[0] = x = y = None
        elif op == 17:
            for z in RNG[b]:
                B[0] = y = I()
                for z in RNG[a - 1]:
                    x = I()
                    y.f0 = x
                    y = x
                y.f0 = B[0]
                B[0] = x = y = None
        elif op == 18:
            for z in RNG[a]:
                B[z] = []
            for z in RNG[a]:
                B[z] = None
        elif op == 19:
            n = collect(a)
        elif op == 20:
            set_threshold(*t)
        elif op == 23:
            disable()
        elif op == 24:
            enable()
        isenabled()
        R[p], R[p + 1], R[p + 2] = get_count()
        R[p + 3] = n
        p += 4


def main_counts():
    ops = prepared(T["ops"])
    RNG = [(range if sys.version_info[0] > 2 else xrange)(i) for i in range(1001)]  # noqa: F821 (an iterator that gc does not see)
    R = array("l", [0]) * (4 * max(DRY, len(ops)))
    POS = array("l", [0, 0])
    S, B = [None] * T["slots"], [None] * 1000
    args = (S, B, R, RNG, N, I, ("f0", "f1", "f2", "f3"), POS, gc.collect, gc.set_threshold, gc.disable, gc.enable, gc.isenabled,
            gc.get_count, gc.get_objects)
    run_counts(prepared([["nop"]] * DRY), *args)
    # the lists and dicts that wait for reuse: 2.7 keeps them over a collection, so they are put into a known state
    numbers = range(200)  # on 2.7 itself a list
    lists, dicts = [[] for _ in numbers], [{} for _ in numbers]
    gc.collect()
    gc.collect()
    del lists[-74:], dicts[-1:]
    gc.enable()
    run_counts(ops, *args)
    gc.disable()
    rows = [R[i * 4:(i + 1) * 4].tolist() for i in range(len(ops))]
    json.dump({"version": sys.version.split()[0], "trace": os.path.basename(sys.argv[1]), "mode": "counts",
               "columns": ["count0", "count1", "count2", "collected_or_-1"], "tracked_at_start": POS[1], "rows": rows},
              sys.stdout, separators=(",", ":"))


if sys.version_info < (3, 7):
    main_counts()
    sys.exit(0)
hits = find()
assert len(hits) == 1, hits
THR0, STRIDE = hits[0]
ci = lambda a: ctypes.c_int.from_address(a)
cl = lambda a: ctypes.c_ssize_t.from_address(a)
k0, k1, k2 = (ci(THR0 + STRIDE * i + 4) for i in range(3))
# statistics: look behind the generations for the nine numbers gc.get_stats() reports
gc.collect(0); gc.collect(0); gc.collect(1); gc.collect(2)
want = [s[k] for s in gc.get_stats() for k in ("collections", "collected", "uncollectable")]
STAT = None
for off in range(-8192, 8192, 8) if sys.version_info < (3, 7) else range(0, 400, 8):
    a = THR0 + 3 * STRIDE - 16 + off
    a -= a % 8
    if [cl(a + 8 * i).value for i in range(9)] == want:
        STAT = a
        break
st = [cl(STAT + 8 * i) for i in range(9)]
# long_lived_total, long_lived_pending: after the statistics come int collecting, garbage, callbacks
# (3.6 keeps them as separate statics: not read there, 0 is reported)
LL = [cl(STAT + 72 + 24), cl(STAT + 72 + 32)] if sys.version_info >= (3, 7) else [ctypes.c_ssize_t(0), ctypes.c_ssize_t(0)]
gc.collect(2)
ll_check = [LL[0].value, LL[1].value, len(gc.get_objects(generation=2)) if sys.version_info >= (3, 8) else None]

ops = prepared(T["ops"])
S = [None] * T["slots"]
B = [None] * 1000
W = 16
R = array("q", [0]) * (W * max(DRY, len(ops)))
POS = array("q", [0])
KEYS = ("f0", "f1", "f2", "f3")


def run(ops, S, B, R, RNG, N, I, KEYS, POS, k0, k1, k2, st, LL, collect, set_threshold, freeze, unfreeze, disable, enable,
        isenabled, get_freeze_count, W):
    s0, s1, s2, s3, s4, s5, s6, s7, s8 = st
    l0, l1 = LL
    p = 0
    x = y = z = None
    for op, a, b, c, t in ops:
        if op == 0:
            pass
        elif op == 1:
            S[a] = N()
        elif op == 2:
            for z in RNG[b]:
                x = N()
                x.f0 = y
                y = x
            S[a] = y
            x = y = None
        elif op == 3:
            if b == 0:
                S[a].f0 = S[c]
            elif b == 1:
                S[a].f1 = S[c]
            elif b == 2:
                S[a].f2 = S[c]
            else:
                S[a].f3 = S[c]
        elif op == 4:
            if b == 0:
                S[a].f0 = None
            elif b == 1:
                S[a].f1 = None
            elif b == 2:
                S[a].f2 = None
            else:
                S[a].f3 = None
        elif op == 5:
            S[a] = None
        elif op == 6:
            for z in RNG[b]:
                B[0] = y = N()
                for z in RNG[a - 1]:
                    x = N()
                    y.f0 = x
                    y = x
                y.f0 = B[0]
                B[0] = x = y = None
        elif op == 7:
            for z in RNG[a]:
                B[z] = N()
            for z in RNG[a]:
                B[z] = None
        elif op == 8:
            S[a] = [None, None, None, None]
        elif op == 9:
            S[a] = {}
        elif op == 10:
            S[a] = I()
        elif op == 11:
            S[a] = (S[b], S[c])
        elif op == 12:
            S[a][b] = S[c]
        elif op == 13:
            S[a][KEYS[b]] = S[c]
        elif op == 14:
            if b == 0:
                S[a].f0 = S[c]
            elif b == 1:
                S[a].f1 = S[c]
            elif b == 2:
                S[a].f2 = S[c]
            else:
                S[a].f3 = S[c]
        elif op == 15:
            for z in RNG[b]:
                B[0] = y = [None]
                for z in RNG[a - 1]:
                    x = [None]
                    y[0] = x
                    y = x
                y[0] = B[0]
                B[0] = x = y = None
        elif op == 16:
            for z in RNG[b]:
                B[0] = y = {}
                for z in RNG[a - 1]:
                    x = {}
                    y["f0"] = x
                    y = x
                y["f0"] = B[0]
                B[0] = x = y = None
        elif op == 17:
            for z in RNG[b]:
                B[0] = y = I()
                for z in RNG[a - 1]:
                    x = I()
                    y.f0 = x
                    y = x
                y.f0 = B[0]
                B[0] = x = y = None
        elif op == 18:
            for z in RNG[a]:
                B[z] = []
            for z in RNG[a]:
                B[z] = None
        elif op == 19:
            collect(a)
        elif op == 20:
            set_threshold(*t)
        elif op == 21:
            freeze()
        elif op == 22:
            unfreeze()
        elif op == 23:
            disable()
        elif op == 24:
            enable()
        isenabled()
        R[p] = k0.value
        R[p + 1] = k1.value
        R[p + 2] = k2.value
        R[p + 3] = s0.value
        R[p + 4] = s1.value
        R[p + 5] = s2.value
        R[p + 6] = s3.value
        R[p + 7] = s4.value
        R[p + 8] = s5.value
        R[p + 9] = s6.value
        R[p + 10] = s7.value
        R[p + 11] = s8.value
        R[p + 12] = l0.value
        R[p + 13] = l1.value
        if op == 21 or op == 22:
            R[p + 14] = get_freeze_count()
        else:
            R[p + 14] = -1
        p += W
        POS[0] += 1


RNG = [range(i) for i in range(1001)]
args = (ops, S, B, R, RNG, N, I, KEYS, POS, k0, k1, k2, st, LL, gc.collect, gc.set_threshold,
        getattr(gc, "freeze", gc.isenabled), getattr(gc, "unfreeze", gc.isenabled), gc.disable, gc.enable, gc.isenabled,
        getattr(gc, "get_freeze_count", gc.isenabled), W)
# one dry pass over a null trace with every builtin (warms caches), then the starting state
run([(0, 0, 0, 0, None)] * DRY, *args[1:])
POS[0] = 0
if hasattr(gc, "freeze"):
    gc.collect(); gc.collect(); gc.freeze(); gc.collect()
else:
    gc.collect(); gc.collect()
gc.enable()
base = [x.value for x in st]
frozen = gc.get_freeze_count() if hasattr(gc, "get_freeze_count") else None
run(*args)
gc.disable()
n = len(ops)
rows = []
for i in range(n):
    r = R[i * W:(i + 1) * W].tolist()
    rows.append(r[:3] + [r[3 + j] - base[j] for j in range(9)] + r[12:15])
out = {"version": sys.version.split()[0], "trace": os.path.basename(sys.argv[1]), "mode": "memory",
       "columns": ["count0", "count1", "count2", "collections0", "collected0", "uncollectable0", "collections1", "collected1",
                   "uncollectable1", "collections2", "collected2", "uncollectable2", "long_lived_total", "long_lived_pending", "freeze_count_or_-1"],
       "baseline_frozen": frozen, "long_lived_check": ll_check, "stride": STRIDE, "rows": rows}
json.dump(out, sys.stdout, separators=(",", ":"))
