"""python3 -m unittest test_service    (in capture/; the run of a service is skipped without uWSGI and Django)"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

import service
import service_table

SCRIPT = os.path.abspath(service.__file__)
GOLDEN = os.path.join(os.path.dirname(SCRIPT), os.pardir, "lab-app", "src", "test", "resources", "dev", "preforklab",
                      "prefork", "django_site_services.csv")


class Inputs(unittest.TestCase):
    def test_a_request_as_it_is_sent(self):
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as f:
            f.write("# comment\nGET /item/{n*37 % 400}/ weight=2\nPOST /book?x={n} type=a/b body=e={n+1}\n")
            f.flush()
            requests = service.read_requests(f.name)
        self.assertEqual(service.message(requests, 12),
                         b"GET /item/44/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        self.assertEqual(service.message(requests, 3),
                         b"POST /book?x=3 HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
                         b"Content-Type: a/b\r\nContent-Length: 3\r\n\r\ne=4")

    def test_whose_a_served_path_was(self):
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as f:
            f.write("GET /\nGET /item/{n*10}/\nGET /%C3%A4/\n")
            f.flush()
            endpoints = service.Endpoints(service.read_requests(f.name), 9)
        self.assertEqual(endpoints.of([b"/item/40/", b"/", "/\u00e4/".encode(), b"/"]), [1, 0, 2, 0])
        self.assertEqual(endpoints.of([]), [])
        self.assertEqual([endpoints.of([b"/other/"]), endpoints.of([b"/"])], [None, None])

    def test_bad_input_is_one_line_and_exit_2(self):
        for arguments, word in ((["--gc", "warm"], "warm"), (["--workers", "0"], "--workers"),
                                (["--requests-file", "/nonexistent"], "/nonexistent"),
                                (["--gc", "threshold=1,2"], "threshold=1,2"), (["--app", "a b:c"], "a b:c")):
            done = subprocess.run([sys.executable, SCRIPT] + arguments, capture_output=True, text=True)
            self.assertEqual(done.returncode, 2)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
            self.assertIn(word, done.stderr)

    def test_why_a_server_ended(self):
        self.assertEqual(service.reason("starting\nbind(): Address already in use\n"), "bind(): Address already in use")
        self.assertEqual(service.reason(
            "Traceback (most recent call last):\n  File 'a', line 1\nKeyError: 'k'\n\n"
            "During handling of the above exception, another exception occurred:\n\n"
            "Traceback (most recent call last):\n  File 'b', line 2\n    import x\nImportError: no x\n"
            "*** no app loaded. GAME OVER ***\n"), "ImportError: no x")
        self.assertEqual(service.reason(""), "no output")

    def test_a_server_that_is_not_there(self):
        done = subprocess.run([sys.executable, SCRIPT], capture_output=True, text=True, env={"PATH": "/nonexistent"})
        self.assertEqual((done.returncode, done.stderr), (2, "service.py: uwsgi is not installed\n"))


def running(word):
    """The processes with a word in their command line."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % pid, "rb") as f:
                if word.encode() in f.read():
                    found.append(int(pid))
        except OSError:
            pass
    return found


def result(shared=.5, pss=40000000, faults=10000, collections=(100, 10, 4), inherited=0, gc="freeze", workers=4):
    """A made-up result with checkpoints at 0 and 4 requests."""
    def checkpoint(requests, faults, collections):
        return {"requests": requests, "shared_ratio": shared, "rss_bytes": 61440000, "pss_bytes": pss,
                "uss_bytes": 30720000, "faults": faults, "gc_collections": list(collections), "served": [requests // 4] * 4,
                "endpoints": [[k] * (requests // 4) for k in (0, 9, 10, 35)]}

    return {"server": "uwsgi", "workers": workers, "settings": [{"gc": gc, "checkpoints": [
        checkpoint(0, inherited, (0, 0, 0)), checkpoint(4, inherited + faults, collections)]}]}


class BesideTheLab(unittest.TestCase):
    """Against a real .5, 40 MB, 10,000 faults and 100, 10, 4 collections."""

    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.directory = holder.name

    def file(self, name, content):
        path = os.path.join(self.directory, name)
        with open(path, "w") as out:
            out.write(content if isinstance(content, str) else json.dumps(content))
        return path

    def compare(self, lab, real=None):
        return subprocess.run(
            [sys.executable, SCRIPT, "--real", self.file("real.json", real or result()), "--lab",
             self.file("lab.json", lab)], capture_output=True, text=True)

    def test_all_cells_at_the_edge_of_their_bounds(self):
        for lab in (result(), result(.53, 42400000, 11000, (105, 12, 6)), result(.47, 37600000, 9000, (95, 8, 2))):
            done = self.compare(lab)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn("0 of 6 cells outside", done.stdout)
            self.assertNotIn("*", done.stdout)

    def test_each_cell_beyond_its_bound_is_marked(self):
        for lab, cell in ((result(shared=.531), "0.500 / 0.531*"), (result(pss=37500000), "40.0 / 37.5*"),
                          (result(faults=11001), "10000 / 11001*"), (result(collections=(106, 10, 4)), "100 / 106*"),
                          (result(collections=(100, 7, 4)), "10 / 7*"), (result(collections=(100, 10, 7)), "4 / 7*")):
            done = self.compare(lab)
            self.assertEqual((done.returncode, done.stderr), (1, ""))
            self.assertIn(cell, done.stdout)
            self.assertIn("1 of 6 cells outside", done.stdout)
            self.assertEqual(done.stdout.count("*"), 2, "the cell and the legend")

    def test_the_masters_are_shown_side_by_side(self):
        real, lab = result(), result()
        real["settings"][0]["master_gc"] = {"counts": [457, 0, 2], "long_lived": [76893, 8407]}
        lab["settings"][0]["master_gc"] = {"counts": [461, 2, 2], "long_lived": [76212, 8412]}
        self.assertIn("real / lab; master's counts 457 0 2 / 461 2 2, long-lived 76893 / 76212, pending 8407 / 8412\n", self.compare(lab, real).stdout)
        self.assertIn("real / lab\n", self.compare(result(), real).stdout)
        lab["settings"][0]["master_gc"] = {"counts": [461], "long_lived": []}
        done = self.compare(lab, real)
        self.assertEqual((done.returncode, done.stdout, len(done.stderr.splitlines())), (2, "", 1))

    def test_faults_before_the_first_request_do_not_count(self):
        self.assertEqual(self.compare(result(inherited=5000)).returncode, 0)

    def test_what_cannot_be_compared_is_one_line_and_exit_2(self):
        for lab, words in ((result(gc="default"), "no GC setting of those measured: freeze"), (result(workers=2), "2 workers"),
                           ("{", "not a result"), ({"settings": [{"checkpoints": []}]}, "'gc'"),
                           ({"workers": 4, "settings": [{"gc": "freeze", "checkpoints": []}]}, "no checkpoint"),
                           ([], "not a result")):
            done = self.compare(lab)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
            self.assertIn("lab.json", done.stderr)
            self.assertIn(words, done.stderr)

    def test_a_setting_that_the_lab_has_not_run_is_named(self):
        real = result()
        real["settings"] += result(gc="default")["settings"]
        done = self.compare(result(), real)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("default under uwsgi: not in ", done.stdout)
        self.assertIn("0 of 6 cells", done.stdout)

    def test_a_setting_missing_in_the_lab_is_found_before_measuring(self):
        done = subprocess.run([sys.executable, SCRIPT, "--lab", self.file("lab.json", result())], capture_output=True,
                              text=True, env={"PATH": "/nonexistent"})
        self.assertEqual(done.returncode, 2)
        self.assertIn('lab.json: no GC setting "default"', done.stderr)

    def test_a_table_gives_back_what_was_saved_and_a_new_run_takes_the_place_of_the_old(self):
        path = os.path.join(self.directory, "t.csv")
        first, second = result(gc="threshold=200,5,5"), result(shared=.25)
        service_table.save(path, [result(), first])
        service_table.save(path, [second])
        read, = service_table.read_real(path)
        self.assertEqual(read["workers"], 4)
        self.assertEqual(read["settings"], second["settings"] + first["settings"])

    def test_results_without_a_figure_do_not_pass(self):
        lab = self.file("lab.json", result())
        for name, content in (("real.csv", ",".join(service_table.COLUMNS) + "\n"),
                              ("real.json", {"server": "uwsgi", "workers": 4, "settings": []}),
                              ("real.json", {"workers": 4, "settings": []})):
            done = subprocess.run([sys.executable, SCRIPT, "--real", self.file(name, content), "--lab", lab],
                                  capture_output=True, text=True)
            self.assertEqual((done.returncode, len(done.stderr.splitlines())), (2, 1), done.stderr)
            self.assertIn(name, done.stderr)

    def test_a_file_that_is_no_table_stays_as_it_is(self):
        path = self.file("t.csv", "a,b\n1,2\n")
        done = subprocess.run([sys.executable, SCRIPT, "--real", self.file("real.json", result()), "--csv", path],
                              capture_output=True, text=True)
        self.assertEqual((done.returncode, len(done.stderr.splitlines())), (2, 1), done.stderr)
        with open(path) as f:
            self.assertEqual(f.read(), "a,b\n1,2\n")


class Golden(unittest.TestCase):
    def test_each_run_is_whole(self):
        for run in service_table.read_real(GOLDEN):
            for setting in run["settings"]:
                found = setting["checkpoints"]
                self.assertEqual([c["requests"] for c in found], list(service.CHECKPOINTS))
                self.assertEqual([sum(c["served"]) for c in found], list(service.CHECKPOINTS))
                if "endpoints" in found[-1]:
                    for before, c in zip([found[0]] + found, found):
                        self.assertEqual([len(e) for e in c["endpoints"]], [n - b for n, b in zip(c["served"], before["served"])])
                    # the ten endpoints were sent in turn
                    served = [e for c in found for worker in c["endpoints"] for e in worker]
                    self.assertEqual([served.count(e) for e in range(10)], [400] * 10)
                disable, thresholds = service.parse_setting(setting["gc"])[:2]
                if disable or thresholds and not thresholds[0]:
                    self.assertEqual(found[-1]["gc_collections"], [0, 0, 0])
                else:
                    self.assertGreater(found[-1]["gc_collections"][0], 0)


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
        for c, new in zip(setting["checkpoints"], ([], range(4), range(4, 20), range(20, 40))):
            self.assertEqual(sorted(e for worker in c["endpoints"] for e in worker), sorted(n % 10 for n in new))
        self.assertEqual(setting["gc_collections"], [0, 0, 0])

    def test_the_masters_collector_is_what_its_worker_says(self):
        """Oracle: the frozen objects are those that the collection before has counted as long lived."""
        with tempfile.TemporaryDirectory() as directory:
            with open(os.path.join(directory, "telling.py"), "w") as out:
                out.write("import gc, json\ndef application(environ, start_response):\n"
                          "    with open(%r, 'w') as out:\n"
                          "        json.dump([gc.get_freeze_count(), [s['collections'] for s in gc.get_stats()]], out)\n"
                          "    start_response('200 OK', [])\n    return []\n" % os.path.join(directory, "told"))
            out = os.path.join(directory, "out.json")
            done = subprocess.run([sys.executable, SCRIPT, "--gc", "collect-freeze", "--app", "telling:application",
                                   "--chdir", directory, "--workers", "1", "--requests", "1", "--json", out],
                                  capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
            with open(os.path.join(directory, "told")) as f:
                frozen, collections = json.load(f)
            with open(out) as f:
                setting = json.load(f)["settings"][0]
        master = setting["master_gc"]
        total, pending = master["long_lived"]
        self.assertGreater(total, 1000)
        # the last frames of the import are collected and frozen too, then die
        self.assertIn(total - frozen, range(50))
        self.assertEqual(pending, 0)
        self.assertEqual(master["counts"][1:], [0, 0])
        self.assertEqual([m + w for m, w in zip(master["collections"], setting["gc_collections"])], collections)

    def test_an_application_that_does_not_import_is_one_line_and_leaves_nothing_running(self):
        with tempfile.TemporaryDirectory() as directory:
            for app, word in (("no_such_module:application", "No module named 'no_such_module'"),
                              ("json:no_such_name", "no_such_name")):
                done = subprocess.run([sys.executable, SCRIPT, "--app", app, "--chdir", directory],
                                      capture_output=True, text=True)
                self.assertEqual((done.returncode, len(done.stderr.splitlines())), (2, 1), done.stderr)
                self.assertIn(word, done.stderr)
            self.assertEqual(running(directory), [])

    def test_a_terminated_measurement_stops_its_server(self):
        with tempfile.TemporaryDirectory() as directory:
            app = os.path.join(directory, "slow.py")
            with open(app, "w") as out:
                out.write("import time\ndef application(environ, start_response):\n    time.sleep(300)\n")
            with subprocess.Popen([sys.executable, SCRIPT, "--app", "slow:application", "--chdir", directory],
                                  stderr=subprocess.PIPE, text=True) as measuring:
                try:
                    limit = time.time() + 60
                    while len(running(directory)) < 6 and time.time() < limit:  # the script, the master, four workers
                        time.sleep(.1)
                    self.assertEqual(len(running(directory)), 6)
                    time.sleep(1.5)
                    measuring.terminate()
                    self.assertEqual(measuring.wait(30), 143)
                finally:
                    measuring.kill()
            self.assertEqual(running(directory), [])


if __name__ == "__main__":
    unittest.main()
