"""python3 -m unittest capture/test_replay.py: what replay.py says to files that are no traces, in the interpreters of this machine."""
import glob
import json
import os
import random
import shutil
import subprocess
import tempfile
import unittest

REPLAY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "replay.py")
GOOD = ('{"family":"pure","slots":4,"ops":[["nop"],["collect",2],["new",1],["link",1,0,1],["chain",2,40],["cycle",3,2],'
        '["burst",5],["thr",0,10,10],["drop",1],["collect",1]]}')
BROKEN = {
    b"": "Expecting|No JSON",
    b"[1]": "not a trace",
    b"\xff\xfe\x00": "codec|Expecting|No JSON",
    b"[" * 500000: "too deep",
    b'{"family":"other","slots":1,"ops":[]}': 'family: "other" is not known',
    b'{"family":"pure","slots":' + b"9" * 100000 + b',"ops":[]}': "a number of 100000 digits",
    b'{"family":"pure","slots":true,"ops":[]}': "slots: must be a whole number from 1 to 100000, not true",
    b'{"family":"pure","slots":4,"ops":{}}': "ops: must be a list",
    b'{"family":"pure","slots":4,"ops":[["nop"],["jump"]]}': r'ops\[1\]: unknown operation "jump"',
    b'{"family":"pure","slots":4,"ops":[["new"]]}': r"ops\[0\]: new takes 1 numbers, not 0",
    b'{"family":"pure","slots":4,"ops":[["new",4]]}': r"ops\[0\]: new: 4 is not a whole number from 0 to 3",
    b'{"family":"pure","slots":4,"ops":[["link",1,0,1]]}': r"ops\[0\]: slot 1 does not hold a N",
    b'{"family":"pure","slots":4,"ops":[' + b",".join([b'["cycle",1000,1000]'] * 501) + b"]}": "more than 500000000 objects",
}


def interpreters():
    found = glob.glob(os.path.expanduser("~/.pyenv/versions/*/bin/python"))
    return sorted(found) or [p for p in [shutil.which("python3")] if p]


def replay(python, content):
    """Status, output and errors of a replay of a file with this content."""
    with tempfile.NamedTemporaryFile(suffix=".json") as f:
        f.write(content)
        f.flush()
        p = subprocess.run([python, "-E", "-S", REPLAY, f.name], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
        return p.returncode, p.stdout, p.stderr.decode("utf-8", "replace"), f.name


class Refusing(unittest.TestCase):
    def assertRefused(self, answer, what=""):
        status, out, errors, name = answer
        self.assertEqual((status, out), (2, b""), errors)
        self.assertRegex(errors, "^replay.py: %s: .*(%s).*\n$" % (name, what))

    def test_broken_traces_in_one_line(self):
        for python in interpreters():
            for content, what in BROKEN.items():
                with self.subTest(python=python, content=content[:60]):
                    self.assertRefused(replay(python, content), what)

    def test_good_traces_are_replayed(self):
        for python in interpreters():
            with self.subTest(python=python):
                status, out, errors, _ = replay(python, GOOD.encode())
                self.assertEqual((status, errors), (0, ""))
                self.assertEqual(len(json.loads(out.decode())["rows"]), 10)

    def test_damaged_traces_are_refused_or_replayed(self):
        seed = int(os.environ.get("PROPERTY_SEED") or random.randrange(1 << 30))
        r = random.Random(seed)
        for i in range(60):
            b = bytearray(GOOD.encode())
            for _ in range(r.randint(1, 3)):
                at = r.randrange(len(b))
                b[at:at + r.randint(0, 2)] = bytes(r.choice(b'{}[]",:0129-e\x00\xff') for _ in range(r.randint(0, 2)))
            with self.subTest(seed=seed, content=bytes(b)):
                answer = replay(r.choice(interpreters()), bytes(b))
                if answer[0] != 0:
                    self.assertRefused(answer)

    def test_a_device_without_end(self):
        python = interpreters()[-1]
        p = subprocess.run([python, "-E", "-S", REPLAY, "/dev/zero"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
        self.assertEqual((p.returncode, p.stderr), (2, b"replay.py: /dev/zero: is over 256 MiB, too long for a trace\n"))


if __name__ == "__main__":
    unittest.main()
