"""python3 -m unittest capture/test_baseline.py: the parts of the baseline's capture that are not read from memory."""
import gzip
import json
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import baseline
import child_trace
import loading
import rig
import test_rig

BASELINES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lab-app", "src", "main", "resources", "baseline")


class Calls(unittest.TestCase):
    def test_a_log_in_numbers(self):
        events = [(0x1000, 24, child_trace.ALLOC, 2), (0x2000, 32, child_trace.ALLOC, 2), (0x9000, 0, child_trace.FREE, 0),
                  (0x1000, 0, child_trace.FREE, 2), (0x3000, 64, child_trace.MOVED_TO, 2), (0x2000, 0, child_trace.MOVED_FROM, 2),
                  (0x1000, 24, child_trace.ALLOC, 2), (0x1000, 0, child_trace.FREE, 2)]
        self.assertEqual(child_trace.calls(events), ([24, 32, 0, -2, 64, -2, 24, -1], [0x9000]))
        self.assertEqual(baseline.differences([5, 7, 4]), [5, 2, -3])

    def test_what_the_c_library_serves(self):
        """A large block that is reallocated, wherever to, the linker's cleared one, a small block that keeps its place, and a request for nothing."""
        events = [(0xa0, 600, child_trace.ALLOC, 2), (0xb0, 700, child_trace.MOVED_TO, 2), (0xa0, 0, child_trace.MOVED_FROM, 2),
                  (0xb0, 650, child_trace.RESIZED, 2), (0xc0, 96, child_trace.ALLOC, child_trace.CLEARED), (0x10, 40, child_trace.ALLOC, 2),
                  (0x10, 44, child_trace.RESIZED, 2), (0xd0, 0, child_trace.ALLOC, 2), (0xb0, 0, child_trace.FREE, 2)]
        calls, freed, numbers, _ = loading.numbered(events, lambda address: True)
        resized, cleared = loading.RAW_SIZE + loading.RESIZED_SIZE, loading.RAW_SIZE + loading.CLEARED_SIZE
        self.assertEqual(calls, [600, resized + 700, -2, resized + 650, -2, cleared + 96, 40, loading.RAW_SIZE + 1, -4])
        self.assertEqual((freed, sorted(numbers)), ([], [0x10, 0xc0, 0xd0]))


class Exits(unittest.TestCase):
    def test_an_exit_frees_blocks_that_were_in_use(self):
        """Every block of a pool that the log says was there before is one that the pool has given out."""
        tested = 0
        for python in test_rig.interpreters():
            release, _, _, names = rig.describe(python)
            if "freeze" not in names or os.geteuid():
                continue
            for before_fork in ([], ["gc.freeze"], ["gc.disable"]):
                with self.subTest(python=python, before_fork=before_fork):
                    state = {}

                    def look(pid, before, after):
                        if after is None:
                            state["pools"] = baseline.heap_state(baseline.Memory(pid), release)[1]

                    rig.run_act(python, {"heap": [], "parent": {"before_fork": before_fork}}, "exit", 60, True, look)
                    calls, freed = baseline.exit_calls(python, [], before_fork)
                    at, addresses = 0, []
                    for difference in freed:
                        at += difference
                        addresses.append(at)
                    self.assertEqual(len(set(addresses)), len(addresses))
                    self.assertEqual(calls.count(0), len(addresses))
                    used, pools = set(), set(row[0] for row in state["pools"])
                    for pool, size_class, _, following, largest, free in state["pools"]:
                        blocks = range(pool + 48, pool + min(following, largest + 1), 16 * (size_class + 1))
                        used.update(set(blocks) - set(pool + offset for offset in free))
                    pool_bytes = 1 << 14 if release in ("3.10", "3.11", "3.12", "3.13") else 1 << 12
                    pooled = [a for a in addresses if a & -pool_bytes in pools]
                    self.assertGreater(len(pooled), 1000)
                    self.assertEqual([a for a in pooled if a not in used], [])
                    tested += 1
        if not tested:
            self.skipTest("needs root and a CPython from 3.7 on in ~/.pyenv")


class Room(unittest.TestCase):
    def test_the_free_lists_have_the_room_that_the_baselines_say(self):
        tested = 0
        for python in test_rig.interpreters():
            release, full, _, _ = rig.describe(python)
            path = os.path.join(BASELINES, release + ".json.gz")
            if release == "2.7" or os.geteuid() or not os.path.exists(path):
                continue
            with gzip.open(path, "rb") as f:
                state = json.loads(f.read().decode())
            if state["python_full"] != full:
                continue
            with self.subTest(python=python):
                room = baseline.exit_room(python, [], release, [row for row in baseline.DEAD if row[1] < 2])
                self.assertEqual([room[k] for k in ("list", "dict", "keys", "float")], [state["exit_room"][k] for k in ("list", "dict", "keys", "float")])
                self.assertEqual(room["tuple"][1], state["exit_room"]["tuple"][1])
                tested += 1
        if not tested:
            self.skipTest("needs root and an interpreter that a baseline is of")


class Loads(unittest.TestCase):
    def test_the_log_leads_from_the_heap_before_to_the_heap_after(self):
        """What was in use before and has not been freed, and what has been allocated and kept, is what is in use after."""
        tested = 0
        for python in test_rig.interpreters():
            release = rig.describe(python)[0]
            if release == "2.7" or release not in baseline.RELEASES or os.geteuid():
                continue
            for heap in [], [{"repeat": 0, "make": {"array": 1}}]:
                with self.subTest(python=python, heap=heap):
                    state, own, _ = baseline.memory_state(python, heap, release)
                    load = state["loading"]
                    before, after = used_blocks(load["pools"]), used_blocks(state["pools"])
                    freed, kept = sums(load["calls_freed"]), sums(load["kept"][1])
                    self.assertEqual(load["calls"].count(0), len(freed))
                    segment = state["malloc"]
                    pooled = [set(a for a in addresses if not segment["start"] <= a < segment["end"]) for addresses in (freed, kept)]
                    self.assertLessEqual(pooled[0], before)
                    self.assertEqual((before - pooled[0]) | pooled[1], after)
                    sizes = [c & loading.RESIZED_SIZE - 1 for c in load["calls"] if c > 0]
                    for number, address in zip(sums(load["kept"][0]), kept):
                        self.assertTrue(0 < sizes[number] <= own.size(address) < sizes[number] + (16 if address in pooled[1] else 48))
                    dead = set(block for _, blocks in load["dead_tuples"] for block in blocks)
                    self.assertLessEqual(dead, before)
                    self.assertIn("__init__", load["names"][0].split(" "))
                    marks = load["marks"]
                    self.assertTrue(marks["file"] < marks["code"] < marks["code_end"] < marks["build"] < marks["out"] < marks["fork"] < len(load["calls"]))
                    # the parent frees its word, a text of one byte, and forks
                    self.assertEqual(load["calls"][marks["fork"] - 2:marks["fork"]], [34, -1])
                    # that all stores are on these pages, and on no other, is asserted where they are logged
                    self.assertLessEqual(set(a >> 12 for a in sums(state["stored"])), set(state["private"]))
                    tested += 1
        if not tested:
            self.skipTest("needs root and a CPython from 3.6 on in ~/.pyenv")


def sums(differences):
    out, at = [], 0
    for difference in differences:
        at += difference
        out.append(at)
    return out


def used_blocks(pools):
    blocks = set()
    for pool, size_class, _, following, largest, free in pools:
        every = range(pool + 48, pool + min(following, largest + 1), 16 * (size_class + 1))
        blocks.update(set(every) - set(pool + offset for offset in free))
    return blocks


class FirstCollections(unittest.TestCase):
    def test_what_a_collection_takes_was_in_use_and_is_named_once(self):
        """That the garbage is as much as the collector says is asserted where it is told apart."""
        tested = 0
        for python in test_rig.interpreters():
            release, _, implementation, _ = rig.describe(python)
            if release not in baseline.RELEASES or release == "2.7" or implementation != "cpython" or os.geteuid():
                continue
            with self.subTest(python=python):
                state, blocks, _ = baseline.memory_state(python, [{"repeat": 0, "make": {"array": 1}}], release)
                first = state["first_collection"]
                dead = [a for k, v in first["dead"].items() for l in (v if k == "tuple" else [v]) for a in l]
                garbage = first["garbage"] + [a for _, a in first["kept"]]
                untracked = [a for l in first["untracked"].values() for a in l]
                named = dead + garbage + untracked
                self.assertEqual(len(set(named)), len(named))
                self.assertLessEqual(set(first["held"]), set(garbage))
                self.assertEqual([a for a in dead + garbage if blocks.block(a) != a], [])
                # what _debugmallocstats counts itself, but for what has died since
                for kind in ("list", "dict", "float"):
                    self.assertEqual(len(first["dead"][kind]), state["free_lists"][kind], kind)
                self.assertEqual(bool(garbage), release == "3.13")
                tested += 1
        if not tested:
            self.skipTest("needs root and a CPython from 3.6 on in ~/.pyenv")
