"""Tests of the capture script: python3 -m unittest discover -s capture

Oracles: the collector's own lists (gc.get_objects(generation=...)), sys._debugmallocstats(), an application whose requests
allocate known amounts, and the two ways to see a copied page (frame number, exclusive bit) against each other. Each test
runs in every CPython found: the one that runs the tests, and those in ~/.pyenv/versions or PREFORKLAB_PYTHONS (paths separated by ':').
"""
import base64
import binascii
import glob
import gzip
import io
import json
import os
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import textwrap
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
SCRIPT = os.path.join(HERE, "preforklab_capture.py")
sys.path.insert(0, HERE)
import preforklab_capture as capture

SECRETS = ("Gr9xSecretString", "k7SecretKey", "Qz4SecretBytes", "SecretHeaderValue5", "SecretQueryArgument8", "SecretBody6", "SecretEnvironment3",
           "SecretDocumentation2", "SecretAttribute9", "SecretPostedBody1")

APPLICATION = textwrap.dedent('''
    import array, gc, os
    print("application says hello")
    SECRET = {"k7SecretKey%d" % k: "Gr9xSecretString%d" % k for k in range(50)}
    RAW = [b"Qz4SecretBytes" * 3, bytearray(b"Qz4SecretBytes"), array.array("b", b"Qz4SecretBytes")]
    class Thing(object):
        """SecretDocumentation2"""
        attribute = u"SecretAttribute9"
        def __init__(self, k):
            self.k, self.l = k, [k, str(k)]
    THINGS = [Thing(k) for k in range(5000)]
    SETS = [set(range(1000, 1000 + k)) for k in range(40)]
    CACHE = []
    class Node(object):
        __slots__ = ("other", "__weakref__")
    def cycle():
        a, b = Node(), Node()
        a.other, b.other = b, a
    def application(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        if environ["PATH_INFO"] == "/cycles":
            for _ in range(70):
                cycle()
        elif environ["PATH_INFO"] == "/list":
            x = [None] * 4321
            x = None
            x = [None] * 5678
            del x[2000:]
            y = [None] * 3333
            x = None
        elif environ["PATH_INFO"] == "/keep":
            CACHE.append([None] * 1234)
            CACHE.append(tuple([None] * 17))
            CACHE.append({"a": 1, "b": 2})
            CACHE.append({"a": CACHE})
            kept = [[] for _ in range(9)]
            kept = None
            CACHE.append([list("abc") for _ in range(6)])
        elif environ["PATH_INFO"] == "/read":
            return [str(sum(t.k for t in THINGS)).encode()]
        elif environ["PATH_INFO"] == "/die":
            os.kill(os.getpid(), 11)
        elif environ["PATH_INFO"] == "/fail":
            raise ValueError("this one fails")
        return [b"ok"]
    def task():
        return [None] * 4321
    for _ in range(11):
        cycle()
''')


NOISY = textwrap.dedent('''
    import os, sys
    sys.stdout.write("output of the application\\n")
    sys.stderr.write("complaint of the application\\n")
    def task():
        return [None] * 100
''')


def forms(secret):
    """What a text would look like in the file if it came there: as it is, as hexadecimal digits, in base64 at each of its three
    alignments, as a list of its bytes, and as machine words."""
    raw = secret.encode()
    out = [secret, binascii.hexlify(raw).decode(), binascii.hexlify(raw[::-1]).decode()]
    for skip in range(3):
        whole = raw[skip:]
        out.append(base64.b64encode(whole[:len(whole) // 3 * 3]).decode())
    out.append(",".join(str(b) for b in bytearray(raw)))
    for at in range(len(raw) - 7):
        out.append(str(struct.unpack_from("<Q", raw, at)[0]))
    return out + [form.upper() for form in out[1:3]]


def interpreters():
    found = [sys.executable] + [p for p in os.environ.get("PREFORKLAB_PYTHONS", "").split(":") if p]
    found += glob.glob(os.path.expanduser("~/.pyenv/versions/*/bin/python"))
    out, seen = [], set()
    for p in found:
        try:
            v = subprocess.check_output([p, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]).decode().strip()
        except (OSError, subprocess.CalledProcessError):
            continue
        if v not in seen:
            seen.add(v)
            out.append((tuple(int(x) for x in v.split(".")), p))
    return sorted(out)


def lines_of(path):
    with gzip.open(path) as f:
        return [json.loads(l) for l in f]


COUNTING = '''
import gc, os
if "COUNTING_FOR_REAL" in os.environ:
    gc.disable()
kept = []
def application(environ, start_response):
    kept.append([len(kept)])
    kept.append([len(kept)])
    body = str(gc.get_count()[0]).encode("ascii")
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
'''


# uWSGI has one environ for all requests, which it clears behind each.
REUSED = '''
before = []
def application(environ, start_response):
    if before and (before[0] is not environ or "left" in environ):
        raise RuntimeError("another environ, or one with what was left in it")
    before[:] = [environ]
    environ["left"] = environ["REQUEST_URI"]
    body = environ["wsgi.input"].read()
    if body != (b"word" if environ["REQUEST_METHOD"] == "POST" else b"") or environ.get("CONTENT_LENGTH", "0") != str(len(body)):
        raise RuntimeError("another body")
    start_response("200 OK", [])
    return [environ["left"].encode()]
'''

COUNTED = '''
import gc, os, sys
_counts = gc.get_count()
with open(os.environ["COUNTED"], "a") as f:
    f.write("%d %d %d %d\\n" % (_counts + (len(gc.get_objects()),)))
sys.stderr.write("counted was loaded\\n")
if "PREFORKLAB_CAPTURE" not in os.environ and "uwsgi" in sys.modules:
    os._exit(0)
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b""]
'''

BUFFERS = '''
kept, source = [], bytearray(1024)
def task():
    del kept[:]
    for k in range(3000, 3300):
        pair = (k, k)
        pair = (pair, None)
        pair = None
        kept.append(source[:])
        kept.append(source[:])
'''

LOSING = """
kept, word = [], "word"
for i in range(200):
    cycle = set()
    cycle = [cycle]
    cycle[0].add(word)
    cycle.append(cycle)
    for k in range(10):
        kept.append((kept,) * (2 + (5 * k + 3 * i * i) % 13))
    cycle = None
    for k in range(5):
        kept.append((kept,) * (2 + (7 * k + i) % 11))
for i in range(3000):
    word.upper                                        # a builtin method that nobody keeps
def task():
    pass
"""

# What cyclic garbage refers to, and something else for longer; code that goes with the module that made it, when its functions have gone.
OUTLIVING = """
kept, held = [], []
for i in range(200):
    shared = [kept]
    cycle = [shared]
    cycle.append(cycle)
    held.append(shared)
    shared = cycle = None
    for k in range(200):
        kept.append((kept,) * (2 + (5 * k + 3 * i * i) % 13))
    held.pop()
    for k in range(20):
        kept.append((kept,) * (2 + (7 * k + i) % 11))
def task():
    pass
"""

AT_ONCE = """
kept = []
for i in range(5):
    kept.append(list(zip(range(1000), kept and [kept] * 1000 or range(1000))))
for i in range(2000):
    kept.append([kept])
def task():
    pass
"""

COPYING = """
import ctypes
import sys
sys.path.insert(0, %r)
import preforklab_capture as capture
count0 = ctypes.c_int(0)
tracer = capture.Tracer(ctypes.addressof(count0), shelves=[shelf[1:] for shelf in capture.find_shelves()])
caller = tracer.caller()
class Instance(object):
    pass
instance = Instance()
instance.attribute = 1
own = vars(instance)
tracer.go_on()
made = [{}, dict(), own.copy(), {1: 2}, {**own}, {}.copy(), own.copy()]
tracer.pause()
asked = [kind >> 16 for address, size, kind, count, type_address in tracer.events() if kind & 255 == 0 and type_address == id(dict)]
print(caller != 0, [who == caller for who in asked][:8])
"""

SHRINKING = '''
for k in range(300):
    for length in (1, 3, 8):
        cycle = []
        cycle.append((cycle, tuple(cycle for _ in range(length))))
def task():
    pass
'''


class Profile(object):
    """A profile read back, in plain form."""

    def __init__(self, path):
        self.path = path
        self.lines = lines_of(path)
        self.header = self.lines[0]
        self.rows = [r for l in self.of("objs") for r in l]

    def of(self, kind):
        return [l[kind] for l in self.lines[1:] if kind in l]

    def pages(self, kind):
        """What `touched` or `needs` tells, as (request, numbers of pages)."""
        return [(request, running([first] + differences)) for request, first, differences in self.of(kind)]

    def warm(self, endpoint):
        return [r for r in self.of("request") if r["endpoint"] == endpoint and r["state"] == "warm"]

    def endpoint(self, path):
        return [e[1] for e in self.header["endpoints"]].index(path)


def freed_at(r):
    """By ordinal, how many events of a request come before the object is freed."""
    found, made = {}, 0
    for k, e in enumerate(r["events"]):
        if e >= 0:
            made += 1
        else:
            found[made + e] = k
    return found


def held(r):
    """Ordinals of the blocks of a request that nothing else is told of."""
    made = sum(e >= 0 for e in r["events"])
    return set(range(made)) - set(freed_at(r)) - set(o for g in r["garbage"] for part in g for o in part) - set(c[0] for c in r["carried"])


def rows_of(r, key, width):
    """By ordinal, how many events come before what `key` tells of it, and what more it tells."""
    made, found, at = [0], {}, 0
    for e in r["events"]:
        made.append(made[-1] + (e >= 0))
    for i in range(0, len(r[key]), width):
        at += r[key][i]
        found[made[at] - r[key][i + 1]] = [at] + r[key][i + 2:i + width]
    return found


def tracked_later(r):
    """By ordinal, how many events come before an unlisted object comes on a list of the collector."""
    return dict((o, row[0]) for o, row in rows_of(r, "tracked", 2).items())


def running(deltas):
    out, at = [], 0
    for d in deltas:
        at += d
        out.append(at)
    return out


def in_each_release(test):
    def run(self):
        for version, python in interpreters():
            with self.subTest(python="%d.%d" % version):
                test(self, version, python)
    run.__name__ = test.__name__
    return run


class CaptureTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.mkdtemp(prefix="preforklab-test-")
        with open(os.path.join(cls.directory, "testapp.py"), "w") as f:
            f.write(APPLICATION)
        cls.profiles = {}

    @classmethod
    def tearDownClass(cls):
        import shutil
        shutil.rmtree(cls.directory)

    def run_capture(self, *arguments, **more):
        env = dict(more.pop("environment", os.environ), PREFORKLAB_TEST_SECRET="SecretEnvironment3", PYTHONDONTWRITEBYTECODE="1")
        p = subprocess.Popen([sys.executable, SCRIPT, "--python-path", self.directory] + list(arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, **more)
        out, err = p.communicate()
        return p.returncode, out.decode(), err.decode()

    def profile(self, python):
        if python not in self.profiles:
            path = os.path.join(self.directory, "p%d.profile.gz" % len(self.profiles))
            code, out, err = self.run_capture("--python", python, "--app", "testapp:application", "--header", "X-Secret: SecretHeaderValue5", "--get", "/cycles", "--get", "/list",
                                              "--get", "/keep?id=SecretQueryArgument8", "--get", "/read", "--page-requests", "20", "-o", path)
            self.assertEqual(code, 0, err)
            self.assertEqual(out, "application says hello\n")
            self.profiles[python] = Profile(path)
        return self.profiles[python]

    @in_each_release
    def test_schema(self, version, python):
        p = self.profile(python)
        h = p.header
        self.assertEqual(h["prefork_profile"], 1)
        self.assertTrue(h["python"].startswith("%d.%d." % version))
        self.assertEqual(p.lines[-1], {"end": {"lines": len(p.lines)}})
        self.assertEqual([list(l) for l in p.lines[1:] if len(l) != 1], [])
        order = []
        for l in p.lines[1:]:
            kind = next(iter(l))
            if not order or order[-1] != kind:
                order.append(kind)
        known = ["vma", "arena", "pool", "used", "free_pools", "usable_arenas", "objs", "gc_list", "request"]
        self.assertEqual([k for k in order if k in known], known)
        self.assertLessEqual(set(a for l in p.of("usable_arenas") for a in l), set(a for a, total in p.of("arena")))
        self.assertEqual(len(p.rows), h["objects"])
        self.assertEqual(sum(r[3] == 1 for r in p.rows), h["tracked"])
        self.assertEqual(h["endpoints"][2], ["GET", "/keep?id", 1])
        self.assertTrue(h["gc"]["enabled"])
        self.assertEqual(h["gc"]["long_lived_measured"], version >= (3, 7))

    @in_each_release
    def test_objects_lie_in_present_pages_and_used_blocks(self, version, python):
        p = self.profile(python)
        present = set()
        for start, pages, kind, name, lengths in p.of("vma"):
            at, on = start // 4096, False
            for n in lengths:
                if on:
                    present.update(range(at, at + n))
                at, on = at + n, not on
            self.assertLessEqual(at, start // 4096 + pages)
        sizes, pools = p.header["sizes"], dict((r[0], r[1:]) for r in p.of("pool"))
        blocks, address = {}, 0
        for k, (delta, t, size, f, refcount, refs, *extra) in enumerate(p.rows):
            self.assertGreater(delta, 0)
            address += delta * 8
            self.assertIn(address // 4096, present)
            name, is_gc, basic, item, preheader = p.header["types"][t]
            self.assertEqual(f > 0, bool(is_gc))
            self.assertGreater(refcount, 0, name)
            self.assertTrue(all(0 <= k + r < len(p.rows) for r in refs))
            owned = [(address - preheader, name)] + [(e[0], name + " block") for e in (extra[0] if extra else [])]
            for a, what in owned:
                pool = a // sizes["pool"] * sizes["pool"]
                if pool in pools:
                    szidx, count, nextoffset, maxnext, chain = pools[pool]
                    width = (szidx + 1) * sizes["alignment"]
                    self.assertEqual((a - pool - 48) % width, 0, what)
                    self.assertLess(a - pool, nextoffset, what)
                    self.assertNotIn(a - pool, chain, what)
                    # a values block or keys shared by several objects is listed once
                    self.assertNotIn(a, blocks, "%s and %s" % (what, blocks.get(a)))
                    blocks[a] = what
                    if what == name:
                        self.assertLessEqual(min(basic, size) + preheader, width, what)
        inside = sum(r[1] for r in pools.values())
        self.assertGreater(len(blocks), 0.75 * inside)
        self.assertLessEqual(len(blocks), inside)

    @in_each_release
    def test_collector_lists_hold_each_tracked_object_once(self, version, python):
        p = self.profile(python)
        listed = []
        for generation, deltas in p.of("gc_list"):
            at = 0
            for d in deltas:
                at += d
                listed.append(at)
        self.assertEqual(len(listed), len(set(listed)))
        self.assertEqual(set(listed), set(k for k, r in enumerate(p.rows) if r[3] == 1))

    @in_each_release
    def test_requests(self, version, python):
        p = self.profile(python)
        if version < (3, 5):
            self.assertFalse(p.header["app"]["traced"])
            self.assertEqual(p.warm(p.endpoint("/cycles"))[0]["counts"]["garbage"], 140)
            return
        self.assertEqual(len(p.of("request")), 4 + 2 * 4)
        self.assertEqual([(r["endpoint"], r["state"]) for r in p.of("first_request")], [(k, "first") for k in range(4)])
        for r in p.of("request") + p.of("first_request"):
            fate, ordinal = {}, 0
            for e in r["events"]:
                if e >= 0:
                    ordinal += 1
                else:
                    self.assertNotIn(ordinal + e, fate)
                    self.assertGreaterEqual(ordinal + e, 0)
                    fate[ordinal + e] = "freed"
            allocations = [e for e in r["events"] if e >= 0]
            for group in r["garbage"]:
                self.assertTrue(group[0])
                for o in group[0]:
                    self.assertEqual(allocations[o] & 3, 2)
            for what, ordinals in (("garbage", [o for g in r["garbage"] for part in g for o in part]), ("carried", [c[0] for c in r["carried"]])):
                for o in ordinals:
                    self.assertNotIn(o, fate)
                    self.assertLess(o, len(allocations))
                    fate[o] = what
            made = [k for k, e in enumerate(r["events"]) if e >= 0]
            self.assertEqual(len(r["lost"]), len(r["garbage"]))
            for at, group in zip(running(r["lost"]), r["garbage"]):
                self.assertGreater(at, max(made[o] for part in group for o in part))
                self.assertLessEqual(at, len(r["events"]))
            listed = set(o for number, deltas in r["free_listed"] for o in running(deltas))
            self.assertLessEqual(set(running(r["direct"])), listed)
            collectable = set(o for o in range(len(allocations)) if allocations[o] & 3 == 2)
            self.assertLessEqual(set(running(r["unlisted"])), collectable)
            self.assertLessEqual(set(running(r["atomic"])), collectable)
            filled = rows_of(r, "filled", 3)
            self.assertEqual(len(filled), len(r["filled"]) // 3)
            self.assertLessEqual(set(filled), set(running(r["atomic"])))
            for o, (at, on) in filled.items():
                self.assertIn(o + on, running(r["atomic"]))
                self.assertTrue(made[o + on] < at <= freed_at(r).get(o, len(r["events"])), (o, on, at))
            tracked = tracked_later(r)
            self.assertEqual(len(tracked), len(r["tracked"]) // 2)
            self.assertLessEqual(set(tracked), set(running(r["unlisted"])))
            freed = freed_at(r)
            for o, at in tracked.items():
                self.assertTrue(made[o] < at <= freed.get(o, len(r["events"])), (o, made[o], at))
            for at, group in zip(running(r["lost"]), r["garbage"]):
                for o in group[0]:                              # what is on no list no collection finds
                    self.assertLessEqual(tracked.get(o, 0), at)
        self.assertGreater(min(r["cpu_ns"] for r in p.of("request") + p.of("first_request")), 0)

    @in_each_release
    def test_counter_of_a_request(self, version, python):
        """What a request adds to the counter, by its events and as a child without the hook says."""
        p = self.profile(python)
        if version < (3, 5):
            return
        master = capture.Master(python, ["testapp:application"], "wsgi", "enabled", [self.directory], ["HTTP_X_SECRET=SecretHeaderValue5"], 60, quiet=True)
        path = os.path.join(self.directory, "counts")
        try:
            master.expect("L")
            for r in p.of("request"):
                if r["state"] == "cold":
                    method, route, weight = p.header["endpoints"][r["endpoint"]]
                    with open(path, "w") as f:
                        json.dump({"before": [], "request": "\t".join((method, route.partition("?")[0], "", "", ""))}, f)
                    with master.child() as child:
                        child.run("child_counts", path)
                    with open(path + ".out") as f:
                        counted = json.load(f)[0]
                    # what counts makes a few tuples and frames itself, and of "/keep" a few come from the free lists
                    self.assertTrue(0 <= counted - r["net"] <= (8 if version >= (3, 7) else 12), (route, counted, r["net"]))
        finally:
            master.close()

    @in_each_release
    def test_loading(self, version, python):
        """Objects made less objects ended, as many as the real counter says at the end of a load with the collector off."""
        p = self.profile(python)
        self.assertEqual(len(p.of("load")), 1 if version >= (3, 5) else 0)
        if version < (3, 5):
            return
        load = p.of("load")[0]
        columns, steps = load["columns"], load["allocations"] // load["step"] + 1
        self.assertEqual([len(columns[name]) for name in ("unlisted", "dicts", "nested", "ends")], [steps] * 4)
        self.assertEqual([len(columns[name]) for name in ("age", "ended")], [sum(columns["ends"])] * 2)
        self.assertEqual(set(len(columns[name]) for name in ("lost_age", "holder_age", "leader_older", "list", "lost")), set([len(columns["lost_after"])]))
        self.assertLessEqual(sum(columns["lost_after"]), load["allocations"])
        ended, lost = sum(columns["ended"]), sum(columns["lost"])
        listed = load["allocations"] - sum(columns["unlisted"]) - ended - sum(n for n, number in zip(columns["lost"], columns["list"]) if not number & capture.NOT_LISTED)
        # with what was there before, as many as in the heap captured from another load; but for tuples so young that no collection has taken them off
        young = p.header["tracked"] - listed - sum(load["at_start"]["generations"])
        self.assertTrue(-70 <= young <= p.header["gc"]["thresholds"][0], young)
        master = capture.Master(python, ["testapp:application"], "wsgi", "disabled", [self.directory], [], 60, quiet=True)
        try:
            thresholds = [int(x) for x in master.expect("L")[4:7]]
            counter = capture.Collector(capture.Memory(master.pid), version, thresholds).counts()[0]
        finally:
            master.close()
        self.assertEqual(sum(e >= "a" for e in load["events"]), load["allocations"])
        ends = sum(e < "a" for e in load["events"])
        self.assertTrue(.6 * ends < ended <= ends, (ended, ends))       # those on the collector's lists; the others are tuples and dicts without containers
        lengths = dict(load["at_start"]["free_lists"])
        self.assertEqual(bool(lengths), version >= (3, 10))
        count = load["at_start"]["counts"][0]
        for event in load["events"]:
            number = ord(event.lower()) - 97
            known, length = number in lengths, lengths.get(number, 0)
            if event >= "a":
                count += length == 0
                if known:
                    lengths[number] = max(0, length - 1)
            elif known and length < (80 if number <= 2 else 2000):
                lengths[number] = length + 1
            else:
                count -= count > 0
        # of more than 10,000; the stub's own functions are missing, and what its compiled code is made of
        self.assertTrue(0 <= counter - count <= 120, (count, counter))
        self.assertGreaterEqual(lost, 22)             # of the eleven cycles

    def captured(self, module, source, functions, *arguments):
        """The profile of a module whose functions are called."""
        with open(os.path.join(self.directory, module + ".py"), "w") as f:
            f.write(source)
        target = os.path.join(self.directory, module + ".profile.gz")
        calls = [word for function in functions.split() for word in ("--call", module + ":" + function)]
        code, out, err = self.run_capture(*calls + list(arguments) + ["-o", target])
        self.assertEqual(code, 0, err)
        return Profile(target)

    def loads(self, module, source):
        """(release, its load) of a module with a function `task`, by each interpreter whose loads tell of garbage object by object."""
        for version, python in interpreters():
            if version >= (3, 10):
                yield version, self.captured(module, source, "task", "--page-requests", "3", "--python", python).of("load")[0]

    def test_when_garbage_is_lost_while_the_application_loads(self):
        """Cycles that are dropped when ten more objects have been made, and method objects that are freed at once."""
        for version, load in self.loads("losing", LOSING):
            ages = [age for age, number in zip(load["columns"]["lost_age"], load["columns"]["list"]) if number % 64 == 1]
            self.assertGreaterEqual(sum(age <= 45 for age in ages), 195, (version, sorted(ages)))
            # the cycle itself, ten objects, and the one whose making would find it; from 3.12 on a round of the loop later
            self.assertGreaterEqual(sum(age in (12, 13) + (14,) * (version >= (3, 12)) for age in ages), 195, (version, sorted(ages)))
            self.assertGreaterEqual(load["events"].count("aA"), 3000, version)

    def test_what_outlives_the_garbage_that_refers_to_it(self):
        """The list goes with its last reference, some 200 objects after the cycle, which has been collected by then; as garbage for those who never collect."""
        for version, load in self.loads("outliving", OUTLIVING):
            columns = load["columns"]
            rows = [(age, age - holder) for age, holder, number, n in zip(columns["lost_age"], columns["holder_age"], columns["list"], columns["lost"])
                    if number == 1 + capture.AT_ONCE for _ in range(n)]
            self.assertGreaterEqual(len(rows), 199, version)
            # it was made just before the cycle, which leads to it
            self.assertGreaterEqual(sum(abs(age - 202) <= 2 and younger == 1 for age, younger in rows), 195, (version, rows))

    def test_where_collections_come_while_the_application_loads(self):
        """Up to 3.11 where an object is made; from 3.12 on not within a call that makes a thousand, but in each round of a loop."""
        for version, load in self.loads("at_once", AT_ONCE):
            columns = load["columns"]
            self.assertEqual("check_after" in columns, version >= (3, 12))
            if version < (3, 12):
                continue
            self.assertEqual(len(columns["check_after"]), len(columns["check_ends"]))
            checks, made = set(), 0
            for after in columns["check_after"]:
                made += after
                checks.add(made)
            self.assertLessEqual(made, load["allocations"])
            # five calls that make 1,001 each (zip's own among them), after each of which it is looked at; then 2,000 rounds of a loop
            self.assertEqual(sum(1000 <= after <= 1010 for after in columns["check_after"]), 5, version)
            self.assertGreaterEqual(len(checks), 2000)

    @in_each_release
    def test_who_asks_for_a_dict(self, version, python):
        """dict() and the copy of an instance's dict do not look at the free list, the others do."""
        if version < (3, 11):
            return
        out = subprocess.check_output([python, "-B", "-c", COPYING % HERE], universal_newlines=True)
        self.assertEqual(out.strip(), "True [True, False, False, True, True, True, True, False]")  # {}.copy() makes two

    def test_loads_with_many_collections_are_missed_aloud(self):
        """Where the collector's state is not found in memory, the load is told without them, and the user of it."""
        told, scratch = [], tempfile.mkdtemp(dir=self.directory)

        def load_traced(options, names, kind, headers, facts, path, told_in, collections, served):
            told.append((collections, told_in))
            return None if any(collections) else {}
        kept = capture.load_traced, sys.stderr
        try:
            capture.load_traced, sys.stderr = load_traced, io.StringIO()
            capture.capture_load(None, [], "wsgi", [], {"version": (3, 11)}, scratch, capture.Progress(), "")
            said = sys.stderr.getvalue()
        finally:
            capture.load_traced, sys.stderr = kept
        self.assertEqual(told, [(capture.LoadTrace.SELDOM, ""), ((0, 0, 0), "")])
        self.assertEqual(len(said.splitlines()), 1, said)
        self.assertIn("not told", said)

    def test_who_is_waited_for_does_not_outlast_it(self):
        for seconds in (0.2, 30):
            process = subprocess.Popen(["sleep", "60" if seconds < 1 else "0"], preexec_fn=os.setsid)
            capture.wait_for(process, seconds)
            self.assertEqual(process.returncode, -signal.SIGKILL if seconds < 1 else 0)

    def test_one_course_of_events_told_twice(self):
        import array
        import random
        draw = random.Random(7)
        told = [draw.randrange(40) for _ in range(5000)]
        first = array.array("l", told[:1000] + [99, 98] + told[1000:])
        second = array.array("l", told[:3000] + told[3003:])
        expected = list(range(1000)) + [-1, -1] + list(range(1000, 3000)) + [-1] * 3 + list(range(3000, 4997))
        self.assertLessEqual(sum(a != b for a, b in zip(capture.aligned(first, second, 24), expected)), 2)

    def test_thresholds_while_the_application_loads(self):
        target = os.path.join(self.directory, "threshold.profile.gz")
        code, out, err = self.run_capture("--call", "testapp:task", "--threshold", "20,3,2", "--import", "json", "--page-requests", "3", "-o", target)
        self.assertEqual(code, 0, err)
        p = Profile(target)
        self.assertEqual(p.header["gc"]["thresholds"], [20, 3, 2])
        default = capture.Master(sys.executable, ["testapp:task"], "call", "enabled", [self.directory], [], 60, quiet=True)
        try:
            default.expect("L")
            with default.child() as child:
                child.run("child_walk", os.path.join(self.directory, "walked"))
        finally:
            default.close()
        with open(os.path.join(self.directory, "walked.json")) as f:
            self.assertGreater(p.header["gc"]["stats"][0][0], 3 * json.load(f)["stats"][0][0])
        for wrong in ("1,2", "1,2,x", "-1,2,3"):
            code, out, err = self.run_capture("--call", "testapp:task", "--threshold=" + wrong, "-o", target)
            self.assertEqual(code, 2)
            self.assertIn("--threshold", err)

    @in_each_release
    def test_known_allocations(self, version, python):
        if version < (3, 5):
            return
        p = self.profile(python)
        for r in p.warm(p.endpoint("/list")):
            self.assertEqual([e for e in r["events"] if e >> 2 == 4321 * 8], [4321 * 8 << 2])
            self.assertEqual([r["events"].index(4321 * 8 << 2)], [k for k, e in enumerate(r["events"]) if e >> 2 == 4321 * 8])
            # a list that shrinks keeps its items' place: they are freed once, after what was made in between
            shrunk, between = [next(k for k, e in enumerate(r["events"]) if e >= 0 and e >> 2 == n * 8) for n in (5678, 3333)]
            made, frees = 0, []
            for k, e in enumerate(r["events"]):
                if k == shrunk:
                    number = made
                made += e >= 0
                frees += [k] if e < 0 and k > shrunk and made + e == number else []
            self.assertEqual(len(frees), 1)
            self.assertGreater(frees[0], between)
            self.assertEqual(r["garbage"], [])
        for r in p.warm(p.endpoint("/cycles")):
            pairs = [g for g in r["garbage"] if len(g[0]) == 2]
            self.assertEqual(len(pairs), 70)
        for r in p.warm(p.endpoint("/keep?id")):
            allocations = [e for e in r["events"] if e >= 0]
            self.assertIn(1234 * 8, [allocations[o] >> 2 for o in held(r)])
            kept = dict((number, set(running(deltas)) & held(r)) for number, deltas in r["free_listed"])
            unlisted = set(running(r["unlisted"])) - set(tracked_later(r))
            self.assertEqual(len(kept[2 + 17]), 1)                          # a tuple without containers: collections take it off
            self.assertLessEqual(kept[2 + 17], set(running(r["atomic"])))
            # of the two dicts one was never listed; if they do not come from the free list, which has no event
            self.assertEqual(len(kept.get(2, set()) & unlisted), min(1, len(kept.get(2, ()))))
            if version >= (3, 11):
                self.assertEqual(len(kept[2]), 2)
            if version >= (3, 10):
                # list() does not take one of the nine from the list, [] would
                self.assertGreaterEqual(len(kept[1] & set(running(r["direct"]))), 6)
        for r in p.warm(p.endpoint("/cycles")):
            # each pair is lost when the function that made it returns; that it is shows the next of many collections
            made = [k for k, e in enumerate(r["events"]) if e >= 0]
            after = sorted((max(made[o] for o in group[0]), lost) for lost, group in zip(running(r["lost"]), r["garbage"]) if len(group[0]) == 2)
            if version >= (3, 7):
                # the last are found in the next request; and pair looks like pair, so that a few may be taken for others
                self.assertGreater(sum(lost - last <= 2 * capture.EVERY for last, lost in after), 0.8 * len(after))
            else:
                self.assertEqual(set(lost for last, lost in after), set([len(r["events"])]))

    @in_each_release
    def test_objects_with_free_lists(self, version, python):
        if version < (3, 5):
            return
        p = self.profile(python)
        sizes = json.loads(subprocess.check_output([python, "-c", "print([list.__basicsize__, dict.__basicsize__])"]).decode())
        head = p.header["sizes"]["gc_head"]
        for r in p.of("request"):
            allocations = [e for e in r["events"] if e >= 0]
            for number, deltas in r["free_listed"]:
                expected = head + (sizes[number - 1] if number <= 2 else 24 + 8 * (number - 2))
                ordinal = 0
                for d in deltas:
                    ordinal += d
                    self.assertEqual(allocations[ordinal] & 3, 2)
                    if allocations[ordinal] >> 2 != expected:
                        self.fail("%s: free list %d, %d bytes" % (p.header["python"], number, allocations[ordinal] >> 2))
            changes = r["free_list_changes"]
            self.assertEqual(bool(changes), version == (3, 10))     # later ones' are kept empty
            spans = {}
            for at, number, by in zip(changes[::3], changes[1::3], changes[2::3]):
                now, low, high = spans.get(number, (0, 0, 0))
                spans[number] = (now + by, min(low, now + by), max(high, now + by))
            for number, (now, low, high) in spans.items():      # a list holds so many at most
                self.assertLessEqual(high - low, 80 if number <= 2 else 2000)
            self.assertLessEqual(sum(changes[::3]), len(r["events"]))
        for r in p.warm(p.endpoint("/keep?id")):
            deltas = dict((number, d) for number, d in r["free_listed"]).get(2 + 17, [])
            ordinals = [sum(deltas[:k + 1]) for k in range(len(deltas))]
            self.assertEqual(len(set(ordinals) & held(r)), 1)        # the tuple of 17 that /keep keeps

    @in_each_release
    def test_reading_inherited_objects_copies_their_pages(self, version, python):
        p = self.profile(python)
        t = [k for k, x in enumerate(p.header["types"]) if x[0] == "testapp.Thing"][0]
        pages, address = set(), 0
        for r in p.rows:
            address += r[0] * 8
            if r[1] == t:
                pages.add(address // 4096)
        copied = set(a for ordinal, l in p.pages("touched") for a in l)
        # a page that the master has copied since the fork is the child's own
        self.assertGreaterEqual(len(pages & copied), 0.95 * len(pages))
        self.assertEqual(p.pages("touched")[0][0], 0)       # by starting
        self.assertEqual(len(copied), sum(len(l) for ordinal, l in p.pages("touched")))
        numbers = [n for n, l in p.pages("needs")]
        self.assertEqual(numbers, sorted(set(numbers) & set(range(1, 21))))
        # of the first round's pages, one that all requests of an endpoint copy is no single request's need
        first_round = set(a for ordinal, l in p.pages("touched") if ordinal <= 4 for a in l)
        needs = dict(p.pages("needs"))
        for endpoint in range(1, 5):
            each = [set(needs.get(n, ())) for n in range(endpoint, 21, 4)]
            self.assertEqual(set.intersection(*each) & first_round, set())

    @in_each_release
    def test_no_content_leaves_the_process(self, version, python):
        path = self.profile(python).path
        with gzip.open(path) as f:
            text = f.read().decode()
        for secret in SECRETS:
            self.assertEqual([form for form in forms(secret) if form in text], [], secret)

    def test_no_content_of_a_body_leaves_the_process(self):
        target, requests = os.path.join(self.directory, "body.profile.gz"), os.path.join(self.directory, "body.txt")
        with open(requests, "w") as f:
            f.write("POST /keep type=text/plain body=SecretPostedBody1\nGET /list?a=SecretQueryArgument8\n")
        code, out, err = self.run_capture("--app", "testapp:application", "--requests", requests, "--page-requests", "4", "-o", target)
        self.assertEqual(code, 0, err)
        with gzip.open(target) as f:
            text = f.read().decode()
        for secret in SECRETS:
            self.assertEqual([form for form in forms(secret) if form in text], [], secret)

    def test_a_secret_would_be_found(self):
        raw = b"Gr9xSecretString"
        for before in range(3):
            text = base64.b64encode(b"-" * before + raw + b"-").decode()
            self.assertTrue(any(form in text for form in forms(raw.decode())), text)
        for text in (json.dumps([struct.unpack_from("<Q", raw, 3)[0]]), json.dumps(list(bytearray(raw)), separators=(",", ":")), binascii.hexlify(raw).decode().upper()):
            self.assertTrue(any(form in text for form in forms(raw.decode())), text)

    def noisy(self, terminal):
        """Runs a capture with both outputs on a terminal or in pipes; what came out."""
        with open(os.path.join(self.directory, "noisy.py"), "w") as f:
            f.write(NOISY)
        command = ["--call", "noisy:task", "--page-requests", "5", "-o", os.path.join(self.directory, "noisy.profile.gz")]
        if not terminal:
            code, out, err = self.run_capture(*command)
            self.assertEqual(code, 0, err)
            return out, err
        import pty
        ours, theirs = pty.openpty()
        process = subprocess.Popen([sys.executable, SCRIPT, "--python-path", self.directory] + command, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs)
        os.close(theirs)
        shown = b""
        try:
            while select.select([ours], [], [], 60)[0]:
                try:
                    some = os.read(ours, 65536)
                except OSError:                       # Linux: nobody has the terminal open any more
                    some = b""
                if not some:
                    break
                shown += some
            self.assertEqual(process.wait(60), 0, shown)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            os.close(ours)
        return shown.decode(), ""

    def test_progress_on_a_terminal(self):
        shown, _ = self.noisy(True)
        for said in ("loading the application", "reading the memory of the master", "copied pages: request 5 of 5", "compressing: 0 of "):
            self.assertIn("\r\033[K" + said, shown)
        # what is not rewritten in place: the application's two lines and the summary
        kept = "".join(piece for piece in shown.replace("\r\n", "\n").split("\r\033[K") if "\n" in piece)
        lines = kept.replace("loading the application", "").splitlines()
        self.assertEqual(sorted(lines[:2]), ["complaint of the application", "output of the application"])
        self.assertRegex(lines[2], r"noisy\.profile\.gz: \d+ objects .* MB$")
        self.assertEqual(len(lines), 3)

    def test_silence_in_a_pipe(self):
        out, err = self.noisy(False)
        self.assertEqual(out, "output of the application\n")
        self.assertRegex(err, r"^complaint of the application\n[^\r\033\n]*noisy\.profile\.gz: \d+ objects [^\r\033\n]* MB\n$")

    def test_needs_leave_out_what_all_requests_of_an_endpoint_have_in_common(self):
        # two endpoints in turn: 1 to 3 are read by all of the first, 5 by all of the second; 10 to 14 are rows
        alone = [[1, 2, 3, 10], [1, 5, 11], [1, 2, 3, 12], [1, 5, 10, 13], [1, 2, 3, 10], [5, 14]]
        first_round = set([1, 2, 3, 5, 10, 11, 99])    # 99: copied only by the child that serves all in turn
        self.assertEqual(capture.needs_of(alone, first_round, 2), [
            {"needs": [1, [10]]}, {"needs": [2, [11]]}, {"needs": [3, [12]]}, {"needs": [4, [10, 13]]}, {"needs": [5, [10]]}, {"needs": [6, [14]]}])

    def test_which_endpoints_copy_the_pages_of_the_first_round(self):
        alone = [[1, 2, 3, 10], [1, 5, 11], [1, 2, 3, 12], [1, 5, 10, 13]]
        first_round = [2, 10, 1, 5, 99]
        self.assertEqual(capture.copies_of(alone, first_round, 2), [{"copies": [0, [0, 1, 1, 1, 2]]}, {"copies": [1, [2, 2, 1]]}])

    @in_each_release
    def test_memory_reading_against_the_interpreters_own_word(self, version, python):
        master = capture.Master(python, ["testapp:task"], "call", "enabled", [self.directory], [], 60)
        try:
            loaded = master.expect("L")
            with master.child() as child:
                if version >= (3, 3):
                    path = os.path.join(self.directory, "stats")
                    child.run("child_debugmallocstats", path)
                    with open(path) as f:
                        said = f.read()
                    pools = capture.Pools(capture.Memory(child.pid), version)
                    rows = [[int(x) for x in m.groups()] for m in re.finditer(r"^ *(\d+) +(\d+) +(\d+) +(\d+) +(\d+)$", said, re.M)]
                    found = {}
                    for szidx, count, nextoffset, maxnext, chain in pools.pools.values():
                        n = found.setdefault(szidx, [0, 0])
                        n[0] += 1
                        n[1] += count
                    said_pools, said_blocks = sum(r[2] for r in rows), sum(r[3] for r in rows)
                    self.assertAlmostEqual(sum(n[0] for n in found.values()), said_pools, delta=3)
                    self.assertAlmostEqual(sum(n[1] for n in found.values()), said_blocks, delta=60)
                    self.assertEqual(len(pools.arenas), int(re.search(r"# arenas allocated current += +([\d,]+)", said).group(1).replace(",", "")))
                    free = sum(f[3] for f in pools.free_pools)
                    self.assertAlmostEqual(free, int(re.search(r"([\d,]+) unused pools", said).group(1).replace(",", "")), delta=3)
                thresholds = [int(x) for x in loaded[4:7]]
                collector = capture.Collector(capture.Memory(child.pid), version, thresholds)
                if version >= (3, 8):
                    path = os.path.join(self.directory, "lists")
                    child.run("child_generations", path)
                    with open(path) as f:
                        said = json.load(f)
                    collector = capture.Collector(capture.Memory(child.pid), version, thresholds)
                    for g in (1, 2):
                        self.assertEqual(collector.generation(g), said[g])
                self.assertIsNotNone(collector.base)
        finally:
            master.close()

    def test_both_ways_to_see_a_copied_page(self):
        if os.geteuid() != 0:
            self.skipTest("frame numbers are for root only")
        requests = capture.Requests([("test", "CALL testapp:task"), ("test", "CALL testapp:cycle")])
        totals = []
        for mask in (0, (1 << 55) - 1):
            master = capture.Master(sys.executable, ["testapp:task", "testapp:cycle"], "call", "enabled", [self.directory], [], 60)
            table = capture.page_table
            try:
                master.expect("L")
                capture.page_table = lambda pid: dict((a, (e & ~mask, kind)) for a, (e, kind) in table(pid).items())
                lines, summary = capture.capture_pages(master, requests, None, lambda text: None, 50)
                totals.append(summary["copied"])
            finally:
                capture.page_table = table
                master.close()
            self.assertEqual(summary["by"], "exclusive bit" if mask else "frame number")
        self.assertAlmostEqual(totals[0], totals[1], delta=10)

    def test_errors_are_one_line_and_leave_nothing(self):
        target = os.path.join(self.directory, "none.profile.gz")
        bad = os.path.join(self.directory, "bad.txt")
        with open(bad, "w") as f:
            f.write("GET /x\nGET y\n")
        for arguments, said in (
                (["--app", "nosuchmodule:x", "--get", "/"], "nosuchmodule"),
                (["--app", "testapp:nothing", "--get", "/"], "nothing"),
                (["--app", "testapp", "--get", "/"], "MODULE:CALLABLE"),
                (["--app", "testapp:application", "--get", "/fail"], "this one fails"),
                (["--app", "testapp:application", "--get", "/die"], "the child that served the requests ended"),
                (["--app", "testapp:application", "--requests", bad], "bad.txt:2"),
                (["--app", "testapp:application", "--requests", bad + "x"], "bad.txtx"),
                (["--app", "testapp:application"], "no requests"),
                (["--server", "gunicorn", "--call", "testapp:task"], "--server gunicorn needs --app"),
                (["--server", "gunicorn", "--app", "nosuchmodule:x", "--get", "/"], "gunicorn cannot load nosuchmodule:x"),
                (["--app", "testapp:application", "--get", "/{n+}"], "{n+}"),
                (["--app", "testapp:application", "--get", "/", "--header", "x"], "--header"),
                (["--app", "testapp:application", "--get", "/", "--python", "/nonexistent/python"], "/nonexistent/python")):
            code, out, err = self.run_capture("-o", target, *arguments)
            self.assertEqual(code, 2, err)
            self.assertIn(said, err)
            self.assertEqual(len(err.splitlines()), 1, err)
            self.assertEqual(glob.glob(os.path.join(self.directory, "*none*")) + glob.glob(os.path.join(self.directory, ".pre*")), [])
        code, out, err = self.run_capture("-o", "/nonexistent/x.gz", "--app", "testapp:application", "--get", "/")
        self.assertEqual(code, 2)
        self.assertIn("/nonexistent", err)

    def test_where_the_hook_cannot_work(self):
        target = os.path.join(self.directory, "unhooked.profile.gz")
        with open(os.path.join(self.directory, "unhookable.py"), "w") as f:
            f.write("import sys\nfrom testapp import task\nsys.modules['ctypes'] = None\n")
        code, out, err = self.run_capture("--call", "unhookable:task", "--page-requests", "3", "-o", target)
        self.assertEqual(code, 0, err)
        self.assertIn("not traced", err)
        self.assertIn("ctypes", err)
        self.assertIn("counts", Profile(target).warm(0)[0])

    def test_a_window_that_fills_the_buffer_is_cut_short(self):
        with open(os.path.join(self.directory, "heavy.py"), "w") as f:
            f.write("def task():\n    return [[k] for k in range(1000)]\n")
        master = capture.Master(sys.executable, ["heavy:task"], "call", "enabled", [self.directory], [], 60)
        try:
            thresholds = [int(x) for x in master.expect("L")[4:7]]
            with master.child() as child:
                collector = capture.Collector(capture.Memory(child.pid), sys.version_info[:2], thresholds)
                path = os.path.join(self.directory, "plan")
                call = capture.Requests([("test", "CALL heavy:task")]).text(0)
                with open(path, "w") as f:
                    json.dump({"before": [call], "starts": [], "window": [call] * 50, "skip": 1, "keep": 2, "count0": collector.count0_address(), "gc_head": collector.head,
                               "capacity": 40000}, f)
                child.run("child_trace", path)
            with open(path + ".out") as f:
                result = json.load(f)
            # a request is 1,000 lists in one, but up to 3.10 for 80 from the free list; from 3.11 on none is, and a few objects are the call's own
            self.assertTrue(6 <= result["window"] <= 9, result["window"])
            for r in result["requests"]:
                objects = sum(e >= 0 and e & 3 == 2 for e in r["events"])
                self.assertTrue(1001 <= objects <= 1010 if sys.version_info >= (3, 11) else 920 <= objects <= 1001, objects)
        finally:
            master.close()

    def test_functions_instead_of_requests(self):
        target = os.path.join(self.directory, "call.profile.gz")
        code, out, err = self.run_capture("--call", "testapp:task", "--gc", "disabled", "--page-requests", "3", "-o", target)
        self.assertEqual(code, 0, err)
        p = Profile(target)
        self.assertEqual(p.header["endpoints"], [["CALL", "testapp:task", 1]])
        self.assertFalse(p.header["gc"]["enabled"])
        for r in p.warm(0):
            self.assertIn(4321 * 8 << 2, r["events"])

    def test_rounds_until_a_cache_is_full(self):
        """Seven endpoints, of which five put a new key into a cache of 128, with two objects each; eight more stay of a request."""
        for size, least, most in ((128, 26, 28), (40, 8, 11), (2000, 0, 0)):
            live, cached = [500], 0
            for n in range(1001):
                cached = min(size, cached + (n % 7 < 5))
                live.append(500 + 8 * (n + 1) + 2 * cached)
            rounds = capture.fading_rounds(live[:995], 7, 6, 2)
            self.assertTrue(least <= rounds <= most, (size, rounds))
        self.assertEqual(capture.fading_rounds([9 * n for n in range(995)], 7, 6, 2), 0)
        self.assertEqual(capture.fading_rounds([9 * n for n in range(30)], 7, 6, 2), 0)

    def test_rounds_until_what_is_gathered_is_dropped(self):
        """Ten endpoints, of which seven leave eight objects and two add one to a list of 60, which is cleared when it is full, as in the
        master's 25 before."""
        live, waiting, dropped = [0], 25, []
        for n in range(1000):
            grown = 8 * (n % 10 < 7)
            if n % 5 == 2:
                if waiting == 60:
                    waiting, grown = 0, grown - 60
                    dropped.append(n)
                waiting, grown = waiting + 1, grown + 1
            live.append(live[-1] + grown)
        first, between, many = capture.gathering_rounds(live, 10)
        self.assertEqual(many, 60)
        self.assertTrue(10 * first > dropped[0] >= 10 * (first - 2), (first, dropped))
        self.assertTrue(10 * between > 300 >= 10 * (between - 2), (between, dropped))
        self.assertIsNone(capture.gathering_rounds(live[:200], 10))              # once only
        self.assertIsNone(capture.gathering_rounds([9 * n for n in range(1000)], 10))
        self.assertIsNone(capture.gathering_rounds([9 * n for n in range(7)], 10))

    def test_what_is_gathered_and_dropped_at_once(self):
        if sys.version_info < (3, 5):
            self.skipTest("no traces")
        p = self.captured("gathering", "kept = [set() for _ in range(20)]\ndef task():\n    new = set()\n    if len(kept) >= 70:\n        del kept[:]\n    kept.append(new)\n",
                          "task", "--page-requests", "400")
        self.assertEqual([l["gathers"] for l in p.lines if "gathers" in l], [{"limit": 70, "waiting": 20}])
        for r in p.of("request"):
            allocated = [e for e in r["events"] if e >= 0]
            self.assertEqual([allocated[o] & 3 for o in r["gathered"]], [2], r["state"])
            self.assertGreater(allocated[r["gathered"][0]] >> 2, 200)            # the set

    def test_what_a_cache_keeps_for_long_is_seen_to_go(self):
        if sys.version_info < (3, 5):
            self.skipTest("no traces")
        p = self.captured("cached", "import collections\nkept = collections.deque(maxlen=60)\nold = [set() for _ in range(25)]\n"
                          "def task():\n    del old[:]\n    kept.append(set())\n", "task", "--page-requests", "400")
        for r in p.warm(0):
            allocated = [e for e in r["events"] if e >= 0]
            self.assertEqual([requests for o, requests in r["carried"] if allocated[o] & 3 == 2 and allocated[o] >> 2 > 200], [60])
            self.assertEqual(r["older"], [])
        cold = [r for r in p.of("request") if r["state"] == "cold"]
        self.assertEqual([r["older"][1::2].count(0) for r in cold], [25])

    def test_what_a_free_list_hands_on_to_garbage(self):
        """The keys of a dict that goes are kept, and the next request's cycle takes them: they last as long as garbage does."""
        source = ("def task():\n    cycle = {'a': 1}\n    cycle['b'] = cycle\n    del cycle\n    gone = {'a': 1}\n    gone['b'] = 2\n")
        for version, python in interpreters():
            if version < (3, 11):                          # before, the free list of dicts has their keys, and is not kept empty
                continue
            for r in self.captured("handing", source, "task", "--page-requests", "10", "--python", python).warm(0):
                self.assertEqual([[len(part) for part in group] for group in r["garbage"]], [[1, 1]], version)
                self.assertEqual([requests for o, requests in r["carried"] if requests > 1], [], version)

    def test_what_two_endpoints_share(self):
        """Whichever of two is served first makes sets for both: in the record of either after one order of all endpoints, not after the other."""
        if sys.version_info < (3, 5):
            self.skipTest("no traces")
        p = self.captured("sharing", "shared = []\ndef own():\n    pass\ndef one():\n    shared.extend(set() for _ in range(50 - len(shared)))\n"
                          "def other():\n    one()\ndef last():\n    pass\n", "own one other last", "--page-requests", "10")
        told = []
        for r in p.of("first_request"):
            allocated = [e for e in r["events"] if e >= 0]
            sets = sum(allocated[o] & 3 == 2 and allocated[o] >> 2 > 200 for o in held(r))
            told.append((r["endpoint"], r["after"], [k for k, _ in zip(*[iter(r.get("shares", ()))] * 2)], sets))
        self.assertEqual(told, [(0, [1, 2, 3], [], 0), (1, [0], [], 50), (1, [2, 3], [2], 0), (2, [0, 1], [], 0), (2, [3], [1], 50), (3, [0, 1, 2], [], 0)])

    def test_served_by_gunicorn(self):
        with open(os.devnull, "w") as nowhere:
            python = next((p for p in (sys.executable, "/usr/bin/python3")
                           if os.path.exists(p) and subprocess.call([p, "-c", "import gunicorn.app.wsgiapp"], stderr=nowhere) == 0), None)
        if not python:
            self.skipTest("no interpreter here has gunicorn")
        with open(os.path.join(self.directory, "counting.py"), "w") as f:
            f.write(COUNTING)
        target = os.path.join(self.directory, "counting.profile.gz")
        with open(os.path.join(self.directory, "starting.py"), "w") as f:
            f.write("import sys\nif 'gunicorn' in sys.modules or 'counting' in sys.modules:\n    raise RuntimeError('too late')\n")
        arguments = ["--server", "gunicorn", "--app", "counting:application", "--get", "/", "--page-requests", "3", "--samples", "4", "--python", python, "-o", target]
        code, out, err = self.run_capture("--import", "no_such_module", *arguments)
        self.assertEqual((code, len(err.splitlines())), (2, 1), err)
        self.assertIn("cannot load no_such_module", err)
        code, out, err = self.run_capture("--import", "starting", *arguments)
        self.assertEqual(code, 0, err)
        p = Profile(target)
        start = [l["start"] for l in p.lines if "start" in l]
        self.assertEqual(len(start), 1)
        self.assertTrue(held(start[0]))
        self.assertTrue([l for l in p.lines if l.get("touched", [1])[0] == 0])
        recorded = [r["net"] for r in p.warm(0)]
        # what the real server's worker counts from one request to the next
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        server = subprocess.Popen([python, "-m", "gunicorn", "--preload", "--workers", "1", "--bind", "127.0.0.1:%d" % port, "--log-level", "error", "counting:application"],
                                  cwd=self.directory, env=dict(os.environ, COUNTING_FOR_REAL="1"))
        try:
            counts = [self.count_of(port) for _ in range(120)]
        finally:
            server.terminate()
            server.wait()
        # a request is traced with free lists that a collection has emptied; a real worker's are full at first
        real = [b - a for a, b in zip(counts[100:], counts[101:])]
        self.assertAlmostEqual(sum(recorded) / float(len(recorded)), sum(real) / float(len(real)), delta=0.25)

    def test_loaded_by_uwsgi(self):
        """An application's first line finds the collector as it does in a plain uWSGI, and in a plain interpreter."""
        uwsgi = ["uwsgi", "--plugin", "python3"]
        with open(os.path.join(self.directory, "counted.py"), "w") as f:
            f.write(COUNTED)
        environment = dict(os.environ, COUNTED=os.path.join(self.directory, "counted"), PYTHONDONTWRITEBYTECODE="1", PYTHONPATH=self.directory)

        def counts():
            with open(environment["COUNTED"]) as f:
                lines = f.read().splitlines()
            os.unlink(environment["COUNTED"])
            return [int(n) for n in lines[0].split()]
        try:
            server = subprocess.Popen(uwsgi + ["--socket", os.path.join(self.directory, "s"), "--master", "--processes", "4", "--module", "counted", "--need-app", "--single-interpreter"],
                                      env=environment, stderr=subprocess.PIPE)
        except OSError:
            self.skipTest("no uWSGI here")
        log = server.communicate()[1]
        if not os.path.exists(environment["COUNTED"]):
            self.skipTest("uWSGI has no plugin for Python: %r" % log[-100:])
        real = [counts()]
        subprocess.check_call([sys.executable, "-c", "import counted"], env=environment)
        real.append(counts())
        self.assertGreater(real[0][3], real[1][3])
        target = os.path.join(self.directory, "counted.profile.gz")
        for k, arguments in enumerate((["--server", "uwsgi"], [])):
            code, out, err = self.run_capture("--app", "counted:application", "--get", "/", "--page-requests", "3", "-o", target, environment=environment, *arguments)
            self.assertEqual(code, 0, err)
            self.assertEqual(len(err.splitlines()), 2, err)        # the application's own word, and the last one
            self.assertIn("counted was loaded", err)
            found = counts()
            self.assertEqual("uWSGI" in Profile(target).header["app"]["loaded"], not k)
            self.assertEqual(found[1:3], real[k][1:3])
            for at in (0, 3):                         # more by the functions that drive the capture
                self.assertTrue(0 <= found[at] - real[k][at] <= 120, (found, real[k]))
        with open(os.path.join(self.directory, "reused.py"), "w") as f:
            f.write(REUSED)
        requests = os.path.join(self.directory, "reused.txt")
        with open(requests, "w") as f:
            f.write("GET /a?x={n}\nPOST /b type=text/plain body=word\n")
        code, out, err = self.run_capture("--server", "uwsgi", "--app", "reused:application", "--requests", requests, "--page-requests", "3", "-o", target, environment=environment)
        self.assertEqual(code, 0, err)
        code, out, err = self.run_capture("--server", "uwsgi", "--app", "counted:nothing", "--get", "/", "-o", target, environment=environment)
        self.assertEqual(code, 2, err)
        self.assertIn("nothing", err.splitlines()[-1])
        code, out, err = self.run_capture("--server", "uwsgi", "--python", "false", "--app", "counted:application", "--get", "/", "-o", target, environment=environment)
        self.assertEqual(code, 2, err)
        self.assertEqual(err.strip(), "preforklab_capture: uWSGI ended before it ran Python: it said nothing")

    @in_each_release
    def test_objects_in_the_blocks_of_tuples(self, version, python):
        """A slice of a bytearray takes a dead tuple's block, and is not filled in when its buffer is allocated."""
        if version < (3, 5):
            return
        with open(os.path.join(self.directory, "buffers.py"), "w") as f:
            f.write(BUFFERS)
        target = os.path.join(self.directory, "buffers.profile.gz")
        code, out, err = self.run_capture("--call", "buffers:task", "--page-requests", "3", "--python", python, "-o", target)
        self.assertEqual(code, 0, err)
        for r in Profile(target).warm(0):
            self.assertEqual(sum(e >> 2 == 1025 for e in r["events"]), 600)

    def test_tuples_that_shrink(self):
        """tuple() of an iterator begins with room for ten; as garbage it goes to the free list of its final length."""
        with open(os.path.join(self.directory, "shrinking.py"), "w") as f:
            f.write(SHRINKING)
        target = os.path.join(self.directory, "shrinking.profile.gz")
        code, out, err = self.run_capture("--call", "shrinking:task", "--page-requests", "3", "-o", target)
        self.assertEqual(code, 0, err)
        columns = Profile(target).of("load")[0]["columns"]
        lists = [sum(n for n, number in zip(columns["lost"], columns["list"]) if number % 32 == 2 + length) for length in range(1, 11)]
        self.assertGreaterEqual(min(lists[length - 1] for length in (1, 3, 8)), 299, lists)   # the last one is in use
        self.assertLess(lists[10 - 1], 10, lists)

    def count_of(self, port):
        for _ in range(200):
            try:
                with socket.create_connection(("127.0.0.1", port), 10) as connection:
                    connection.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
                    answer = b""
                    while True:
                        got = connection.recv(65536)
                        if not got:
                            return int(answer.rpartition(b"\r\n\r\n")[2])
                        answer += got
            except socket.error:
                time.sleep(0.05)                      # not listening yet
        self.fail("the real server does not answer")

    def test_embedded_machine_code(self):
        import build_alloc_trace
        try:
            version = build_alloc_trace.gcc_version()
        except (OSError, subprocess.CalledProcessError):
            self.skipTest("no gcc: the embedded machine code is not compared with alloc_trace.c")
        with open(SCRIPT) as f:
            if version not in f.read():
                self.skipTest("the embedded code was made by another gcc than %s" % version)
        self.assertEqual(subprocess.call([sys.executable, os.path.join(HERE, "build_alloc_trace.py"), "--check"]), 0)


if __name__ == "__main__":
    unittest.main()
