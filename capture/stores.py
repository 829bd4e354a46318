"""What a forked process and its parent store into the heaps before the child waits for its word to act, store by store.

Both are stopped where they come out of the fork. Their heaps are write-protected then, so that each store stops the process
that makes it and tells its address. For baseline.py; Linux on x86-64, root.
"""
import ctypes
import os
import signal
import struct

import child_trace
import rig

SYSCALL, GETEVENTMSG, GETSIGINFO, SYSGOOD, TRACEFORK, EVENT_FORK = 24, 0x4201, 0x4202, 1, 2, 1
MPROTECT, READ_ONLY, READ_WRITE = 10, 1, 3
READ, WAIT4 = 0, 61
# of siginfo_t, in bytes
SIGINFO_BYTES, FAULTS_ADDRESS = 128, 16


def fork(measured):
    """Has a rig.Measured fork that has told of its heap; returns the child's number. Both are traced and stopped then, the parent still in its call."""
    parent, child = measured.process.pid, ctypes.c_ulong()
    rig.settled(parent)
    child_trace.ptrace(child_trace.SEIZE, parent, SYSGOOD | TRACEFORK)
    measured.say()
    _, status = os.waitpid(parent, child_trace.WALL)
    assert status >> 16 == EVENT_FORK, hex(status)
    child_trace.ptrace(GETEVENTMSG, parent, ctypes.addressof(child))
    os.waitpid(child.value, child_trace.WALL)
    return child.value


def since_fork(python, heap, act, look):
    """([addresses that the child stores into, in order], [those of the parent]), each from the fork to where it waits; `look` is called with the
    child's number as it comes out of the fork and returns the [(start, end)] of which the stores are told, all of them mapped."""
    measured = rig.Measured(python, rig.compile_recipe({"heap": heap}, act)[0], None, 60, True)
    try:
        measured.hear("F")
        measured.child, parent = fork(measured), measured.process.pid
        heaps = look(measured.child)
        # to the end of its call, whose result would take the place of another's
        child_trace.ptrace(SYSCALL, parent)
        os.waitpid(parent, child_trace.WALL)
        return [Watch(pid, heaps).until(call) for pid, call in ((measured.child, READ), (parent, WAIT4))]
    finally:
        measured.close()


class Watch(object):
    """One process that stands at the end of the system call that forked it, or that it forked with."""

    def __init__(self, pid, heaps):
        self.pid, self.heaps, self.stores = pid, heaps, []
        self.instruction = self.registers()["rip"] - 2
        for lo, hi in heaps:
            self.protect(lo, hi - lo, READ_ONLY)

    def registers(self, **changed):
        registers = (ctypes.c_uint64 * len(child_trace.REGISTERS))()
        child_trace.ptrace(child_trace.GETREGS, self.pid, registers)
        for name, value in changed.items():
            registers[child_trace.REGISTERS.index(name)] = value & (1 << 64) - 1
        if changed:
            child_trace.ptrace(child_trace.SETREGS, self.pid, registers)
        return dict(zip(child_trace.REGISTERS, registers))

    def protect(self, start, size, access):
        child_trace.system_call(self.pid, MPROTECT, start, size, access, instruction=self.instruction)

    def until(self, call):
        """Goes on to where this system call is to be made. Those that the kernel stores for are reads."""
        while True:
            stopped = self.go(SYSCALL)
            if stopped == signal.SIGSEGV:
                self.store()
                continue
            assert stopped == signal.SIGTRAP | 0x80, stopped
            values = self.registers()
            if values["orig_rax"] == call:
                return self.stores
            if values["orig_rax"] == READ:
                self.read(values["rsi"], values["rdx"])
            else:
                self.go(SYSCALL)

    def read(self, buffer, size):
        pages = [page for page in range(buffer & -rig.PAGE, buffer + size, rig.PAGE) if self.watched(page)]
        # Not yet: it is called again when the kernel may store.
        self.registers(orig_rax=-1)
        self.go(SYSCALL)
        for page in pages:
            self.protect(page, rig.PAGE, READ_WRITE)
        self.registers(rip=self.registers()["rip"] - 2, rax=READ)
        self.go(SYSCALL)
        self.go(SYSCALL)
        end = buffer + self.registers()["rax"]
        for page in pages:
            self.stores += [max(page, buffer)] if page < end else []
            self.protect(page, rig.PAGE, READ_ONLY)

    def watched(self, address):
        return any(lo <= address < hi for lo, hi in self.heaps)

    def go(self, request):
        child_trace.ptrace(request, self.pid)
        _, status = os.waitpid(self.pid, child_trace.WALL)
        assert os.WIFSTOPPED(status), hex(status)
        return os.WSTOPSIG(status)

    def store(self):
        """Has the instruction done that was to store, on however many pages."""
        pages, stopped = [], signal.SIGSEGV
        while stopped == signal.SIGSEGV:
            info = ctypes.create_string_buffer(SIGINFO_BYTES)
            child_trace.ptrace(GETSIGINFO, self.pid, info)
            address, = struct.unpack_from("<Q", info, FAULTS_ADDRESS)
            assert self.watched(address), hex(address)
            self.stores.append(address)
            pages.append(address & -rig.PAGE)
            self.protect(pages[-1], rig.PAGE, READ_WRITE)
            stopped = self.go(child_trace.SINGLESTEP)
        assert stopped == signal.SIGTRAP, stopped
        for page in pages:
            self.protect(page, rig.PAGE, READ_ONLY)
