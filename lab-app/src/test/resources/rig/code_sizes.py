"""Prints what RecipeCompilerTest holds the lab against: of each recipe and act here the bytes of the file that a real interpreter makes of its
code, and how many of the objects in it are marked for others to refer to.

    for v in ...; do pythonV code_sizes.py; done > code_sizes.csv

For 3.6 to 3.13. What an object is marked by is read from the file: the top bit of its type.
"""
import glob
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, *[".."] * 5 + ["capture"]))
import rig  # noqa: E402

MARK = 128
# What a code object's numbers are before its parts.
NUMBERS = 6 if (3, 8) <= sys.version_info < (3, 11) else 5


class Marks(object):
    """Reads a file as marshal does, and counts."""

    def __init__(self, data):
        self.data, self.at, self.count = data, 0, 0
        self.object()
        assert self.at == len(data)

    def number(self, format="<i"):
        self.at += struct.calcsize(format)
        return struct.unpack_from(format, self.data, self.at - struct.calcsize(format))[0]

    def object(self):
        kind = self.number("<B")
        self.count += kind >= MARK
        kind = chr(kind % MARK)
        if kind in "ir":
            self.at += 4
        elif kind == "g":
            self.at += 8
        elif kind in "lzZsaAtu":
            length = self.number("<B" if kind in "zZ" else "<i")
            self.at += 2 * abs(length) if kind == "l" else length
        elif kind in "()":
            for _ in range(self.number("<B" if kind == ")" else "<i")):
                self.object()
        elif kind == "c":
            self.at += 4 * NUMBERS
            for _ in range(8):
                self.object()
            self.at += 4
            for _ in range(1 if sys.version_info < (3, 11) else 2):
                self.object()
        else:
            assert kind in "NTF", kind


def compiled(source, folder):
    """The file, made by a process of its own as rig.py does: what it marks hangs on what the process knows."""
    names = [os.path.join(folder, n) for n in ("compile.py", "source.py", "code")]
    for name, content in zip(names, (rig.COMPILE, source)):
        with open(name, "w") as f:
            f.write(content)
    subprocess.check_call([sys.executable, "-S"] + names, env={"PYTHONHASHSEED": "0"}, cwd="/")
    with open(names[2], "rb") as f:
        return f.read()


folder = tempfile.mkdtemp()
for name in sorted(glob.glob(os.path.join(HERE, "recipes", "*.json"))):
    with open(name) as f:
        recipe = json.load(f)
    sizes = []
    for number, act in enumerate(recipe["acts"]):
        source = rig.compile_recipe(recipe, act)[0]
        if sys.version_info >= (3, 7) or "gc.freeze" not in source and "gc.unfreeze" not in source:
            data = compiled(source, folder)
            sizes.append("%d:%d:%d" % (number, len(data), Marks(data).count))
    if sizes:
        print("%s,%d.%d,%s" % (os.path.basename(name)[:-5], sys.version_info[0], sys.version_info[1], " ".join(sizes)))
shutil.rmtree(folder)
