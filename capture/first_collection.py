"""What the first full collection of a bare interpreter takes: dead objects, cyclic garbage, and tuples and dicts out of sight.

The interpreter's start, and more so the import of a module, leave objects that no longer matter: dead ones on free lists,
which a full collection gives back; cycles of functions and classes that nothing leads to any more; tuples and dicts that
the collector still visits, though their content can never be part of a cycle. All this is read from one run whose act
is gc.collect: the memory before it, the calls to the allocators in it and the collector's lists after it. For baseline.py.
"""
import os
import subprocess

import child_trace
import rig

# Longest tuple that dies onto a free list, by any release.
TUPLE_LENGTH_MAX = 20
# struct _typeobject and _heaptypeobject of 3.13, in bytes
TYPE_WEAK_REFERENCES, TYPE_SLOT_NAMES = 368, 864


def code_type(python):
    """The address of the type of code objects, which the collector does not know."""
    out = subprocess.check_output(
        [python, "-S", "-c", "print(id(type((lambda: 0).__code__)))"], env={"PYTHONHASHSEED": "0"},
        preexec_fn=rig.no_random_addresses)
    return int(out)


class FirstCollection(object):
    """One run's log, and what it says of the memory before."""

    def __init__(self, python, head, types):
        """`head` is the size of a GC head; `types` has the addresses of tuple, list, dict and type."""
        self.tables = child_trace.allocators(python)
        self.code = code_type(python)
        self.head, self.types = head, dict((types[n], n) for n in ("tuple", "list", "dict"))
        self.types_type = types["type"]
        self.trace = self.memory = self.lists = self.blocks = None
        self.events = self.lists_after = None

    def before(self, pid, memory, lists, blocks):
        """The child waits to collect: reads nothing itself, but begins to log."""
        self.memory, self.lists, self.blocks = memory, lists, blocks
        child_trace.ptrace(child_trace.SEIZE, pid)
        self.trace = child_trace.ChildTrace(pid, self.tables, memory)

    def after(self, pid, lists):
        """The child has collected."""
        self.events = self.trace.read()
        child_trace.ptrace(child_trace.INTERRUPT, pid)
        os.waitpid(pid, child_trace.WALL)
        child_trace.ptrace(child_trace.DETACH, pid)
        self.lists_after = lists

    def word(self, address):
        return self.memory.word(address) if self.memory.has(address) else 0

    def container(self, block):
        """Name of the exact builtin type of a block that is a GC object; None for others."""
        return self.types.get(self.word(block + self.head + 8))

    def length(self, block):
        return self.word(block + self.head + 16)

    def dies_onto_list(self, block):
        kind = self.container(block)
        return kind is not None and (kind != "tuple" or 0 < self.length(block) <= TUPLE_LENGTH_MAX)

    def describe(self, keys, collected):
        """The part of the baseline.

        `keys` is how many dead key tables the interpreter says to have (0 also where it does not say), `collected` what
        it says that the collection found.
        """
        _, freed = child_trace.calls(self.events)
        # The first is what the child has read from its standard input: its word to go on.
        freed = [a for a in freed[1:] if self.blocks.block(a) == a]
        tracked = set(h for l in self.lists for h in l)
        dead = {"tuple": [[] for _ in range(TUPLE_LENGTH_MAX + 1)], "list": [], "dict": [], "float": [], "keys": [], "other": []}
        garbage, kept, tables = [], [], []
        last_dict = max([i for i, a in enumerate(freed) if self.container(a) == "dict"] + [-1])
        for i, a in enumerate(freed):
            kind = self.container(a)
            if self.dies_onto_list(a):
                if self.word(a + self.head):
                    kept.append(a)
                elif kind == "tuple":
                    dead["tuple"][self.length(a)].append(a)
                else:
                    dead[kind].append(a)
            elif i > last_dict >= 0:
                tables.append(a)
            elif self.word(a):
                garbage.append(a)
            elif self.blocks.size(a) == 32:
                dead["float"].append(a)
            else:
                dead["other"].append(a)
        # The tables of dead dicts come first onto their list and last from it.
        own = keys if collected else len(tables)
        dead["keys"] = tables[len(tables) - own:]
        if not collected:
            garbage, kept = [], []  # single objects that a dead frame has held
        died = set(garbage) | set(kept)
        held = self.held(garbage, kept)
        found = [a for a in garbage + kept if a in tracked and a not in held]
        assert len(found) == collected, (len(found), collected)
        kept.reverse()  # who dies last is the first of its list
        rows = [[-3, a] for a in reversed(tables[:len(tables) - own])]
        rows += [[self.length(a) if self.container(a) == "tuple" else -1 if self.container(a) == "dict" else -2, a] for a in kept]
        gone = tracked - set(h for l in self.lists_after for h in l) - died
        untracked = dict((n, sorted(a for a in gone if self.container(a) == n)) for n in ("tuple", "dict"))
        assert len(gone) - sum(map(len, untracked.values())) <= (not collected), "neither tuples nor dicts"
        return {"dead": dead, "garbage": garbage, "kept": rows, "held": sorted(held), "untracked": untracked}

    def held(self, garbage, kept):
        """The objects that the collector takes to be reachable, as it does not see who holds them.

        That are tuples of code objects, which it does not know, with the tuples in them; the names of a class's slots,
        which the type does not show it; and weak references to a class, which its base holds as long as the class lives.
        """
        def words(block):
            return [self.word(block + i) for i in range(0, self.blocks.size(block), 8)]

        inside = set(a + self.head for a in garbage + kept)
        tuples = set(a + self.head for a in kept if self.container(a) == "tuple")
        classes = [a + self.head for a in garbage if self.word(a + self.head + 8) == self.types_type]
        out = set(self.word(c + TYPE_WEAK_REFERENCES) for c in classes) & inside
        reached = set(self.word(c + TYPE_SLOT_NAMES) for c in classes)
        for a in garbage:
            if self.word(a + 8) == self.code:
                reached.update(words(a))
        reached &= tuples
        while reached:
            out |= reached
            reached = set(w for o in reached for w in words(o - self.head)) & tuples - out
        return set(o - self.head for o in out)
