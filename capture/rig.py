#!/usr/bin/env python3
"""Run a heap recipe in a real CPython and say what a forked child's act does to its pages.

    rig.py RECIPE.json [--python PATH] [--repeat N] [--json FILE] [--source] [--timeout SECONDS]

A recipe (examples: lab-app/src/main/resources/recipes) names the heap that a parent builds, what the parent does before
it forks and the act of the child that is measured. It is turned into Python source here, and that source into code by a
process of the given interpreter (2.7 to 3.14) that ends before the measured one starts: what a compiler leaves in the heap
would otherwise be part of every figure, and no service compiles what it has a .pyc of. The code runs in the same
interpreter with -S, PYTHONHASHSEED=0 and nothing else in the environment. Each act has a fresh parent and a fresh child.
The measuring is done from here, through /proc alone, while the parent waits for the child and the child waits for its
next word: the measured processes read no /proc and allocate nothing for it.

How pages are counted. As root a page counts as copied if it is present before and after the act and its page frame
number (/proc/PID/pagemap) has changed. Without root frame numbers read as 0; then bit 56 (mapped exclusively) is used:
it turns on when a page that the child had shared with its parent has become its own. `pages_appeared` are the pages
present only afterwards, `pages_vanished` those unmapped. The last moment of a child that exits is caught by tracing its
exit event; where tracing is not permitted, only the faults of such acts are known.

This script needs Linux and the standard library only, Python 2.7 or any later release.
"""
from __future__ import print_function

import argparse
import ast
import collections
import array
import errno
import json
import numbers
import os
import re
import select
import struct
import subprocess
import sys
import tempfile
import time

VERSION = "1"
PAGE = 4096
PRESENT = 1 << 63
ADDR_NO_RANDOMIZE = 0x0040000
EXCLUSIVE = 1 << 56
FRAME = (1 << 55) - 1
CLASSES = ("anon", "brk_heap", "stack", "lib_data", "file_ro")
RECIPE_BYTES_MAX = 4 << 20
SIMPLE_ACTS = ("nothing", "iterate", "read_deep", "drop", "sum", "exit", "_exit")
# of any release from 2.7 on: the same recipe is to run in all of them
KEYWORDS = ("False None True and as assert async await break class continue def del elif else except exec finally for from global if "
            "import in is lambda nonlocal not or pass print raise return try while with yield").split()
GC_ACTIONS = ("gc.disable", "gc.enable", "gc.collect", "gc.freeze", "gc.unfreeze")


class RecipeError(ValueError):
    """A recipe that says something this script does not know; the message names the key."""


# ---------------------------------------------------------------------------------------------- compiling a recipe

# The script of the measured process: it is given the recipe's code as a file, and that code defines build() and act().
# What is here exists before the collection that puts the counters of every run at the same start. Opening a file for
# text imports what that needs, and compiling, even nothing, makes the types of the syntax tree: both belong to nearly
# every process that runs Python.
STUB = """\
import gc, marshal, os, sys, posix
def line():
    s = b""
    while s[-1:] != b"\\n":
        c = posix.read(0, 1)
        if not c:
            posix._exit(3)
        s += c
    return s
def main():
    build()
    posix.write(1, ("F %d %d %d\\n" % gc.get_count()).encode())
    line()
    pid = posix.fork()
    if pid:
        r = posix.wait4(pid, 0)
        posix.write(1, ("W %d %d %d\\n" % (r[1], r[2].ru_minflt, r[2].ru_majflt)).encode())
        posix._exit(0)
    posix.write(1, ("C %d\\n" % posix.getpid()).encode())
    line()
    act()
    if leave == "_exit":
        posix._exit(0)
    if leave == "exit":
        return
    posix.write(1, b"D\\n")
    line()
    posix.write(1, ("G %s\\n" % ((gc.get_count(), gc.get_stats() if hasattr(gc, "get_stats") else []),)).encode())
    line()
    posix._exit(0)
leave = sys.argv[2]
compile("", "recipe", "exec")
with open(sys.argv[1]) as f:
    code = marshal.loads(posix.read(f.fileno(), os.path.getsize(sys.argv[1])))
del f
gc.collect()
exec(code, globals())
main()
"""

# The script of the process that turns source into code for the measured one.
COMPILE = """\
import marshal, sys
with open(sys.argv[1]) as f:
    code = compile(f.read(), "recipe", "exec")
with open(sys.argv[2], "wb") as f:
    marshal.dump(code, f)
"""


class Compiler(object):
    """Turns the parts of a recipe into source: classes first, then the functions heap() and act()."""

    def __init__(self):
        self.classes = []
        self.number = 0
        self.imports = []
        self.deep = False
        self.attributes = []

    def name(self, prefix):
        self.number += 1
        return "%s%d" % (prefix, self.number)

    def statement(self, spec, where, depth, variable="i"):
        if not isinstance(spec, dict):
            raise RecipeError("%s: a statement is an object" % where)
        known(spec, ("repeat", "make", "keep", "every", "also"), where)
        repeat = integer(spec.get("repeat", 1), where + ".repeat")
        if "make" not in spec:
            raise RecipeError("%s.make: missing" % where)
        if ("every" in spec) != ("also" in spec):
            raise RecipeError("%s: `every` and `also` stand together" % where)
        pad = "    " * depth
        lines = ["%sfor %s in range(%d):" % (pad, variable, repeat)]
        keep = spec.get("keep", True)
        if not isinstance(keep, bool):
            raise RecipeError("%s.keep: true or false" % where)
        value = self.expression(spec["make"], where + ".make", variable)
        lines.append("%s    %s" % (pad, "out.append(%s)" % value if keep else value))
        if "also" in spec:
            every = integer(spec["every"], where + ".every")
            if every < 1:
                raise RecipeError("%s.every: at least 1" % where)
            lines.append("%s    if %s %% %d == %d:" % (pad, variable, every, every - 1))
            lines += self.statement(spec["also"], where + ".also", depth + 2, variable + "i")
        return lines

    def expression(self, spec, where, i):
        """Source of one EXPR in which the name or term `i` is the index."""
        if spec == "none":
            return "None"
        if not isinstance(spec, dict):
            raise RecipeError("%s: an expression is an object or \"none\"" % where)
        if "instance" in spec:
            known(spec, ("instance", "slots"), where)
            return "%s(%s)" % (self.instance_class(spec, where), i)
        if "times" in spec:
            known(spec, ("times", "of"), where)
            n = integer(spec["times"], where + ".times")
            if "of" not in spec:
                raise RecipeError("%s.of: missing" % where)
            j = self.name("j")
            of = self.expression(spec["of"], where + ".of", "(%s * %d + %s)" % (i, n, j))
            return "[%s for %s in range(%d)]" % (of, j, n)
        if len(spec) != 1:
            raise RecipeError("%s: one key that names the kind, not %s" % (where, sorted(spec)))
        (kind, v), = spec.items()
        where = "%s.%s" % (where, kind)
        if kind == "int":
            return "%s + %d" % (i, integer(v, where, None))
        if kind == "float":
            if isinstance(v, bool) or not isinstance(v, (int, float)) or not abs(v) < float("inf"):
                raise RecipeError("%s: a finite number" % where)
            return "%s + %r" % (i, float(v))
        if kind == "str":
            return '"%%0*d" %% (%d, %s)' % (integer(v, where), i)
        if kind == "bytes":
            return "bytes(bytearray(%d))" % integer(v, where)
        if kind in ("list", "tuple", "set"):
            if not isinstance(v, list):
                raise RecipeError("%s: a list of expressions" % where)
            items = [self.expression(e, "%s[%d]" % (where, k), i) for k, e in enumerate(v)]
            if kind == "list":
                return "[%s]" % ", ".join(items)
            if kind == "tuple":
                return "(%s)" % "".join(e + ", " for e in items)[:None if len(items) < 2 else -2]
            return "{%s}" % ", ".join(items) if items else "set()"
        if kind == "dict":
            if not isinstance(v, dict):
                raise RecipeError("%s: an object" % where)
            return "{%s}" % ", ".join("%s: %s" % (text(k), self.expression(e, "%s.%s" % (where, k), i)) for k, e in v.items())
        if kind == "cycle":
            return self.cycle(integer(v, where), where)
        if kind == "array":
            if "import array" not in self.imports:
                self.imports.append("import array")
            return 'array.array("l", [0]) * %d' % integer(v, where)
        raise RecipeError("%s: unknown kind of expression" % where)

    def instance_class(self, spec, where):
        attributes = spec["instance"]
        if not isinstance(attributes, dict):
            raise RecipeError("%s.instance: an object" % where)
        if not isinstance(spec.get("slots", False), bool):
            raise RecipeError("%s.slots: true or false" % where)
        name = self.name("C")
        body = []
        if spec.get("slots"):
            body.append("    __slots__ = (%s)" % "".join(text(a) + ", " for a in attributes))
        assignments = []
        for a, e in attributes.items():
            if not re.match(r"[A-Za-z_][A-Za-z_0-9]*$", a):
                raise RecipeError("%s.instance.%s: not a Python name" % (where, a))
            if a in KEYWORDS or a.startswith("__") and a.endswith("__"):
                raise RecipeError("%s.instance.%s: a word of Python itself, no attribute's name" % (where, a))
            value = self.expression(e, "%s.instance.%s" % (where, a), "i")
            assignments.append("        self.%s = %s" % (a, value))
        body.append("    def __init__(self, i):")
        body += assignments or ["        pass"]
        self.classes.append("class %s(object):\n%s" % (name, "\n".join(body)))
        self.attributes.append((name, list(attributes)))
        return name

    def cycle(self, n, where):
        """A call of a function that makes a ring and lets go of it."""
        if n < 1:
            raise RecipeError("%s: at least 1" % where)
        name = self.name("N")
        ring = ["    first = %s()" % name]
        if n == 1:
            ring.append("    first.next = first")
        else:
            ring += ["    last = first", "    for j in range(%d):" % (n - 1), "        last.next = %s()" % name,
                     "        last = last.next", "    last.next = first"]
        self.classes.append("class %s(object):\n    pass\ndef ring_of_%s():\n%s" % (name, name, "\n".join(ring)))
        return "ring_of_%s()" % name


def known(spec, keys, where):
    for k in spec:
        if k not in keys:
            raise RecipeError("%s.%s: unknown key" % (where, k))


def integer(v, where, least=0):
    if isinstance(v, bool) or not isinstance(v, numbers.Integral) or (least is not None and v < least):
        raise RecipeError("%s: a whole number%s" % (where, "" if least is None else " from %d" % least))
    return v


def text(s):
    return json.dumps(s)


def action(spec, where):
    """One ACTION as a line of source."""
    if spec in GC_ACTIONS:
        return spec + "()"
    if isinstance(spec, dict) and list(spec) == ["threshold"]:
        t = spec["threshold"]
        if not isinstance(t, list) or not 1 <= len(t) <= 3:
            raise RecipeError("%s.threshold: a list of one to three whole numbers" % where)
        return "gc.set_threshold(%s)" % ", ".join(str(integer(v, where + ".threshold")) for v in t)
    raise RecipeError("%s: unknown action %s" % (where, json.dumps(spec)))


READ_DEEP = """\
def deep(o):
    t = type(o)
    if t is list or t is tuple or t is set:
        for x in o:
            deep(x)
    elif t is dict:
        for x in o:
            deep(x)
            deep(o[x])
%s"""


def read_deep(compiler):
    """The recursive function of the act read_deep, with one branch for each class of the recipe."""
    branches = []
    for name, attributes in compiler.attributes:
        branches.append("    elif t is %s:" % name)
        branches += ["        deep(o.%s)" % a for a in attributes] or ["        pass"]
    return READ_DEEP % "".join(b + "\n" for b in branches)


def act_lines(spec, where, compiler, heap):
    """Source lines of the function act() for one act, and whether the child leaves by falling off the end."""
    if isinstance(spec, list):
        if not spec:
            raise RecipeError("%s: a list of acts needs one" % where)
        lines = []
        leaves = None
        for k, s in enumerate(spec):
            if leaves:
                raise RecipeError("%s[%d]: nothing follows an exit" % (where, k))
            more, leaves = act_lines(s, "%s[%d]" % (where, k), compiler, heap)
            lines += more
        return lines, leaves
    if spec == "nothing":
        return ["    pass"], None
    if spec == "iterate":
        return ["    for x in out: pass"], None
    if spec == "read_deep":
        compiler.deep = True
        return ["    deep(out)"], None
    if spec == "drop":
        return ["    global out", "    out = None"], None
    if spec == "sum":
        arrays = any("array" in s["make"] for s in heap if s.get("keep", True) and s["make"] != "none")
        return ["    for x in out: sum(x)" if arrays else "    sum(out)"], None
    if spec == "exit":
        return ["    pass"], "exit"
    if spec == "_exit":
        return ["    pass"], "_exit"
    if isinstance(spec, dict) and len(spec) == 1:
        (kind, v), = spec.items()
        if kind == "iterate" and isinstance(v, dict):
            known(v, ("part", "stride"), where + ".iterate")
            part = v.get("part", 1)
            if isinstance(part, bool) or not isinstance(part, (int, float)) or not 0 < part <= 1:
                raise RecipeError("%s.iterate.part: above 0, at most 1" % where)
            if v.get("stride", False):
                return ["    for i in range(0, len(out), int(round(1 / %r))): out[i]" % float(part)], None
            return ["    for i in range(int(len(out) * %r)): out[i]" % float(part)], None
        if kind == "gc.collect":
            if v not in (0, 1, 2) or isinstance(v, bool):
                raise RecipeError("%s.gc.collect: 0, 1 or 2" % where)
            return ["    gc.collect(%d)" % v], None
        if kind == "allocate":
            return compiler.statement(v, where + ".allocate", 1), None
    return ["    " + action(spec, where)], None


def compile_recipe(recipe, act, last=None):
    """The source of a recipe with one act, and how the child leaves (None, "exit" or "_exit").

    `last`, if given, is the last line of what the parent does before it forks.
    """
    known(recipe, ("heap", "parent", "act", "acts", "name", "comment"), "recipe")
    compiler = Compiler()
    parent = recipe.get("parent", {})
    known(parent, ("before_heap", "before_fork"), "parent")
    heap = []
    for k, s in enumerate(recipe.get("heap", [])):
        heap += compiler.statement(s, "heap[%d]" % k, 1)
    lines = ["    " + action(a, "parent.before_heap[%d]" % k) for k, a in enumerate(parent.get("before_heap", []))]
    lines += ["    out = []"] + heap
    lines += ["    " + action(a, "parent.before_fork[%d]" % k) for k, a in enumerate(parent.get("before_fork", []))]
    act_source, leaves = act_lines(act, "act", compiler, recipe.get("heap", []))
    lines += ["    " + last] if last else []
    parts = compiler.imports + compiler.classes
    parts.append("def build():\n    global out\n" + "\n".join(lines))
    if compiler.deep:
        parts.append(read_deep(compiler))
    parts.append("def act():\n" + "\n".join(act_source))
    return "\n".join(parts) + "\n", leaves


# -------------------------------------------------------------------------------------------------- reading /proc


def rollup(pid):
    """Rss in bytes and the share of it that other processes share, from smaps_rollup."""
    kb = {}
    with open("/proc/%d/smaps_rollup" % pid) as f:
        for l in f:
            k, _, v = l.partition(":")
            if v.endswith("kB\n"):
                kb[k] = int(v.split()[0])
    shared = kb["Shared_Clean"] + kb["Shared_Dirty"]
    return kb["Rss"] * 1024, round(float(shared) / kb["Rss"], 4) if kb["Rss"] else 0.0


def faults(pid):
    """Minor and major faults so far, the counters that getrusage reads too."""
    with open("/proc/%d/stat" % pid) as f:
        s = f.read()
    f = s[s.rindex(")") + 2:].split()
    return int(f[7]), int(f[9])


def mapping_class(permissions, path):
    if path == "[heap]":
        return "brk_heap"
    if path == "[stack]":
        return "stack"
    if path.startswith("[v"):
        return None
    if path == "" or path.startswith("[anon"):
        return "anon"
    return "lib_data" if "w" in permissions else "file_ro"


def pages(pid):
    """{page number: (pagemap entry, class of its mapping)} of the pages present."""
    found = {}
    with open("/proc/%d/maps" % pid) as f:
        maps = f.read().splitlines()
    with open("/proc/%d/pagemap" % pid, "rb", 0) as pagemap:
        for l in maps:
            p = l.split(None, 5)
            lo, hi = (int(x, 16) for x in p[0].split("-"))
            kind = mapping_class(p[1], p[5].strip() if len(p) > 5 else "")
            if kind is None or lo > 1 << 47:
                continue
            at, end = lo // PAGE, hi // PAGE
            while at < end:
                pagemap.seek(at * 8)
                buffer = pagemap.read(min(end - at, 1 << 16) * 8)
                if not buffer:
                    break
                entries = array.array("L" if struct.calcsize("L") == 8 else "Q")
                getattr(entries, "frombytes", getattr(entries, "fromstring", None))(buffer)
                for k, e in enumerate(entries):
                    if e & PRESENT:
                        found[at + k] = (e, kind)
                at += len(entries)
    return found


def difference(before, after):
    """Pages copied, appeared and vanished between two results of pages()."""
    copied, appeared = {}, {}
    by_frame = any(e & FRAME for e, _ in before.values())
    for page, (e, kind) in after.items():
        old = before.get(page)
        if old is None:
            appeared[kind] = appeared.get(kind, 0) + 1
        elif (e & FRAME) != (old[0] & FRAME) if by_frame else e & EXCLUSIVE and not old[0] & EXCLUSIVE:
            copied[kind] = copied.get(kind, 0) + 1
    return {
        "pages_copied": sum(copied.values()), "pages_appeared": sum(appeared.values()),
        "pages_vanished": sum(1 for page in before if page not in after), "pages_present_before": len(before),
        "copied_by_mapping": dict((c, copied[c]) for c in CLASSES if c in copied),
        "appeared_by_mapping": dict((c, appeared[c]) for c in CLASSES if c in appeared)}


class ExitTracer(object):
    """Stops a process at its last moment, with its memory still there (PTRACE_O_TRACEEXIT)."""

    SEIZE, CONT, DETACH, TRACEEXIT, EVENT_EXIT = 0x4206, 7, 17, 0x40, 6

    def __init__(self, pid):
        self.pid = pid
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        self.ptrace = libc.ptrace
        self.ptrace.argtypes = [ctypes.c_long] * 4
        self.ptrace.restype = ctypes.c_long
        self.seized = self.ptrace(self.SEIZE, pid, 0, self.TRACEEXIT) == 0

    def wait(self, seconds):
        """True when the process stands at its exit; signals on the way are passed on."""
        until = time.time() + seconds
        while time.time() < until:
            pid, status = os.waitpid(self.pid, 0x40000000 | os.WNOHANG)
            if pid == 0:
                time.sleep(0.002)
            elif not os.WIFSTOPPED(status):
                return False
            elif status >> 16 == self.EVENT_EXIT:
                return True
            else:
                self.ptrace(self.CONT, self.pid, 0, os.WSTOPSIG(status))
        raise RigError("the child did not leave within %d s" % seconds)

    def release(self):
        self.ptrace(self.DETACH, self.pid, 0, 0)


# ------------------------------------------------------------------------------------------------ running an act


class RigError(RuntimeError):
    """The measured process did not do what its source says; the message holds its own last words."""


def no_random_addresses():
    """In the new process, before exec: every run finds its mappings at the same addresses (ADDR_NO_RANDOMIZE)."""
    import ctypes
    ctypes.CDLL(None).personality(ADDR_NO_RANDOMIZE)


def fixed_addresses_permitted():
    """Whether a process may have its addresses not randomised; containers often forbid it."""
    return not subprocess.call([sys.executable, "-S", "-c", (
        "import ctypes, sys; sys.exit(ctypes.CDLL(None).personality(%d) == -1)" % ADDR_NO_RANDOMIZE)])


class Measured(object):
    """The parent of one act, and the line protocol with it and its child."""

    def __init__(self, python, source, leaves, seconds, fixed_addresses=False):
        self.seconds = seconds
        self.folder = tempfile.mkdtemp(prefix="rig")
        self.child = None
        stub, compiler, text, code = (os.path.join(self.folder, n) for n in ("stub.py", "compile.py", "recipe.py", "recipe"))
        for path, content in ((stub, STUB), (compiler, COMPILE), (text, source)):
            with open(path, "w") as f:
                f.write(content)
        self.errors = open(os.path.join(self.folder, "errors"), "w+")
        self.process = self.start([python, "-S", compiler, text, code])
        try:
            self.end(code)
        except BaseException:
            self.close()
            raise
        self.process.stdin.close()
        self.process.stdout.close()
        self.process = self.start(
            [python, "-S", stub, code, leaves or "stay"], no_random_addresses if fixed_addresses else None)

    def start(self, command, preexec=None):
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, bufsize=0,
            env={"PYTHONHASHSEED": "0"}, cwd="/", close_fds=True, preexec_fn=preexec)

    def end(self, code):
        """Waits for the compiling process, which says nothing and leaves the file `code`."""
        until = time.time() + self.seconds
        while self.process.poll() is None:
            if time.time() > until:
                raise RigError("the recipe is not compiled within %d s" % self.seconds)
            time.sleep(0.001)
        if self.process.returncode or not os.path.exists(code):
            raise RigError("the recipe's source does not compile: %s" % self.last_words())

    def last_words(self):
        self.errors.seek(0)
        return self.errors.read()[-2000:].strip().split("\n")[-1]

    def hear(self, kind, seconds=None):
        """The rest of the next line, which must be of this kind."""
        heard = b""
        until = time.time() + (seconds or self.seconds)
        while not heard.endswith(b"\n"):
            left = until - time.time()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise RigError("no word within %d s" % (seconds or self.seconds))
            c = os.read(self.process.stdout.fileno(), 1)
            if not c:
                raise RigError("the measured process ended: %s" % self.last_words())
            heard += c
        heard = heard.decode().strip()
        if heard[:2] == "W " and kind != "W":
            raise RigError("the child ended with status %s: %s" % (heard.split()[1], self.last_words()))
        if heard[:2] != kind + " " and heard != kind:
            raise RigError("expected %s, heard %s" % (kind, heard))
        return heard[2:]

    def say(self):
        os.write(self.process.stdin.fileno(), b"\n")

    def close(self):
        for pid in (self.child, self.process.pid):
            if pid and self.process.poll() is None:
                try:
                    os.kill(pid, 9)
                except OSError as e:
                    if e.errno != errno.ESRCH:
                        raise
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()
        self.errors.close()
        for name in os.listdir(self.folder):
            os.unlink(os.path.join(self.folder, name))
        os.rmdir(self.folder)


def settled(pid):
    """Waits until the process sleeps, so that what it did before has been done."""
    for _ in range(5000):
        with open("/proc/%d/stat" % pid) as f:
            if f.read().rpartition(")")[2].split()[0] == "S":
                return
        time.sleep(0.0005)
    raise RigError("process %d does not come to rest" % pid)


def run_act(python, recipe, act, seconds, fixed_addresses=False, look=None):
    """One act in a child of a fresh parent: its figures, as a dictionary.

    `look`, if given, is called with the child's pid and the pages before the act and again with those after it (or
    None), while the child waits.
    """
    source, leaves = compile_recipe(recipe, act)
    measured = Measured(python, source, leaves, seconds, fixed_addresses)
    try:
        at_fork = [int(x) for x in measured.hear("F").split()]
        measured.say()
        child = measured.child = int(measured.hear("C", 60))
        settled(child)
        settled(measured.process.pid)  # what the parent still writes after the fork leaves the child alone with the old page
        tracer = ExitTracer(child) if leaves else None
        before, (rss_before, ratio_before), faults_before = pages(child), rollup(child), faults(child)
        after = rss = ratio = None
        if look:
            look(child, before, None)
        measured.say()
        if leaves is None:
            measured.hear("D")
            settled(child)
            faults_after, after, (rss, ratio) = faults(child), pages(child), rollup(child)
            faults_act = [b - a for a, b in zip(faults_before, faults_after)]
            if look:
                look(child, before, after)
            measured.say()
            counts, stats = ast.literal_eval(measured.hear("G", 60))
            settled(child)
            faults_reported = faults(child)
            measured.say()
            words = measured.hear("W", 60).split()
            gc = {"counts": list(counts), "stats": stats}
            exit_faults = int(words[1]) - faults_reported[0]
        else:
            if tracer.seized and tracer.wait(seconds):
                after, (rss, ratio) = pages(child), rollup(child)
                if look:
                    look(child, before, after)
                tracer.release()
            words = measured.hear("W").split()
            faults_act = [int(words[1]) - faults_before[0], int(words[2]) - faults_before[1]]
            gc = None
            exit_faults = faults_act[0]
        if int(words[0]):
            measured.errors.seek(0)
            raise RigError("the child ended with status %s: %s" % (words[0], measured.errors.read()[-2000:]))
    finally:
        measured.close()
    result = {"act": act, "rss_bytes": rss}
    result.update(difference(before, after) if after is not None else {"pages_copied": None, "pages_appeared": None})
    result.update({
        "minor_faults": faults_act[0], "major_faults": faults_act[1], "share_ratio": ratio, "exit_faults": exit_faults,
        "gc": gc, "gc_counts_at_fork": at_fork, "rss_bytes_before": rss_before, "share_ratio_before": ratio_before})
    return result


def malloc_stats(python, recipe, seconds):
    """What sys._debugmallocstats() says of pymalloc in the parent when the heap is built, as a dictionary."""
    source, _ = compile_recipe(recipe, "nothing", "sys._debugmallocstats()")
    measured = Measured(python, source, None, seconds)
    try:
        measured.hear("F")
        measured.errors.seek(0)
        return parse_malloc_stats(measured.errors.read())
    finally:
        measured.close()


MALLOC_LINES = collections.OrderedDict((
    ("arenas_allocated_total", "# arenas allocated total"), ("arenas_reclaimed", "# arenas reclaimed"),
    ("arenas_highwater_mark", "# arenas highwater mark"), ("arenas_allocated_current", "# arenas allocated current"),
    ("bytes_in_allocated_blocks", "# bytes in allocated blocks"), ("bytes_in_available_blocks", "# bytes in available blocks"),
    ("bytes_in_unused_pools", r"\d+ unused pools \* \d+ bytes"), ("bytes_lost_to_pool_headers", "# bytes lost to pool headers"),
    ("bytes_lost_to_quantization", "# bytes lost to quantization"),
    ("bytes_lost_to_arena_alignment", "# bytes lost to arena alignment"), ("total", "Total")))


def parse_malloc_stats(text):
    """The table of pymalloc that _debugmallocstats prints first; free lists and the map of arenas follow it."""
    stats = collections.OrderedDict(classes=[
        collections.OrderedDict(zip(("class", "size", "pools", "blocks_in_use", "available_blocks"), (int(x) for x in m)))
        for m in re.findall(r"^ +(\d+) +(\d+) +(\d+) +(\d+) +(\d+)$", text, re.M)])
    for key, name in MALLOC_LINES.items():
        found = re.search("^%s +=(.*)$" % name, text, re.M)
        if not found:
            raise RigError("no line \"%s\" in what _debugmallocstats says" % name)
        stats[key] = int(found.group(1).replace(",", ""))
    return stats


class InterpreterError(ValueError):
    """What was named as an interpreter is none, or does not answer; the message says what it did."""


def describe(python, seconds=60):
    """What the interpreter is: release, full version, implementation, which of the collector's functions it has."""
    command = [python, "-S", "-c", "import gc, sys; print('%d.%d|%s|%s|%s' % (sys.version_info[0], sys.version_info[1], "
               "sys.version.split()[0], getattr(getattr(sys, 'implementation', None), 'name', 'cpython'), ' '.join(dir(gc))))"]
    with tempfile.TemporaryFile() as answer:
        try:
            process = subprocess.Popen(command, stdout=answer, stderr=subprocess.STDOUT, env={"PYTHONHASHSEED": "0"}, close_fds=True)
        except (IOError, OSError) as e:
            raise InterpreterError(e.strerror)
        until = time.time() + seconds
        while process.poll() is None:
            if time.time() > until:
                process.kill()
                process.wait()
                raise InterpreterError("no answer within %d s" % seconds)
            time.sleep(0.001)
        answer.seek(0)
        words = answer.read(4096).decode("utf-8", "replace").strip().split("|")
    if process.returncode or len(words) != 4:
        raise InterpreterError("is no Python: it ends with status %d and says %r" % (process.returncode, words[0][:60]))
    release, full, implementation, names = words
    return release, full, implementation, names.split()


def words_of(spec):
    """Every action's name in a part of a recipe."""
    if isinstance(spec, list):
        return [w for s in spec for w in words_of(s)]
    if isinstance(spec, dict):
        return list(spec)
    return [spec]


def unsupported(recipe, act, names):
    """The first action that the release has not, or None."""
    parent = recipe.get("parent", {})
    for word in words_of(parent.get("before_heap", [])) + words_of(parent.get("before_fork", [])) + words_of(act):
        if word.startswith("gc.") and word[3:] not in names:
            return word
    return None


def acts_of(recipe):
    acts = recipe["acts"] if "acts" in recipe else [recipe["act"]] if "act" in recipe else None
    if not isinstance(acts, list) or not acts:
        raise RecipeError("act: missing (or `acts`, a list of them)")
    return acts


def median(runs):
    """The run in the middle by share ratio, then by pages copied: addresses are random, and how many pages of its libraries
    a process has present depends on them (fault-around maps aligned windows)."""
    order = sorted(runs, key=lambda r: (r["share_ratio"] or 0, r["pages_copied"] or r["minor_faults"]))
    return order[(len(order) - 1) // 2]


def run_recipe(recipe, python, seconds=600, name="", repeat=1, log=None, malloc=False, fixed_addresses=False):
    """All acts of a recipe: the whole answer, as a dictionary; with `malloc` the parent's allocator statistics too.

    With `fixed_addresses` the kernel chooses none at random: from 3.10 on it depends on the address of an arena whether it has 63 or
    64 pools, and on those which arenas become empty.
    """
    acts = acts_of(recipe)
    for act in acts:
        compile_recipe(recipe, act)
    release, full, implementation, names = describe(python)
    results = []
    for act in acts:
        lacking = unsupported(recipe, act, names)
        if lacking:
            results.append({"act": act, "unsupported": lacking})
            continue
        runs = [run_act(python, recipe, act, seconds, fixed_addresses) for _ in range(repeat)]
        result = median(runs)
        if repeat > 1:
            result["spread"] = dict(
                (k, [min(v), max(v)])
                for k, v in ((k, [r[k] for r in runs]) for k in ("pages_copied", "minor_faults", "share_ratio", "rss_bytes"))
                if None not in v)
        results.append(result)
        if log:
            log("%-28s copied %s, faults %s, shared %s" % (
                json.dumps(act)[:28], result["pages_copied"], result["minor_faults"], result["share_ratio"]))
    answer = collections.OrderedDict((
        ("tool", "prefork-lab"), ("version", "rig " + VERSION), ("commit", ""), ("seed", 0), ("python", release),
        ("recipe", name), ("python_full", full), ("implementation", implementation), ("acts", results)))
    if malloc:
        answer["debugmallocstats"] = malloc_stats(python, recipe, seconds) if release != "2.7" else {
            "unsupported": "sys._debugmallocstats"}
    if "acts" not in recipe:
        answer.update((k, v) for k, v in results[0].items() if k != "act")
        del answer["acts"]
    return answer


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Run a heap recipe in a real CPython; print what the act cost as JSON.")
    parser.error = lambda message: parser.exit(2, "%s: %s; --help lists the options\n" % (parser.prog, message))
    parser.add_argument("recipe", help="the recipe, a JSON file")
    parser.add_argument("--python", default=sys.executable, help="interpreter to measure (default: this one)")
    parser.add_argument("--repeat", type=int, default=1, metavar="N", help="run each act N times; tell the median run, and the spread")
    parser.add_argument("--fixed-addresses", action="store_true", help="without address randomisation, as the lab's addresses are")
    parser.add_argument("--json", metavar="FILE", help="write the answer there instead of to standard output")
    parser.add_argument("--debugmallocstats", action="store_true", help="add what sys._debugmallocstats() says in the parent at the fork")
    parser.add_argument("--source", action="store_true", help="print the Python source of the first act and stop")
    parser.add_argument("--timeout", type=int, default=600, metavar="SECONDS", help="limit for each act (default 600)")
    options = parser.parse_args(arguments)
    if options.fixed_addresses and not fixed_addresses_permitted():
        parser.error("--fixed-addresses: not permitted here")
    if options.json and not os.path.isdir(os.path.dirname(os.path.abspath(options.json))):
        parser.error("--json %s: its directory does not exist" % options.json)
    try:
        with open(options.recipe, "rb") as f:
            recipe = f.read(RECIPE_BYTES_MAX + 1)  # devices and pipes have no size to ask for
        if len(recipe) > RECIPE_BYTES_MAX:
            raise RecipeError("is over 4 MiB, too long for a recipe")
        try:
            recipe = json.loads(recipe.decode("utf-8"), object_pairs_hook=collections.OrderedDict)
        except (RuntimeError, MemoryError):  # RecursionError, where there is one
            raise RecipeError("too deep")
        if not isinstance(recipe, dict):
            raise RecipeError("a recipe is an object")
        if options.source:
            print(compile_recipe(recipe, acts_of(recipe)[0])[0])
            return 0
        name = os.path.splitext(os.path.basename(options.recipe))[0]
        log = (lambda s: print(s, file=sys.stderr)) if options.json else None
        answer = run_recipe(
            recipe, options.python, options.timeout, name, max(1, options.repeat), log, options.debugmallocstats, options.fixed_addresses)
    except InterpreterError as e:
        print("rig.py: --python %s: %s" % (options.python, e), file=sys.stderr)
        return 2
    except (RecipeError, ValueError, IOError, OSError) as e:
        print("rig.py: %s: %s" % (options.recipe, getattr(e, "strerror", None) or e), file=sys.stderr)
        return 2
    except RigError as e:
        print("rig.py: %s" % e, file=sys.stderr)
        return 3
    answer = json.dumps(answer)
    if options.json:
        with open(options.json, "w") as f:
            f.write(answer + "\n")
    else:
        print(answer)
    return 0


if __name__ == "__main__":
    sys.exit(main())
