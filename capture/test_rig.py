"""python3 -m unittest capture/test_rig.py: the rig on the interpreters of this machine, on small recipes."""
import glob
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
import unittest.mock

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import rig

SMALL = json.loads("""
{"heap": [{"repeat": 20000, "make": {"list": [{"int": 1000}, {"float": 0.5}]}, "every": 10,
           "also": {"make": {"cycle": 2}, "keep": false}}],
 "parent": {"before_heap": [], "before_fork": []}, "acts": ["nothing", "iterate", "drop", "exit"]}""")


def interpreters():
    found = glob.glob(os.path.expanduser("~/.pyenv/versions/*/bin/python"))
    return found or [p for p in [shutil.which("python3")] if p]


class Options(unittest.TestCase):
    def test_an_unknown_option_is_one_line(self):
        here = os.path.dirname(os.path.abspath(__file__))
        for script in ("rig.py", "preforklab_capture.py", "service.py", "baseline.py"):
            done = subprocess.run([sys.executable, os.path.join(here, script), "--nope"], stderr=subprocess.PIPE, text=True)
            self.assertEqual(done.returncode, 2, script)
            self.assertRegex(done.stderr, r"\A%s: .*\n\Z" % script)


    def test_what_is_no_interpreter_is_named(self):
        here = os.path.dirname(os.path.abspath(__file__))
        with tempfile.NamedTemporaryFile("w", suffix=".json") as f:
            json.dump(SMALL, f)
            f.flush()
            for script, arguments in (("rig.py", [f.name]), ("baseline.py", ["--out", f.name])):
                if script == "baseline.py" and os.geteuid():
                    continue  # says that it needs root
                for python, reason in (("/nowhere/python", "No such file"), ("/bin/true", "is no Python")):
                    done = subprocess.run(
                        [sys.executable, os.path.join(here, script)] + arguments + ["--python", python], stderr=subprocess.PIPE, text=True)
                    self.assertEqual(done.returncode, 2, script)
                    self.assertRegex(done.stderr, r"\A%s: --python %s: %s.*\n\Z" % (script, python, reason))
            for script, arguments in (("rig.py", [f.name, "--json", "/nowhere/x"]), ("baseline.py", ["--python", sys.executable, "--out", "/nowhere/x"])):
                done = subprocess.run([sys.executable, os.path.join(here, script)] + arguments, stderr=subprocess.PIPE, text=True)
                self.assertEqual(done.returncode, 2, script)
                self.assertRegex(done.stderr, r"\A%s: --\w+ /nowhere/x: its directory does not exist.*\n\Z" % script)

    def test_fixed_addresses_that_are_not_permitted_are_refused(self):
        with unittest.mock.patch.object(rig, "fixed_addresses_permitted", lambda: False), \
                unittest.mock.patch("sys.stderr", io.StringIO()) as errors, self.assertRaises(SystemExit) as end:
            rig.main(["recipe.json", "--fixed-addresses"])
        self.assertEqual(end.exception.code, 2)
        self.assertRegex(errors.getvalue(), r"\A[^\n]*: --fixed-addresses: not permitted here;[^\n]*\n\Z")

    def test_an_interpreter_that_hangs_is_given_up(self):
        with tempfile.TemporaryDirectory() as folder:
            fake = os.path.join(folder, "python")
            with open(fake, "w") as f:
                f.write("#!/bin/sh\nexec sleep 60\n")
            os.chmod(fake, 0o755)
            with self.assertRaisesRegex(rig.InterpreterError, "no answer within 1 s"):
                rig.describe(fake, 1)


class Compiling(unittest.TestCase):
    def test_an_error_names_the_key(self):
        for recipe, key in (
                ({"act": "nothing", "heat": []}, "recipe.heat"),
                ({"act": "nothing", "heap": [{"make": {"int": "x"}}]}, r"heap\[0\].make.int"),
                ({"act": "fly"}, "act"),
                ({"act": []}, "act: a list of acts needs one"),
                ({"act": ["exit", "nothing"]}, r"act\[1\]")):
            with self.assertRaisesRegex(rig.RecipeError, key):
                rig.compile_recipe(recipe, recipe["act"])

    def test_a_long_of_2_7_is_a_whole_number(self):
        for python in interpreters():
            with self.subTest(python=python), tempfile.NamedTemporaryFile("w", suffix=".json") as f:
                f.write('{"heap": [{"make": {"int": 18446744073709551616}}], "act": "nothing"}')
                f.flush()
                source = subprocess.check_output([python, os.path.join(os.path.dirname(rig.__file__), "rig.py"), "--source", f.name])
                self.assertIn(b"i + 18446744073709551616", source)

    def test_source_is_python(self):
        for act in SMALL["acts"]:
            compile(rig.compile_recipe(SMALL, act)[0], "recipe", "exec")


class Repeating(unittest.TestCase):
    def test_the_run_in_the_middle_is_told(self):
        runs = [{"share_ratio": s, "pages_copied": 5, "minor_faults": 9} for s in (0.77, 0.763, 0.768, 0.771, 0.764)]
        self.assertEqual(rig.median(runs)["share_ratio"], 0.768)
        ends = [{"share_ratio": None, "pages_copied": None, "minor_faults": n} for n in (500, 520, 480)]
        self.assertEqual(rig.median(ends)["minor_faults"], 500)


class Running(unittest.TestCase):
    def test_without_random_addresses_runs_are_the_same(self):
        if not rig.fixed_addresses_permitted() or not os.access("/proc/self/pagemap", os.R_OK):
            self.skipTest("addresses without randomisation are not permitted here, or there is no /proc/PID/pagemap")
        for python in interpreters():
            with self.subTest(python=python):
                runs = [rig.run_recipe(SMALL, python, 60, fixed_addresses=True)["acts"] for _ in range(2)]
                for act, again in zip(*runs):
                    keys = ["pages_present_before", "pages_copied", "minor_faults", "share_ratio"]
                    if act["act"] == "exit":
                        keys.remove("share_ratio")  # of a process that is going, taken at some moment of its end
                    self.assertEqual([act[k] for k in keys], [again[k] for k in keys], act["act"])

    def test_reading_copies_the_pages_of_what_is_read(self):
        pythons = interpreters()
        if not pythons or not os.access("/proc/self/pagemap", os.R_OK):
            self.skipTest("no interpreter, or no /proc/PID/pagemap: nothing was measured")
        for python in pythons:
            with self.subTest(python=python):
                nothing, iterate, drop, leave = rig.run_recipe(SMALL, python, 60)["acts"]
                self.assertLess(nothing["pages_copied"], 30)
                # 20,000 lists stand in blocks of 56 to 80 bytes.
                self.assertGreater(iterate["pages_copied"], 250)
                self.assertLess(iterate["pages_copied"], 700)
                self.assertGreater(drop["minor_faults"], iterate["minor_faults"])
                self.assertGreater(leave["minor_faults"], drop["minor_faults"])

    def test_a_child_that_fails_is_heard(self):
        for python in interpreters():
            with self.subTest(python=python):
                with self.assertRaisesRegex(rig.RigError, "child ended with status .*TypeError"):
                    rig.run_act(python, {"heap": [{"repeat": 1, "make": {"str": 4}}]}, "sum", 60)


if __name__ == "__main__":
    unittest.main()
