"""Compiles alloc_trace.c and writes its machine code into preforklab_capture.py: python build_alloc_trace.py [--check]

--check compares instead: ends with 0 if the embedded code is what this machine's gcc makes of the source, with 1 if
not. Another gcc may choose other instructions; the header comment of the embedded block names the one that was used.
"""
import base64
import os
import re
import subprocess
import sys
import tempfile
import textwrap

import child_trace
import preforklab_capture

HERE = os.path.dirname(os.path.abspath(__file__))
FLAGS = ["-O2", "-fPIC", "-ffreestanding", "-fno-stack-protector", "-fno-asynchronous-unwind-tables", "-fcf-protection=none",
         "-fno-tree-vectorize", "-mgeneral-regs-only", "-Wall", "-Wextra", "-Werror",
         "-DSTATE_WORDS=%d" % preforklab_capture.Tracer.STATE_WORDS, "-DRESIZES=%d" % child_trace.RESIZES]
NAMES = ("trace_malloc", "trace_calloc", "trace_realloc", "trace_free")


def gcc_version():
    out = subprocess.check_output(["gcc", "-dumpfullversion"]).decode().strip()
    return "gcc %s" % out


def build():
    """Returns (machine code, {function name: offset}); raises if the object file needs anything from outside."""
    with tempfile.TemporaryDirectory() as d:
        obj, raw = os.path.join(d, "a.o"), os.path.join(d, "a.bin")
        subprocess.check_call(["gcc"] + FLAGS + ["-c", os.path.join(HERE, "alloc_trace.c"), "-o", obj])
        relocations = subprocess.check_output(["objdump", "-r", obj]).decode()
        if "R_X86" in relocations:
            raise SystemExit("alloc_trace.c: the compiled code has relocations:\n" + relocations)
        subprocess.check_call(["objcopy", "-O", "binary", "-j", ".text", obj, raw])
        symbols = subprocess.check_output(["nm", obj]).decode().splitlines()
        offsets = {}
        for s in symbols:
            at, _, name = s.split()
            if name in NAMES:
                offsets[name] = int(at, 16)
        with open(raw, "rb") as f:
            return f.read(), offsets


def block(code, offsets):
    lines = textwrap.wrap(base64.b64encode(code).decode(), 100)
    return ("# --- machine code of alloc_trace.c, x86-64, %s; written by build_alloc_trace.py\n" % gcc_version()
            + "TRACE_OFFSETS = (%s)  # malloc, calloc, realloc, free\n" % ", ".join(str(offsets[n]) for n in NAMES)
            + "TRACE_CODE = (\n" + "".join('    "%s"\n' % x for x in lines) + ")\n# --- end of machine code\n")


def main():
    path = os.path.join(HERE, "preforklab_capture.py")
    with open(path) as f:
        text = f.read()
    pattern = re.compile(r"# --- machine code of alloc_trace\.c.*?# --- end of machine code\n", re.S)
    made = block(*build())
    if "--check" in sys.argv:
        sys.exit(0 if pattern.search(text).group(0) == made else 1)
    with open(path, "w") as f:
        f.write(pattern.sub(lambda m: made, text))


if __name__ == "__main__":
    main()
