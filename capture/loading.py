"""How a bare interpreter comes to its heap: the calls to its allocators while the rig's stub loads a recipe's code and runs it.

The recipe's own code comes in the middle of it, so whoever knows the heap before and the calls around it can put another
recipe's code in the place where a real process has it. The process is traced from its exec() on; at the system call that
asks for the size of the recipe's file, the last before its content is read, the heap is read and the log begins. For
baseline.py.
"""
import ctypes
import os
import signal
import struct
import subprocess

import child_trace
import rig
import stores

TRACEME, SYSCALL, SETOPTIONS, SYSGOOD = 0, 24, 0x4200, 1
READ, WRITE = 0, 1
# Added to the size of what is asked of the raw domain, which the C library's heap serves whatever the size.
RAW_SIZE = 1 << 30
# What pymalloc serves itself, in bytes.
SMALL = 512
# Added besides where it is not to look into its thread cache.
CLEARED_SIZE = 1 << 29
# Added besides where it resizes the block that the next call seems to free.
RESIZED_SIZE = 1 << 28
# System calls that name a file and what they are given its name in.
STAT = {4: "rdi", 262: "rsi", 332: "rsi"}
CLOSE, GETDENTS64 = 3, 217
# What opendir() allocates before the room for entries, of glibc 2.7 and later.
DIR_BYTES = 48


class Loading(rig.Measured):
    """A measured process whose calls to the allocators are logged from the point where it is to read its recipe."""

    def __init__(self, tables, look, *arguments):
        """`look` is called with the process's number where the log begins; it returns what ChildTrace wants to know of its memory."""
        self.tables, self.look = tables, look
        self.trace = None
        self.directories, self.opened = {}, []
        self.reads_at = 0
        rig.Measured.__init__(self, *arguments)

    def start(self, command, preexec=None):
        if not preexec:
            return rig.Measured.start(self, command)

        def traced():
            preexec()
            ctypes.CDLL(None).ptrace(TRACEME, 0, None, None)

        process = rig.Measured.start(self, command, traced)
        try:
            self.follow(process.pid, command[-2])
        except BaseException:
            os.kill(process.pid, signal.SIGKILL)
            raise
        return process

    def follow(self, pid, code):
        """Up to the parent's first word."""
        os.waitpid(pid, child_trace.WALL)
        child_trace.ptrace(SETOPTIONS, pid, SYSGOOD)
        entry = False
        while True:
            child_trace.ptrace(SYSCALL, pid)
            _, status = os.waitpid(pid, child_trace.WALL)
            if not os.WIFSTOPPED(status):
                raise rig.RigError("the traced process ended: %s" % self.last_words())
            if os.WSTOPSIG(status) != signal.SIGTRAP | 0x80:
                continue
            entry = not entry
            registers = (ctypes.c_uint64 * len(child_trace.REGISTERS))()
            child_trace.ptrace(child_trace.GETREGS, pid, registers)
            values = dict(zip(child_trace.REGISTERS, registers))
            number = values["orig_rax"]
            if not self.trace:
                if not entry and number in STAT and text_at(pid, values[STAT[number]]) == code:
                    self.trace = child_trace.ChildTrace(pid, self.tables, self.look(pid), False)
                    self.trace.add_linker()
            elif entry and number in (GETDENTS64, CLOSE):
                self.follow_directory(pid, number, values)
            elif entry and number == READ and not self.reads_at:
                self.reads_at = self.trace.length()
            elif entry and number == WRITE and values["rdi"] == 1:
                child_trace.ptrace(child_trace.DETACH, pid)
                return

    def follow_directory(self, pid, number, values):
        """The C library's own blocks while a directory is open: nothing else is allocated between opendir() and the first entries, nor between
        the free() and the close() of closedir()."""
        if number == CLOSE and values["rdi"] in self.directories:
            address = self.directories.pop(values["rdi"])
            self.opened.append((self.trace.length(), (address, 0, child_trace.FREE, child_trace.RAW)))
        elif number == GETDENTS64 and values["rdi"] not in self.directories:
            address = values["rsi"] - DIR_BYTES
            with open("/proc/%d/mem" % pid, "rb", 0) as m:
                m.seek(address - 8)
                size = (struct.unpack("<Q", m.read(8))[0] & ~7) - 8
            self.directories[values["rdi"]] = address
            self.opened.append((self.trace.length(), (address, size, child_trace.ALLOC, child_trace.RAW)))

    def read(self):
        """All events up to now, those of opened directories among them, and how many there were when the recipe was about to be read."""
        events, reads_at = self.trace.read(self.child), self.reads_at
        for at, event in reversed(self.opened):
            events.insert(at, event)
            reads_at += at < reads_at
        return events, reads_at


class Building(Loading):
    """A measured process of 2.7, which has no allocators to log, that is looked at where its parent has built its heap and asks for the counts: at
    the call of this function with this format."""

    FUNCTION, FORMAT, BREAKPOINT = "Py_BuildValue", "(iii)", b"\xcc"

    def __init__(self, python, look, *arguments):
        source = "import ctypes; print(ctypes.cast(ctypes.pythonapi.%s, ctypes.c_void_p).value)" % self.FUNCTION
        self.address = int(subprocess.check_output(
            [python, "-S", "-c", source], env={"PYTHONHASHSEED": "0"}, preexec_fn=rig.no_random_addresses))
        Loading.__init__(self, None, look, python, *arguments)

    def follow(self, pid, code):
        os.waitpid(pid, child_trace.WALL)
        child_trace.ptrace(SETOPTIONS, pid, SYSGOOD)
        reads = False
        while not reads:
            child_trace.ptrace(SYSCALL, pid)
            self.stopped(pid, signal.SIGTRAP | 0x80)
            values = dict(zip(child_trace.REGISTERS, registers_of(pid)))
            number = values["orig_rax"]
            reads = number in STAT and text_at(pid, values[STAT[number]]) == code
        with open("/proc/%d/mem" % pid, "r+b", 0) as m:
            def replace(data):
                m.seek(self.address)
                old = m.read(1)
                m.seek(self.address)
                m.write(data)
                return old

            while True:
                old = replace(self.BREAKPOINT)
                child_trace.ptrace(child_trace.CONT, pid)
                self.stopped(pid, signal.SIGTRAP)
                replace(old)
                registers = registers_of(pid)
                registers[child_trace.REGISTERS.index("rip")] = self.address
                child_trace.ptrace(child_trace.SETREGS, pid, registers)
                if text_at(pid, registers[child_trace.REGISTERS.index("rdi")]) == self.FORMAT:
                    break
                child_trace.ptrace(child_trace.SINGLESTEP, pid)
                self.stopped(pid, signal.SIGTRAP)
        self.look(pid)
        child_trace.ptrace(child_trace.DETACH, pid)

    def stopped(self, pid, expected):
        _, status = os.waitpid(pid, child_trace.WALL)
        if not os.WIFSTOPPED(status) or os.WSTOPSIG(status) != expected:
            raise rig.RigError("the traced process does not stop where it should: %s" % self.last_words())


def registers_of(pid):
    registers = (ctypes.c_uint64 * len(child_trace.REGISTERS))()
    child_trace.ptrace(child_trace.GETREGS, pid, registers)
    return registers


def built(python, heap, act, look):
    """Calls `look` with the number of a process of 2.7 that has built its heap."""
    measured = Building(python, look, rig.compile_recipe({"heap": heap}, act)[0], None, 60, True)
    try:
        measured.hear("F")
    finally:
        measured.close()


def text_at(pid, address):
    with open("/proc/%d/mem" % pid, "rb", 0) as m:
        m.seek(address)
        return m.read(rig.PAGE - address % rig.PAGE).split(b"\0")[0].decode("latin-1")


def sizes(python):
    """Bytes of a function and of a list, with their GC heads."""
    out = subprocess.check_output([python, "-S", "-c", "import sys; print(sys.getsizeof(lambda: 0), sys.getsizeof([]))"])
    return [int(n) for n in out.split()]


def log(python, heap, act, look):
    """(events up to the point where the child waits for its word to act, the log's length when it was about to read its recipe and at the fork,
    events of the parent from there on, the C library's own among them)."""
    tables, source = child_trace.allocators(python), rig.compile_recipe({"heap": heap}, act)[0]
    measured = Loading(tables, look, python, source, None, 60, True)
    try:
        measured.hear("F")
        measured.child = stores.fork(measured)
        forks_at, length = len(measured.read()[0]), measured.trace.length()
        measured.trace.add_library()
        for pid in (measured.child, measured.process.pid):
            child_trace.ptrace(child_trace.DETACH, pid)
        measured.hear("C", 60)
        rig.settled(measured.child)
        rig.settled(measured.process.pid)
        return measured.read() + (forks_at, measured.trace.read()[length:])
    finally:
        measured.close()


def numbered(events, known):
    """The log in numbers: the calls, what they free that the log did not allocate, {address: (number, event)} of what is in use in the end, and
    how many calls there were before each event."""
    calls, freed, numbers, large, at, moved, made = [], [], {}, set(), {}, set(), 0
    for i, (address, size, operation, domain) in enumerate(events):
        at[i] = len(calls)
        if not known(address) or i in moved:
            continue
        before = events[i + 1][0] if operation == child_trace.MOVED_TO else address
        raw = domain != child_trace.OBJECT or not 0 < size <= SMALL
        if operation == child_trace.RESIZED and before not in numbers and raw:
            large.add(before)
        if operation in (child_trace.MOVED_TO, child_trace.RESIZED) and before in large:
            # Whether there is room behind the block is a matter of the recipe.
            made += 1
            calls += [RAW_SIZE + RESIZED_SIZE + size, numbers.pop(before)[0] - made if before in numbers else 0]
            freed += [] if calls[-1] else [before]
            large.remove(before)
            if operation == child_trace.MOVED_TO:
                moved.add(i + 1)
            numbers[address] = (made - 1, i)
            large.add(address)
        elif operation in (child_trace.ALLOC, child_trace.MOVED_TO):
            numbers[address] = (made, i)
            made += 1
            (large.add if raw else large.discard)(address)
            # The C library serves a request for nothing, too, as one for a byte.
            elsewhere = not size or domain != child_trace.OBJECT
            calls.append((RAW_SIZE + max(size, 1) if elsewhere else size) + (CLEARED_SIZE if domain == child_trace.CLEARED else 0))
        elif operation != child_trace.RESIZED:
            large.discard(address)
            calls.append(numbers.pop(address)[0] - made if address in numbers else 0)
            freed += [] if calls[-1] else [address]
    return calls, freed, numbers, at


def describe(events, reads_at, forks_at, parents, function_bytes, list_bytes, known, frames, keywords):
    """The part of the baseline, without the heap before, and `code`, the blocks of the recipe's code.

    `known` says whether an address is of a heap whose state before is known; other calls are left out. `frames` are the blocks of the frames
    that the rig's own functions keep, by their names, `keywords` those of tuples of the names of str.encode's parameters.
    """
    alloc = (child_trace.ALLOC, child_trace.MOVED_TO)
    file_at = max(i for i, e in enumerate(events[:reads_at]) if e[2] in alloc)
    file = events[file_at][0]
    code_at = next(i for i, e in enumerate(events) if i >= reads_at and e[2] in alloc)
    code_end = 1 + next(i for i, e in enumerate(events) if i >= code_at and e[0] == file and e[2] == child_trace.FREE)
    functions = [i for i in range(len(events) - 1) if all(e[1:3] == (function_bytes, child_trace.ALLOC) for e in events[i:i + 2])]
    build_at = functions[-1]
    lists = [i for i, e in enumerate(events) if i > build_at and e[1:3] == (list_bytes, child_trace.ALLOC)]
    # If it came from the free list, it is after the frame of build() or right after the functions.
    marks = {"file": file_at, "code": code_at, "code_end": code_end, "build": build_at, "out": lists[0] if lists else build_at + 2,
             "fork": forks_at}
    if lists:
        marks["list"] = lists[0]
    for name, block in frames.items():
        made = [i for i, e in enumerate(events) if e[0] == block and e[2] in alloc]
        if made:  # else the frame was another function's before, and waited on the free list
            marks["frame_" + name] = made[-1]
    made = [i for i, e in enumerate(events) if i > marks["out"] and e[0] in keywords and e[2] in alloc]
    if made:  # else the names' tuple is from the free list, too
        marks["keywords"] = made[-1]
    calls, freed, numbers, at = numbered(events, known)
    parents = numbered(events[:forks_at] + parents, known)[0][at[forks_at]:]
    assert 0 not in parents
    kept = sorted((n, address, i) for address, (n, i) in numbers.items())
    assert not any(marks["file"] == i for _, _, i in kept)
    return {"calls": calls, "freed": freed, "parents": parents, "kept": [[n for n, _, _ in kept], [a for _, a, _ in kept]],
            "code": [a for _, a, i in kept if code_at <= i < code_end],
            "marks": dict((name, at[i]) for name, i in marks.items() if name != "file" or known(file))}
