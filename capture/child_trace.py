"""Log the calls that another process makes to its interpreter's allocators, from outside and from a chosen moment on.

The process is stopped while it waits in a system call, is made to map a buffer, and finds the functions of
alloc_trace.c in its tables of allocators when it goes on. Nothing of its own memory but those tables has changed.
For baseline.py; Linux on x86-64, root, CPython 3.5 to 3.13 without address randomisation.
"""
import binascii
import ctypes
import os
import struct
import subprocess

import preforklab_capture
import rig

CAPACITY = 1 << 18
EVENT = struct.Struct("<QQIiQ")
ALLOC, FREE, MOVED_FROM, MOVED_TO = range(4)
RESIZED = 10
# Of struct state, where it is said that those are to be noted.
RESIZES = 264
DOMAINS = 352                                         # behind it
# CLEARED: the dynamic linker's calloc(), which does not look into the thread cache
RAW, OBJECT, CLEARED = 0, 2, 3

# of struct user_regs_struct
REGISTERS = ("r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss fs_base gs_base ds es fs gs").split()
ARGUMENTS = ("rdi", "rsi", "rdx", "r10", "r8", "r9")
CONT, SINGLESTEP, GETREGS, SETREGS, DETACH, SEIZE, INTERRUPT = 7, 9, 12, 13, 17, 0x4206, 0x4207
WALL = 0x40000000
MMAP, PROT_ALL, PRIVATE_ANONYMOUS = 9, 7, 0x22
# Where the log is to be: far from where the kernel looks for room, so that it takes no mapping's place.
HINT = 1 << 40


def ptrace(request, pid, data=None):
    call = ctypes.CDLL(None, use_errno=True).ptrace
    call.argtypes, call.restype = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p], ctypes.c_long
    if call(request, pid, None, data):
        raise OSError(ctypes.get_errno(), "ptrace %d of process %d" % (request, pid))


def system_call(pid, number, *arguments, **where):
    """Has a process that is stopped in a system call make another one first; that one is taken up again later. One that is stopped elsewhere makes it
    at `instruction`, where one for that is."""
    registers = (ctypes.c_uint64 * len(REGISTERS))()
    ptrace(GETREGS, pid, registers)
    before = bytes(registers)
    # -1 as the number of the call that was interrupted: the kernel is not to go back to it just now
    values = dict(zip(ARGUMENTS, arguments), rax=number, orig_rax=-1, rip=where.get("instruction", registers[REGISTERS.index("rip")] - 2))
    for name, value in values.items():
        registers[REGISTERS.index(name)] = value & (1 << 64) - 1
    ptrace(SETREGS, pid, registers)
    ptrace(SINGLESTEP, pid)
    os.waitpid(pid, WALL)
    ptrace(GETREGS, pid, registers)
    result = registers[REGISTERS.index("rax")]
    ptrace(SETREGS, pid, (ctypes.c_uint64 * len(REGISTERS)).from_buffer_copy(before))
    if result >= 1 << 63:
        raise OSError((1 << 64) - result, "system call %d in process %d" % (number, pid))
    return result


# Room for alloc_trace.c and what the dynamic linker jumps to.
CODE_BYTES = 2 * rig.PAGE
# The functions of alloc_trace.c, in the order of TRACE_OFFSETS, by the C library's names, and how many arguments they have.
LINKER_CALLS = (("malloc", 1), ("calloc", 2), ("realloc", 2), ("free", 1))


def mappings(pid, name):
    """(start, end, file offset, path) of a process's mappings of files whose names begin so."""
    with open("/proc/%d/maps" % pid) as f:
        for fields in (line.split(None, 5) for line in f):
            if len(fields) > 5 and os.path.basename(fields[5].strip()).startswith(name):
                lo, hi = (int(x, 16) for x in fields[0].split("-"))
                yield lo, hi, int(fields[2], 16), fields[5].strip()


def library_function(pid, name):
    """The address in a process of a function of the C library, which is this process's, too (and not that of an executable's stub for it)."""
    first = [next(lo for lo, _, offset, _ in mappings(p, "libc.so") if not offset) for p in (os.getpid(), pid)]
    return ctypes.cast(getattr(ctypes.CDLL("libc.so.6"), name), ctypes.c_void_p).value - first[0] + first[1]


def stub_of(pid, name):
    """The address of an executable's own stub for a function of the C library, which stands for the function if the executable is to lie at a
    fixed address and takes the function's."""
    source = "import ctypes; print(ctypes.cast(ctypes.CDLL(None).%s, ctypes.c_void_p).value)" % name
    return int(subprocess.check_output([os.readlink("/proc/%d/exe" % pid), "-S", "-c", source]))


def variable(pid, library, name):
    """The address of the only word of a library's memory that is the address of this function of the C library."""
    found = []
    for address_of in (library_function, stub_of):
        if not found:
            value = struct.pack("<Q", address_of(pid, name))
            with open("/proc/%d/mem" % pid, "rb", 0) as m:
                for lo, hi, _, _ in mappings(pid, library):
                    m.seek(lo)
                    data = m.read(hi - lo)
                    found += [lo + at for at in range(0, len(data) - 7, 8) if data[at:at + 8] == value]
    assert len(found) == 1, (library, name, found)
    return found[0]


def allocators(python):
    """The allocators of the raw and the object domain, as another process of the interpreter names them."""
    source = ("import ctypes\nfor d in (%d, %d):\n    a = (ctypes.c_uint64 * 5)()\n    ctypes.pythonapi.PyMem_GetAllocator(d, a)\n"
              "    print(*a)" % (RAW, OBJECT))
    lines = subprocess.check_output(
        [python, "-S", "-c", source], env={"PYTHONHASHSEED": "0"}, preexec_fn=rig.no_random_addresses).decode().splitlines()
    return [(domain, [int(x) for x in line.split()]) for domain, line in zip((RAW, OBJECT), lines)]


class ChildTrace(object):
    """The log of one process, which the caller has seized (PTRACE_SEIZE) and which waits in a system call."""

    def __init__(self, pid, tables, memory, seized=True):
        """`memory` is what baseline.Memory read of the process; `tables` comes from allocators().

        A process that is not `seized` is the tracer's child, stands at a system call's end, and is to go on from there.
        """
        self.pid, self.linkers = pid, {}
        code = binascii.a2b_base64(preforklab_capture.TRACE_CODE)
        if seized:
            ptrace(INTERRUPT, pid)
            os.waitpid(pid, WALL)
        start = system_call(pid, MMAP, HINT, CODE_BYTES + rig.PAGE + CAPACITY * EVENT.size, PROT_ALL, PRIVATE_ANONYMOUS, -1, 0)
        self.state, self.events = start + CODE_BYTES, start + CODE_BYTES + rig.PAGE
        count0, domains = self.state + 128, self.state + DOMAINS
        with open("/proc/%d/mem" % pid, "r+b", 0) as m:
            def write(address, data):
                m.seek(address)
                m.write(data)
            assert len(code) <= CODE_BYTES
            write(start, code)
            write(self.state, struct.pack("<11Q", self.events, CAPACITY, 0, 0, 0, count0, 16, 0, 0, 0, 0))
            for domain, table in tables:
                own = domains + 64 * domain
                write(own, struct.pack("<7Q", self.state, *(table + [domain])))
                hooked = struct.pack("<5Q", own, *(start + offset for offset in preforklab_capture.TRACE_OFFSETS))
                for lo, _, kind, data in memory.mappings:
                    at = data.find(struct.pack("<5Q", *table)) if kind == "lib_data" else -1
                    while at >= 0:  # the tables in use, and those that a debug allocator would call
                        write(lo + at, hooked)
                        at = data.find(struct.pack("<5Q", *table), at + 1)
        if seized:
            ptrace(CONT, pid)

    def add_linker(self):
        """Has the dynamic linker's calls logged, too, as of the raw domain: it finds the C library's functions in variables of its own. And
        reallocations that stay where they were."""
        start, domains = self.state - CODE_BYTES, self.state + DOMAINS
        at = start + len(binascii.a2b_base64(preforklab_capture.TRACE_CODE)) + 15 & -16
        with open("/proc/%d/mem" % self.pid, "r+b", 0) as m:
            m.seek(self.state + RESIZES)
            m.write(struct.pack("<Q", 1))
            m.seek(domains + 64 * RAW)
            raw = m.read(48)
            m.seek(domains + 64 * CLEARED)
            m.write(raw + struct.pack("<Q", CLEARED))
            for (name, arguments), offset in zip(LINKER_CALLS, preforklab_capture.TRACE_OFFSETS):
                # The arguments go one register further, the domain comes first.
                code = (b"\x48\x89\xf2" if arguments == 2 else b"") + b"\x48\x89\xfe"
                domain = domains + 64 * (CLEARED if name == "calloc" else RAW)
                code += b"\x48\xbf" + struct.pack("<Q", domain) + b"\x48\xb8" + struct.pack("<Q", start + offset) + b"\xff\xe0"
                assert at + len(code) <= self.state
                m.seek(at)
                m.write(code)
                m.seek(variable(self.pid, "ld-linux", name))
                m.write(struct.pack("<Q", at))
                self.linkers[name] = at
                at += len(code) + 15 & -16

    def add_library(self):
        """Has the C library's own calls logged as the linker's are, from now on: of these functions, whose addresses it has from the start."""
        with open("/proc/%d/mem" % self.pid, "r+b", 0) as m:
            for name in ("malloc", "free"):
                m.seek(variable(self.pid, "libc.so", name))
                m.write(struct.pack("<Q", self.linkers[name]))

    def length(self):
        """How many events there are so far."""
        with open("/proc/%d/mem" % self.pid, "rb", 0) as m:
            m.seek(self.state + 16)
            return struct.unpack("<Q", m.read(8))[0]

    def read(self, pid=None):
        """All events so far: (address, size, operation, domain); those of a process that was forked since include its own."""
        with open("/proc/%d/mem" % (pid or self.pid), "rb", 0) as m:
            m.seek(self.state)
            _, _, used, dropped = struct.unpack("<4Q", m.read(32))
            assert used and not dropped, (used, dropped)
            m.seek(self.events)
            return [(address, size, kind & 255, kind >> 8) for address, size, kind, _, _ in
                    EVENT.iter_unpack(m.read(used * EVENT.size))]


def calls(events):
    """The log in numbers, and the addresses freed in it that it did not allocate; baseline.py's `exit_calls` says which."""
    out, older, numbers, made = [], [], {}, 0
    for address, size, operation, domain in events:
        if operation in (ALLOC, MOVED_TO):
            assert domain == OBJECT and 0 < size < 1 << 32, (domain, size)
            made += 1
            numbers[address] = made
            out.append(size)
        elif address in numbers:
            out.append(numbers.pop(address) - made - 1)
        else:
            out.append(0)
            older.append(address)
    return out, older
