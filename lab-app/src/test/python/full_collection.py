"""PYTHON full_collection.py [SHAPE [REPEATS]]: CPU milliseconds of a full collection of 1,000,000 tracked objects.

The same heaps as FullCollectionBenchmark builds in the simulated interpreter:
local   instances with four slots, which refer to the two made before, an int and None
random  the same, but the second reference goes to any other instance
lists   lists of an int and the list made before
"""
import gc
import sys
import time

N = 1000000


class Node(object):
    __slots__ = ("f0", "f1", "f2", "f3")


def build(shape):
    out = []
    last = None
    before = None
    seed = 12345
    for i in range(N):
        if shape == "lists":
            node = [i, last]
        else:
            node = Node()
            node.f0 = last
            node.f1 = before
            node.f2 = i
            node.f3 = None
            before = last
        last = node
        out.append(node)
    if shape == "random":
        for node in out:
            seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
            node.f1 = out[seed % N]
    return out


def main():
    shape = sys.argv[1] if len(sys.argv) > 1 else "local"
    repeats = int(sys.argv[2]) if len(sys.argv) > 2 else 10
    clock = getattr(time, "process_time", time.clock if sys.version_info < (3,) else None)
    gc.disable()
    heap = build(shape)
    gc.collect()
    times = []
    for _ in range(repeats):
        start = clock()
        gc.collect()
        times.append(1000 * (clock() - start))
    times.sort()
    print("%s %s: %.0f ms median, %.0f ms best of %d (%d objects)"
          % (sys.version.split()[0], shape, times[len(times) // 2], times[0], repeats, len(heap)))


main()
