"""Carries out system calls and accesses in real processes and says what the kernel makes of them.

One JSON command a line on standard input, one JSON answer a line on standard output:
  {"op": "start", "anon": pages, "file": pages}    process 0 maps both; answers their page numbers
  {"op": "read" | "write", "who": n, "region": "anon" | "file", "pages": [index, ...]}
  {"op": "remap", "who": n, "pages": pages}        gives the anonymous mapping another length (mremap)
  {"op": "fork", "who": n, "child": m}
  {"op": "exit", "who": n}
An answer holds the minor faults of the step and, for each process that lives, the smaps figures of
both mappings in KiB, read from outside.
"""
import gc
import json
import mmap
import os
import resource
import signal
import sys
import tempfile

PAGE = mmap.PAGESIZE
PROCESSES = 8
LONGEST_SECONDS = 60  # then every process ends by itself


def touch(region, pages, write):
    if write:
        for p in pages:
            region[p * PAGE] = 1
    else:
        for p in pages:
            region[p * PAGE]


def faults(before, after):
    """All of them: one that had to wait for a lock and was tried again counts as a major one (mm_account_fault)."""
    return after.ru_minflt - before.ru_minflt + after.ru_majflt - before.ru_majflt


def resize(region, lengths, answer):
    before = resource.getrusage(resource.RUSAGE_SELF)
    for pages in lengths:
        region.resize(pages * PAGE)
    after = resource.getrusage(resource.RUSAGE_SELF)
    answer["faults"] = faults(before, after)


def serve(me, pipes):
    """A process that does what it is told."""
    signal.alarm(LONGEST_SECONDS)
    regions = {}
    dummy = mmap.mmap(-1, PAGE, flags=mmap.MAP_PRIVATE)
    while True:
        command = json.loads(pipes[me][0].readline())
        answer = {}
        if command["op"] == "start":
            anon = mmap.mmap(-1, command["anon"] * PAGE, flags=mmap.MAP_PRIVATE,
                             prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)  # merges with no other
            if hasattr(mmap, "MADV_NOHUGEPAGE"):
                anon.madvise(mmap.MADV_NOHUGEPAGE)
            with tempfile.NamedTemporaryFile(prefix="lab-mapped-") as f:
                for _ in range(command["file"]):
                    os.write(f.fileno(), b"\0" * PAGE)  # one by one, lest the page cache makes large folios
                os.fsync(f.fileno())
                regions = {"anon": anon, "file": mmap.mmap(f.fileno(), 0, flags=mmap.MAP_PRIVATE)}
            gc.disable()
        elif command["op"] == "fork":
            pid = os.fork()
            if pid == 0:
                me = command["child"]
                signal.alarm(LONGEST_SECONDS)
                continue
            answer["pid"] = pid
        elif command["op"] == "remap":
            resize(dummy, [2, 1], answer)  # what the interpreter itself copies
            resize(regions["anon"], [command["pages"]], answer)
        elif command["op"] == "exit":
            os._exit(0)
        else:
            region, write = regions[command["region"]], command["op"] == "write"
            touch(dummy, [0] * len(command["pages"]), write)  # what the interpreter itself copies
            for measured in (False, True):
                before = resource.getrusage(resource.RUSAGE_SELF)
                touch(region if measured else dummy, command["pages"] if measured else [0], write)
                after = resource.getrusage(resource.RUSAGE_SELF)
                answer["faults"] = faults(before, after)
        pipes[me][1].write(json.dumps(answer) + "\n")
        pipes[me][1].flush()


def smaps(pid):
    found, name = {}, None
    with open("/proc/%d/smaps" % pid) as f:
        for line in f:
            words = line.split()
            if not words[0].endswith(":"):
                name = None
                if "lab-mapped-" in line:
                    name = "file"
                elif words[1] == "rwxp":
                    name = "anon"
                if name:
                    found.setdefault(name, {"start": int(words[0].split("-")[0], 16) // PAGE})
            elif name and words[-1] == "kB":
                figure = words[0][:-1]
                found[name][figure] = found[name].get(figure, 0) + int(words[1])
    return found


def main():
    signal.alarm(LONGEST_SECONDS)
    commands, answers = [os.pipe() for _ in range(PROCESSES)], [os.pipe() for _ in range(PROCESSES)]
    first = os.fork()
    if first == 0:
        sys.stdin.close()
        serve(0, [(os.fdopen(c[0]), os.fdopen(a[1], "w")) for c, a in zip(commands, answers)])
    to = [os.fdopen(c[1], "w") for c in commands]
    back = [os.fdopen(a[0]) for a in answers]
    alive = {0: first}
    for line in sys.stdin:
        command = json.loads(line)
        who = command.get("who", 0)
        to[who].write(line)
        to[who].flush()
        if command["op"] == "exit":
            pid = alive.pop(who)
            answer = {}
            while os.path.exists("/proc/%d" % pid):
                with open("/proc/%d/stat" % pid) as f:
                    if f.read().rsplit(")", 1)[1].split()[0] == "Z":
                        break
        else:
            answer = json.loads(back[who].readline())
            if command["op"] == "fork":
                alive[command["child"]] = answer["pid"]
        answer["smaps"] = dict((str(k), smaps(pid)) for k, pid in alive.items())
        print(json.dumps(answer))
        sys.stdout.flush()
    for who in alive:
        to[who].write('{"op": "exit"}\n')
        to[who].flush()


main()
