"""python3 -m unittest test_service    (in capture/; the run of a service is skipped without uWSGI and Django)"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

import service

SCRIPT = os.path.abspath(service.__file__)


class Inputs(unittest.TestCase):
    def test_path_of_a_request(self):
        self.assertEqual(service.request_path("/item/{n*37}/", 12), "/item/444/")
        self.assertEqual(service.request_path("/search/?q={n}&lo=1", 12), "/search/?q=12&lo=1")
        self.assertEqual(service.request_path("/people/{n/10+1}/", 28), "/people/3/")

    def test_bad_input_is_one_line_and_exit_2(self):
        for arguments, word in ((["--gc", "warm"], "warm"), (["--workers", "0"], "--workers"),
                                (["--requests-file", "/nonexistent"], "/nonexistent"),
                                (["--gc", "threshold=1,2"], "threshold=1,2")):
            done = subprocess.run([sys.executable, SCRIPT] + arguments, capture_output=True, text=True)
            self.assertEqual(done.returncode, 2)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
            self.assertIn(word, done.stderr)


def debian_has_django():
    # uWSGI's plugin embeds Debian's interpreter, whatever runs this test
    return (os.path.exists("/usr/bin/python3")
            and subprocess.run(["/usr/bin/python3", "-c", "import django"], stderr=subprocess.DEVNULL).returncode == 0)


@unittest.skipUnless(shutil.which("uwsgi") and debian_has_django(), "needs uWSGI and Django")
class Run(unittest.TestCase):
    def test_every_request_is_counted_and_the_collector_stays_off(self):
        with tempfile.TemporaryDirectory() as directory:
            out = os.path.join(directory, "out.json")
            done = subprocess.run([sys.executable, SCRIPT, "--gc", "disabled", "--requests", "40", "--json", out],
                                  capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
            with open(out) as f:
                setting = json.load(f)["settings"][0]
        self.assertEqual(setting["statuses"], {"200": 40})
        self.assertEqual([sum(c["served"]) for c in setting["checkpoints"]], [0, 4, 20, 40])
        self.assertEqual(setting["gc_collections"], [0, 0, 0])


if __name__ == "__main__":
    unittest.main()
